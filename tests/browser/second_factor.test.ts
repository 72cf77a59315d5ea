// Those who have a second factor are asked for it.
import type { Page } from "playwright-core";
import { consoleTests, owner } from "./support/console.ts";
import { look } from "./support/look.ts";
import { codeOf, enrol } from "./support/second_factor.ts";
import { password } from "./support/server.ts";

const kept = { secret: "", recoveryCodes: [] as string[] };
const { test } = consoleTests({
  afterStart: async ({ server }) => void Object.assign(kept, await enrol(server, owner)),
});

async function sendPassword(page: Page) {
  await page.goto("/sign-in");
  await page.getByLabel("E-mail or username").fill(owner);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Second factor" }).waitFor();
}

test("A wrong code is told, and the app's code lets in", async ({ page, troubles }) => {
  troubles.expect(/^answer 401 to POST \/auth\/login$/); // "a second factor is needed"
  troubles.expect(/^answer 401 to POST \/auth\/second-factor$/);
  await sendPassword(page);
  await look(page, "second-factor");
  await page.getByRole("textbox", { name: "Code" }).fill("000000");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();

  // The code of this half minute was used up when the factor was switched on; the server takes the next one too.
  await page.getByRole("textbox", { name: "Code" }).fill(codeOf(kept.secret, 1));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
});

test("A recovery code lets in once", async ({ page, newProfile, troubles }) => {
  troubles.expect(/^answer 401 to POST \/auth\/login$/);
  troubles.expect(/^answer 401 to POST \/auth\/second-factor$/);
  await sendPassword(page);
  await page.getByRole("textbox", { name: "Code" }).fill(kept.recoveryCodes[0]!);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Overview" }).waitFor();

  const other = await newProfile();
  await sendPassword(other);
  await other.getByRole("textbox", { name: "Code" }).fill(kept.recoveryCodes[0]!);
  await other.keyboard.press("Enter");
  await other.getByRole("alert").waitFor();
  await other.getByRole("button", { name: "Sign in with another account" }).click();
  await other.getByRole("heading", { name: "Sign in" }).waitFor();
});
