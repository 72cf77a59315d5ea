// One's own account: a forgotten password, the second factor, sessions, keys.
import assert from "node:assert/strict";
import { consoleTests, owner, signInByPage } from "./support/console.ts";
import { look } from "./support/look.ts";
import { linkTo } from "./support/mails.ts";
import { codeOf } from "./support/second_factor.ts";
import { password } from "./support/server.ts";

const { test, club } = consoleTests();
const newPassword = "other horse-2";

test("A forgotten password is replaced by the link of a mail, once", async ({ page, newProfile, troubles }) => {
  await page.goto("/sign-in");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByLabel("E-mail address").fill(owner);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByRole("heading", { name: "Look into your mailbox" }).waitFor();
  await look(page, "forgot-password-sent");
  const link = await linkTo(club.server, owner, "reset-password");

  await page.goto(link);
  await page.getByLabel("New password").fill("short");
  await page.getByLabel("The password once more").fill("other");
  await page.getByRole("button", { name: "Set the password" }).click();
  await page.getByText("The two passwords differ.").waitFor();
  await look(page, "reset-password");
  await page.getByLabel("New password").fill(newPassword);
  await page.getByLabel("The password once more").fill(newPassword);
  await page.getByRole("button", { name: "Set the password" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();

  troubles.expect(/^answer 40\d to POST \/auth\/reset-password$/);
  const other = await newProfile();
  await other.goto(link);
  await other.getByLabel("New password").fill(password);
  await other.getByLabel("The password once more").fill(password);
  await other.getByRole("button", { name: "Set the password" }).click();
  await other.getByRole("heading", { name: "This link no longer works" }).waitFor();
  await look(other, "link-used-up");
  await other.getByRole("link", { name: "Ask for a new link" }).click();
  await other.getByRole("heading", { name: "Forgot your password?" }).waitFor();

  // Back to the one that other tests know.
  await page.goto("/me/security");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByLabel("New password", { exact: true }).fill(password);
  await page.getByLabel("The new password once more").fill(password);
  await page.getByLabel("Your password").fill(newPassword);
  await page.getByRole("button", { name: "Change", exact: true }).click();
  await page.getByText("Your password is changed.").waitFor();
});

test("A second factor is set up, asked for, and a recovery code signs in once", async ({
  page,
  signIn,
  newProfile,
  troubles,
}) => {
  await signIn();
  await page.goto("/me/security");
  await page.getByRole("button", { name: "Set up" }).click();
  await page.getByLabel("Your password").fill(password);
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByRole("img", { name: "QR code for the authenticator app" }).waitFor();
  await look(page, "second-factor-scan");
  const dialog = page.getByRole("dialog");
  const secret = (await dialog.locator("code").innerText()).replace(/\s/g, "");
  await page.getByLabel("The six digits that it shows now").fill(codeOf(secret));
  await page.getByRole("button", { name: "Switch it on" }).click();
  await page.getByText("Store your recovery codes").waitFor();
  const codes = await dialog.getByRole("listitem").allInnerTexts();
  assert.ok(codes.length >= 8, `${codes.length} codes`);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download" }).click();
  assert.equal((await download).suggestedFilename(), "fealty-recovery-codes.txt");
  await look(page, "recovery-codes");
  await page.getByRole("button", { name: "I have stored them" }).click();
  await page.getByText("On", { exact: true }).waitFor();

  troubles.expect(/^answer 401 to POST \/auth\/login$/);
  troubles.expect(/^answer 401 to POST \/auth\/second-factor$/);
  const other = await newProfile();
  await other.goto("/sign-in");
  await other.getByLabel("E-mail or username").fill(owner);
  await other.getByLabel("Password", { exact: true }).fill(password);
  await other.keyboard.press("Enter");
  await other.getByRole("heading", { name: "Second factor" }).waitFor();
  await look(other, "second-factor");
  await other.getByLabel("Code").fill("000000");
  await other.keyboard.press("Enter");
  await other.getByRole("alert").waitFor();
  await other.getByRole("button", { name: "Use a recovery code instead" }).click();
  await other.getByLabel("Recovery code").fill(codes[0]!);
  await other.keyboard.press("Enter");
  await other.getByRole("heading", { name: "Overview" }).waitFor();

  await other.goto("/me/security");
  await other.getByRole("button", { name: "Switch off" }).click();
  await other.getByLabel("Code of the app, or a recovery code").fill(codes[1]!);
  await other.getByLabel("Your password").fill(password);
  await other.getByRole("dialog").getByRole("button", { name: "Switch off" }).click();
  await other.getByText("The second factor is off.").waitFor();
});

test("Sessions of other devices are ended one by one and all together", async ({ page, newProfile, signIn }) => {
  await signIn();
  const others = [await newProfile(), await newProfile(), await newProfile()];
  for (const other of others) await signInByPage(other);
  await page.goto("/me/sessions");
  await page.getByText("This one").waitFor();
  const ends = page.getByRole("button", { name: /^End the session of/ });
  const before = await ends.count();
  assert.ok(before >= 3, `${before} other sessions`);
  await look(page, "sessions");
  await ends.first().click();
  await page.getByText("The session has ended.").waitFor();
  await page.getByRole("button", { name: "End all others" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "End all others" }).click();
  await page.getByText("All other sessions have ended.").waitFor();
  await ends.first().waitFor({ state: "detached" });
  await others[0]!.reload();
  await others[0]!.getByRole("heading", { name: "Sign in" }).waitFor();
});

test("A key of one's own is shown once, and revoked", async ({ page, signIn }) => {
  await signIn();
  await page.goto("/me");
  await page.getByText(owner).first().waitFor();
  await look(page, "profile");
  await page.goto("/me/api-keys");
  await page.getByRole("button", { name: "Create key" }).first().click();
  await page.getByLabel("Name").fill("Home assistant");
  await page.getByLabel("Read your profile").check();
  await page.getByRole("dialog").getByRole("button", { name: "Create key" }).click();
  const key = await page.getByLabel("Key", { exact: true }).inputValue();
  const info = await club.server.ask<{ data: { kind: string } }>("GET", "/v1/users/apikeys/info", { key });
  assert.equal(info.data.kind, "user");
  await page.getByRole("button", { name: "I have stored it" }).click();
  await page.getByRole("button", { name: "Revoke the key Home assistant" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByText("No keys of your own").waitFor();
  await look(page, "own-keys-empty");
  await assert.rejects(club.server.ask("GET", "/v1/users/apikeys/info", { key }), /401/);
});
