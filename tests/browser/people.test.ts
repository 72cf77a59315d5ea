// Those who run a community beside its owner, ordinary members, and what the audit log tells of them.
import { consoleTests } from "./support/console.ts";
import { look } from "./support/look.ts";
import { linkTo } from "./support/mails.ts";
import { password } from "./support/server.ts";

const { test, club } = consoleTests({ members: 2 });
const settings = (page: string) => `/c/${club.community.id}/settings/${page}`;
const member = "member00001@example.org";

test("An administrator is invited by mail, comes in, and is dismissed", async ({ page, signIn, newProfile }) => {
  await signIn();
  await page.goto(settings("administrators"));
  await page.getByRole("button", { name: "Invite" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail address").fill("ada@example.org");
  await look(page, "administrator-invite");
  await dialog.getByRole("button", { name: "Invite" }).click();
  await page.getByRole("row", { name: /ada@example\.org/ }).waitFor();
  await look(page, "administrators");

  const ada = await newProfile();
  await ada.goto(await linkTo(club.server, "ada@example.org", "claim"));
  await ada.getByLabel("Username").fill("ada");
  await ada.getByLabel("New password").fill(password);
  await ada.getByLabel("The password once more").fill(password);
  await look(ada, "claim");
  await ada.getByRole("button", { name: "Take over the account" }).click();
  await ada.waitForURL((url) => url.pathname !== "/claim");
  await ada.goto("/me");
  await ada.getByText("Northwind Club").first().waitFor();
  const join = ada.getByRole("button", { name: "Join: Northwind Club" });
  if (await join.isVisible()) await join.click();
  await ada.getByRole("link", { name: "Open" }).click();
  await ada.getByRole("heading", { name: "Overview" }).waitFor();

  await page.reload();
  await page.getByRole("button", { name: /^Dismiss / }).click();
  await dialog.getByRole("button", { name: "Dismiss" }).click();
  await page.getByRole("row", { name: /ada@example\.org/ }).waitFor({ state: "detached" });
  await ada.goto("/");
  await ada.getByRole("heading", { name: "Profile" }).waitFor();
});

test("An ordinary member has a profile, and no community to run", async ({ page, signIn, troubles }) => {
  await club.server.claim(member);
  await signIn(member);
  await page.goto("/");
  await page.getByRole("heading", { name: "Profile" }).waitFor();
  await page.getByRole("button", { name: "Edit profile: Northwind Club" }).click();
  await page.getByLabel("Display name").fill("Ana the Great");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText(/Ana the Great/).waitFor();
  await look(page, "member-profile");
  troubles.expect(/^answer 401 to PATCH \/account$/);
  await page.getByRole("button", { name: "Change username" }).click();
  await page.getByRole("textbox", { name: "Username" }).fill("ana");
  await page.getByLabel("Your password").fill("wrong horse-1");
  await page.getByRole("dialog").getByRole("button", { name: "Change", exact: true }).click();
  // What was saved before may still be told beside the dialog.
  await page.getByRole("dialog").getByRole("alert").waitFor();
  await page.getByLabel("Your password").fill(password);
  await page.getByRole("dialog").getByRole("button", { name: "Change", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.getByRole("main").getByText("ana", { exact: true }).waitFor();
  await page.goto(settings("roles"));
  await page.getByText("There is no such page").waitFor();
});

test("A currency is made and changed, and the audit log tells it", async ({ page, signIn }) => {
  await signIn();
  await page.goto(settings("currencies"));
  await page.getByRole("button", { name: "New currency" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Gems");
  await dialog.getByLabel("Code").fill("gems");
  await dialog.getByLabel("Icon").fill("💎");
  await look(page, "currency-form");
  await dialog.getByRole("button", { name: "New currency" }).click();
  await page.getByRole("button", { name: "Change the currency Gems" }).click();
  await dialog.getByLabel("Decimal places").fill("2");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByRole("row", { name: /Gems.*2/ }).waitFor();
  await look(page, "currencies");

  await page.goto(settings("audit-log"));
  await page.getByRole("button", { name: "Look at the entry currency.update" }).click();
  await page.getByRole("dialog").getByText("decimals").first().waitFor();
  await look(page, "audit-entry");
  await page.keyboard.press("Escape");
  await page.getByRole("textbox", { name: "Search" }).fill("currency.create");
  await page.getByRole("button", { name: "Look at the entry currency.update" }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Look at the entry currency.create" }).waitFor();
  // What is looked for stands in the address.
  await page.reload();
  await page.getByRole("button", { name: "Look at the entry currency.create" }).waitFor();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.getByRole("button", { name: "Look at the entry currency.update" }).waitFor();
  await look(page, "audit-log");
});

test("Where registration is open, a person registers with the code of a mail", async ({
  page,
  signIn,
  newProfile,
  troubles,
}) => {
  const guest = await newProfile();
  const register = `/register?community=${club.community.id}`;
  const fill = async () => {
    await guest.getByLabel("First name").fill("Jun");
    await guest.getByLabel("Last name").fill("Kim");
    await guest.getByLabel("E-mail address").fill("jun@example.org");
    await guest.getByLabel("Username").fill("jun");
    await guest.getByLabel("Password", { exact: true }).fill(password);
    await guest.getByLabel("The password once more").fill(password);
    await guest.getByRole("button", { name: "Create account" }).click();
  };
  troubles.expect(/^answer 403 to POST \/auth\/register$/);
  await guest.goto(register);
  await fill();
  await guest.getByRole("heading", { name: "Registration is closed" }).waitFor();

  await signIn();
  await page.goto(settings("login"));
  await page.getByLabel("Open registration").check();
  await page.getByText(register).waitFor();
  await guest.goto(register);
  await look(guest, "register");
  await fill();
  await guest.getByRole("heading", { name: "Verify your e-mail address" }).waitFor();
  await look(guest, "verify-code");
  await guest.goto(await linkTo(club.server, "jun@example.org", "verify-email"));
  await guest.getByLabel("Password", { exact: true }).fill(password);
  await guest.getByRole("button", { name: "Verify" }).click();
  await guest.getByText("Your e-mail address is verified.").waitFor();
  await guest.getByLabel("E-mail or username").fill("jun");
  await guest.getByLabel("Password", { exact: true }).fill(password);
  await guest.keyboard.press("Enter");
  await guest.getByRole("heading", { name: "Profile" }).waitFor();
});
