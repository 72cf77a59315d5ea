// An empty installation takes its first account and community; what is done first after that.
import assert from "node:assert/strict";
import { consoleTests, signInByPage } from "./support/console.ts";
import { checkAccessibility, look } from "./support/look.ts";
import { password } from "./support/server.ts";

const { test, club } = consoleTests({ empty: true });

test("The first person sets the installation up, and is welcomed", async ({ page, troubles }) => {
  await page.goto("/");
  await page.getByRole("heading", { name: "Set up Fealty" }).waitFor();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText("This is needed.").first().waitFor();
  await look(page, "setup-account");
  await page.getByLabel("First name").fill("Mia");
  await page.getByLabel("Last name").fill("Lu");
  await page.getByLabel("E-mail address").fill("mia.lu@example.org");
  assert.equal(await page.getByLabel("Username").inputValue(), "mia.lu", "taken from the address");
  await page.getByLabel("Password", { exact: true }).fill("password-1");
  await page.getByRole("button", { name: "Continue" }).click();
  assert.equal(await page.getByRole("combobox", { name: "Time zone" }).inputValue(), "Europe/Berlin", "the browser's");
  await page.getByLabel("Name of the community").fill("Harbour Traders");
  await page.getByLabel("Fill it with demo data").check();
  await look(page, "setup-community");

  // Only the server knows the passwords that are guessed first: it sends back to the first step.
  troubles.expect(/^answer 400 to POST \/v1\/setup$/);
  await page.getByRole("button", { name: "Create the community" }).click();
  await page.getByText("among those that are guessed first").waitFor();
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("button", { name: "Create the community" }).click();

  await page.getByRole("heading", { name: "Welcome" }).waitFor();
  await page.getByText("Done").first().waitFor();
  await look(page, "welcome");
  await page.getByRole("link", { name: "Create an API key" }).click();
  await page.getByRole("heading", { name: "API keys", level: 1 }).waitFor();
});

test("Who comes later signs in, and finds no setup", async ({ page }) => {
  await page.goto("/setup");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await signInByPage(page, "mia.lu@example.org");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await checkAccessibility(page);
  assert.match(new URL(page.url()).pathname, /^\/c\/[0-9a-f]{24}$/);
  assert.ok(club.server.url);
});
