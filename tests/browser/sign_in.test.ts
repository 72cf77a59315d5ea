// People come in and go out again.
import assert from "node:assert/strict";
import { consoleTests, owner, signInByPage } from "./support/console.ts";
import { look } from "./support/look.ts";

const { test, club } = consoleTests({ members: 3 });

test("An owner signs in, stays signed in after a reload, and signs out", async ({ page, context }) => {
  await page.goto("/");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await look(page, "sign-in");

  await signInByPage(page);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/c/${club.community.id}`);
  await page
    .getByText("No jobs yet")
    .or(page.getByText("members", { exact: true }))
    .first()
    .waitFor();
  await look(page, "overview");

  await page.reload();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const readable = await page.evaluate(() =>
    JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]),
  );
  const cookies = await context.cookies();
  assert.ok(cookies.length > 0);
  for (const { name, value, httpOnly } of cookies) {
    assert.ok(httpOnly, `${name} is not for scripts`);
    assert.ok(!readable.includes(value), `${name} stands where scripts read`);
  }

  await page.getByRole("button", { name: /^Your account/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.deepEqual(await context.cookies(), []);
  await page.goto(`/c/${club.community.id}`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
});

test("A wrong password is told, and the name stays in its field", async ({ page, troubles }) => {
  troubles.expect(/^answer 401 to POST \/auth\/login$/);
  await page.goto("/sign-in");
  await page.getByLabel("E-mail or username").fill(owner);
  await page.getByLabel("Password", { exact: true }).fill("wrong horse-1");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("E-mail or username").inputValue(), owner);
  assert.equal(await page.getByLabel("Password", { exact: true }).inputValue(), "");
  await look(page, "sign-in-refused");
});
