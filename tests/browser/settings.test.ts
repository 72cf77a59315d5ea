// The settings of a community, as its owner uses them.
import assert from "node:assert/strict";
import { consoleTests } from "./support/console.ts";
import { look } from "./support/look.ts";

const { test, club } = consoleTests({ members: 3 });
const settings = (page: string) => `/c/${club.community.id}/settings/${page}`;

test("An API key is made with few rights, works, is rotated and revoked", async ({ page, signIn }) => {
  await signIn();
  await page.goto(settings("api-keys"));
  await page.getByText("tests", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Create key" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Create key" }).click();
  await page.getByText("Choose one permission at least.").waitFor();
  await look(page, "api-key-form");
  await dialog.getByLabel("Name", { exact: true }).fill("CRM");
  await dialog.getByLabel("Read users").check();
  await dialog.getByRole("button", { name: "Create key" }).click();
  const shown = page.getByLabel("Key", { exact: true });
  await shown.waitFor();
  await look(page, "api-key-shown-once");
  const key = await shown.inputValue();
  const list = (text: string) =>
    club.server.ask("GET", `/v1/communities/${club.community.id}/users?limit=1`, { key: text });
  await list(key);
  await assert.rejects(club.server.ask("GET", `/v1/communities/${club.community.id}/user-fields`, { key }), /401/);
  // Neither Escape nor a click beside it loses the key.
  await page.keyboard.press("Escape");
  await shown.waitFor();
  await page.getByRole("button", { name: "I have stored it" }).click();
  await page.getByRole("row", { name: /CRM/ }).waitFor();
  assert.ok(!(await page.content()).includes(key), "the page forgets it");
  await look(page, "api-keys");

  await page.getByRole("button", { name: "Actions for CRM" }).click();
  await page.getByRole("menuitem", { name: "Rotate" }).click();
  await page.getByRole("combobox", { name: "The old key works for another" }).click();
  await page.getByRole("option", { name: /refused at once/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Rotate" }).click();
  await shown.waitFor();
  const next = await shown.inputValue();
  await list(next);
  await assert.rejects(list(key), /401/);
  await page.getByRole("button", { name: "I have stored it" }).click();

  await page.getByRole("button", { name: "Actions for CRM" }).first().click();
  await page.getByRole("menuitem", { name: "Revoke" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByText("The key is revoked.").waitFor();
  await assert.rejects(list(next), /401/);
});

test("A custom field is defined, changed, deleted and restored", async ({ page, signIn, troubles }) => {
  await signIn();
  await page.goto(settings("fields"));
  await page.getByText("No custom fields yet").waitFor();
  await look(page, "fields-empty");
  await page.getByRole("button", { name: "New field" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("Email");
  troubles.expect(/^answer 409 to POST .*user-fields$/);
  await dialog.getByRole("button", { name: "New field" }).click();
  await dialog.getByRole("alert").waitFor();
  await dialog.getByLabel("Name", { exact: true }).fill("Plan");
  await dialog.getByLabel("Choice").check();
  for (const option of ["Gold", "Silver"]) {
    await dialog.getByRole("combobox", { name: "Options" }).fill(option);
    await page.keyboard.press("Enter");
  }
  await look(page, "field-form");
  await dialog.getByRole("button", { name: "New field" }).click();
  await page.getByRole("row", { name: /Plan/ }).waitFor();
  await page.getByRole("button", { name: "Actions for Plan" }).click();
  await page.getByRole("menuitem", { name: "Edit" }).click();
  await dialog.getByLabel("Description").fill("What the member pays for.");
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByText("What the member pays for.").waitFor();
  await look(page, "fields");

  await page.getByRole("button", { name: "Actions for Plan" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  const remove = dialog.getByRole("button", { name: "Delete" });
  assert.ok(await remove.isDisabled(), "its key must be typed first");
  await dialog.getByLabel(/^Type .* to confirm/).fill("Plan");
  await look(page, "field-delete");
  await remove.click();
  await page.getByText("No custom fields yet").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("row", { name: /Plan/ }).waitFor();
});

test("A role is made with permissions, seen in the matrix, and deleted", async ({ page, signIn }) => {
  await signIn();
  await page.goto(settings("roles"));
  await page.getByRole("row", { name: /@all/ }).first().waitFor();
  await page.getByRole("button", { name: "New role" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("Moderator");
  await dialog.getByLabel("Warn members").check();
  await look(page, "role-form");
  await dialog.getByRole("button", { name: "New role" }).click();
  const matrix = page.getByRole("region", { name: "Who may do what" });
  await matrix.getByRole("columnheader", { name: "Moderator" }).waitFor();
  const row = matrix.getByRole("row", { name: /^Warn members/ });
  assert.deepEqual(await row.getByRole("cell").allInnerTexts(), ["allowed", "not allowed"]);
  await look(page, "roles");
  await page.getByRole("button", { name: "Actions for Moderator" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByText("The role is deleted.").waitFor();
});

test("Tags are made, renamed and deleted", async ({ page, signIn, troubles }) => {
  await signIn();
  await page.goto(settings("tags"));
  await page.getByText("No tags yet").waitFor();
  await page.getByRole("button", { name: "New tag" }).first().click();
  const dialog = page.getByRole("dialog");
  troubles.expect(/^answer 400 to POST .*tags$/);
  await dialog.getByLabel("Name").fill("one, two");
  await page.keyboard.press("Enter");
  await dialog.getByText(/comma/).nth(1).waitFor();
  await dialog.getByLabel("Name").fill("Trial");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Rename the tag Trial" }).click();
  await dialog.getByLabel("Name").fill("Newsletter");
  await page.keyboard.press("Enter");
  await page.getByRole("row", { name: /Newsletter/ }).waitFor();
  await look(page, "tags");
  await page.getByRole("button", { name: "Delete the tag Newsletter" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByText("No tags yet").waitFor();
});

test("The doors, the system key and access levels are managed", async ({ page, signIn }) => {
  await signIn();
  await page.goto(settings("login"));
  await page.getByLabel("Open registration").check();
  await page.getByText(`/register?community=${club.community.id}`).waitFor();
  await page.reload();
  await page.getByText(`/register?community=${club.community.id}`).waitFor();
  await page.getByLabel("Open registration").uncheck();
  await page.getByText(`/register?community=${club.community.id}`).waitFor({ state: "detached" });
  assert.ok(await page.getByLabel("Second factor for owners and administrators").isDisabled(), "it would lock out");

  await page.getByRole("button", { name: "New access level" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Number").fill("7");
  await dialog.getByLabel("Name").fill("Partners");
  await dialog.getByRole("button", { name: "Create level" }).click();
  await page.getByRole("row", { name: /Partners/ }).waitFor();
  await look(page, "login-management");

  await page.getByRole("button", { name: "Rotate" }).click();
  await dialog.getByRole("button", { name: "Rotate" }).click();
  const key = await page.getByLabel("System key", { exact: true }).inputValue();
  const answer = await fetch(`${club.server.url}/servers`, { headers: { "x-api-key": key } });
  assert.equal(answer.status, 200);
  await page.getByRole("button", { name: "I have stored it" }).click();

  await page.getByRole("button", { name: "Delete the access level Partners" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("row", { name: /Partners/ }).waitFor({ state: "detached" });
});

test("The community takes a new name, zone and retention", async ({ page, signIn }) => {
  await signIn();
  await page.goto(settings("community"));
  await page.getByLabel("Name", { exact: true }).fill("Southwind Club");
  await page.getByRole("combobox", { name: "Time zone" }).fill("Singapore");
  await page.getByRole("option", { name: "Asia/Singapore" }).click();
  await page.getByRole("button", { name: "Save" }).first().click();
  await page.getByText("Saved").first().waitFor();
  // The sidebar and the window's title follow.
  await page.locator("nav").getByText("Southwind Club", { exact: true }).waitFor();

  await page.getByLabel("Deleted members can be restored for").fill("999");
  await page.getByRole("button", { name: "Save" }).nth(1).click();
  await page.getByText("A whole number from 1 to 365.").waitFor();
  await look(page, "community-settings");
  await page.getByLabel("Deleted members can be restored for").fill("60");
  await Promise.all([
    page.waitForResponse((answer) => answer.request().method() !== "GET" && answer.ok()),
    page.getByRole("button", { name: "Save" }).nth(1).click(),
  ]);
  await page.reload();
  assert.equal(await page.getByLabel("Deleted members can be restored for").inputValue(), "60 days");

  await page.getByLabel("Older changes are removed after").fill("30");
  await page.getByRole("button", { name: "Save" }).last().click();
  await page.getByRole("dialog").getByText("It does not come back.").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved").waitFor();
  await page.reload();
  assert.equal(await page.getByLabel("Older changes are removed after").inputValue(), "30 days");
});

test("What was entered is not lost by a key, a click beside it or a link", async ({ page, signIn }) => {
  await signIn();
  await page.goto(settings("tags"));
  await page.getByRole("button", { name: "New tag" }).first().click();
  const form = page.getByRole("dialog", { name: "New tag" });
  await form.waitFor();
  await page.keyboard.press("Escape");
  await form.waitFor({ state: "hidden" });

  const question = page.getByRole("dialog", { name: "Discard what you entered?" });
  await page.getByRole("button", { name: "New tag" }).first().click();
  await form.getByLabel("Name").fill("Trial");
  await page.keyboard.press("Escape");
  await question.waitFor();
  await look(page, "discard");
  await page.keyboard.press("Escape");
  await question.waitFor({ state: "hidden" });
  assert.equal(await form.getByLabel("Name").inputValue(), "Trial");
  await page.mouse.click(5, 5);
  await question.getByRole("button", { name: "Discard" }).click();
  await form.waitFor({ state: "hidden" });
  await question.waitFor({ state: "hidden" });

  // Two forms of one page ask once.
  await page.getByRole("link", { name: "Community", exact: true }).click();
  await page.getByLabel("Name", { exact: true }).fill("Another name");
  await page.getByLabel("Deleted members can be restored for").fill("77");
  await page.getByRole("link", { name: "Tags" }).click();
  await question.getByRole("button", { name: "Keep editing" }).click();
  await question.waitFor({ state: "hidden" });
  assert.match(page.url(), /settings\/community$/);
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Another name");
  await page.getByRole("link", { name: "Tags" }).click();
  await question.getByRole("button", { name: "Discard" }).click();
  await page.getByRole("heading", { name: "Tags", exact: true }).waitFor();
  assert.equal(await question.count(), 0);

  // The browser asks where the page cannot; who signs out has decided.
  const asked: string[] = [];
  page.on("dialog", (dialog) => {
    asked.push(dialog.type());
    void dialog.accept();
  });
  await page.getByRole("link", { name: "Community", exact: true }).click();
  await page.getByLabel("Name", { exact: true }).fill("Another name");
  await page.reload();
  assert.deepEqual(asked, ["beforeunload"]);
  await page.getByLabel("Name", { exact: true }).fill("Another name");
  await page.getByRole("button", { name: /^Your account/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.waitForURL("**/sign-in*");
  assert.deepEqual(asked, ["beforeunload"]);
});

test("Pages are reached from the keyboard", async ({ page, signIn }) => {
  await signIn();
  await page.goto(settings("tags"));
  await page.getByRole("heading", { name: "Tags", exact: true }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByPlaceholder("Search or go to…").fill("system key");
  await page.getByRole("button", { name: "Login management" }).waitFor();
  await look(page, "palette");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Login management" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("f");
  await page.getByRole("heading", { name: "Custom fields", exact: true }).waitFor();
  await page.keyboard.press("Shift+?");
  await page.getByRole("dialog").getByText("Keyboard shortcuts").waitFor();
});

test("Imports without a key are allowed by the owner, who is told what that means", async ({ page, signIn }) => {
  const file = (name: string) => {
    const form = new FormData();
    form.set("communityId", club.community.id);
    form.set("data", new Blob([`First Name,Email\n${name},${name}@example.org`], { type: "text/csv" }), "people.csv");
    return club.server.ask("POST", "/v1/users/bulk-import", { body: form });
  };
  await assert.rejects(file("nina"), /401/);
  await signIn();
  await page.goto(settings("community"));
  const policy = page.getByRole("radiogroup", { name: "What such an import may do" });
  await policy.getByRole("radio", { name: "Nothing" }).and(page.locator(":checked")).waitFor();
  const save = page.locator("form").filter({ has: policy }).getByRole("button", { name: "Save" });
  await policy.getByRole("radio", { name: "Add people" }).check();
  await save.click();
  await page.getByText("Saved", { exact: true }).waitFor();
  await file("nina");

  await policy.getByRole("radio", { name: "Everything" }).check();
  await save.click();
  const dialog = page.getByRole("dialog", { name: "Let anybody change members and balances?" });
  await dialog.waitFor();
  await look(page, "anonymous-import-full");
  await dialog.getByRole("button", { name: "Allow everything" }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.reload();
  await policy.getByRole("radio", { name: "Everything" }).and(page.locator(":checked")).waitFor();
  await look(page, "anonymous-import");
});
