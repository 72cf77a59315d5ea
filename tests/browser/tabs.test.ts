// One session in several tabs; on PostgreSQL, where sessions are looked up over its wire.
import { consoleTests } from "./support/console.ts";

const { test, club } = consoleTests({ engine: "postgres" });

test("Who signs out in one tab is signed out in the others", async ({ page, newTab, signIn, troubles }) => {
  await signIn();
  const other = await newTab();
  for (const tab of [page, other]) {
    await tab.goto(`/c/${club.community.id}`);
    await tab.getByRole("heading", { name: "Overview" }).waitFor();
  }
  // Questions that were under way when the session ended.
  troubles.tolerate(/^answer 401 to GET /);
  await page.bringToFront();
  await page.getByRole("button", { name: /^Your account/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();

  // Nobody has to touch the other tab: what it showed is gone, not only refused at the next question.
  await other.getByRole("heading", { name: "Sign in" }).waitFor();
});

test("Who signs in in one tab goes on in the others", async ({ page, newTab, signIn }) => {
  await page.goto(`/c/${club.community.id}`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  const other = await newTab();
  await signIn();
  await other.goto("/");
  await other.getByRole("heading", { name: "Overview" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
});
