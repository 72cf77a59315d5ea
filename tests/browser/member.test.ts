// One member's page: balances, roles, moderation, deletion and the way back.
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { consoleTests } from "./support/console.ts";
import { look } from "./support/look.ts";

const { test, club } = consoleTests({ members: 6 });

type Info = { data: { userId: string; coins: number; status: string; roles: string[]; country: string | null } };
const info = (name: string) =>
  club.server.ask<Info>("POST", "/v1/users/info", { key: club.key, body: { idOrEmail: `${name}@example.org` } });

async function open(page: Page, name: string, search = "") {
  const { data } = await info(name);
  await page.goto(`/c/${club.community.id}/members/${data.userId}${search}`);
  await page.getByText(`@${name}`).waitFor();
}

test("A balance is adjusted exactly, with a reason, and never below zero", async ({ page, signIn }) => {
  await signIn();
  await open(page, "member00001");
  await page.getByText("earned in all").first().waitFor();
  await look(page, "member");

  await page.getByRole("button", { name: "Adjust Coins" }).click();
  const dialog = page.getByRole("dialog", { name: "Adjust Coins" });
  await dialog.getByRole("textbox", { name: "Amount" }).fill("8999999999999.000001");
  await dialog.getByText("8,999,999,999,999.000001").waitFor();
  await dialog.getByRole("button", { name: "Adjust" }).click();
  await dialog.getByText("A reason is needed.").waitFor();
  await dialog.getByRole("textbox", { name: "Reason" }).fill("Opening balance of the old system");
  await look(page, "member-adjust");
  await dialog.getByRole("button", { name: "Adjust" }).click();
  await page.getByText("Coins: +8,999,999,999,999.000001. The balance is 8,999,999,999,999.000001.").waitFor();
  await dialog.waitFor({ state: "hidden" });

  await page.getByRole("button", { name: "Adjust Coins" }).click();
  await dialog.getByText("Subtract", { exact: true }).click();
  await dialog.getByRole("textbox", { name: "Amount" }).fill("8999999999999.000002");
  await dialog.getByText("The balance would fall below zero.").waitFor();
  await dialog.getByRole("textbox", { name: "Amount" }).fill("8999999999998.9");
  await dialog.getByText("0.100001").waitFor();
  await dialog.getByRole("textbox", { name: "Reason" }).fill("Typing error");
  await dialog.getByRole("button", { name: "Adjust" }).click();
  await page.getByText("The balance is 0.100001.").waitFor();
  assert.equal((await info("member00001")).data.coins, 0.100001);
});

test("A member is suspended until the end of a day, and the suspension is lifted", async ({ page, signIn }) => {
  await signIn();
  await open(page, "member00002", "?tab=moderation");
  await page.getByRole("heading", { name: "Nothing is on record" }).waitFor();
  await page.getByRole("button", { name: "Suspend" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("The member is signed out at once").waitFor();
  await dialog.getByRole("radio", { name: "Until the end of a day" }).check();
  await dialog.getByLabel("Last day").fill("2199-12-24");
  await dialog.getByRole("button", { name: "Suspend" }).click();
  await dialog.getByText("A reason is needed.").waitFor();
  await dialog.getByRole("textbox", { name: "Reason" }).fill("Three warnings in a week");
  await look(page, "member-suspend");
  await dialog.getByRole("button", { name: "Suspend" }).click();
  await page.getByText("Suspended until 24 Dec 2199, 23:59").waitFor();
  await page.getByText("Three warnings in a week").waitFor();
  await look(page, "member-moderation");

  await page.getByRole("button", { name: "Lift" }).click();
  await dialog.getByRole("textbox", { name: "Reason" }).fill("Appeal");
  await dialog.getByRole("button", { name: "Lift" }).click();
  await page.getByRole("alert").getByText("can come in again.").waitFor();
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Warn" }).waitFor();
  assert.equal((await info("member00002")).data.status, "active");
});

test("A deleted member comes back by undoing it", async ({ page, signIn }) => {
  await signIn();
  await open(page, "member00003");
  await page.getByRole("button", { name: /^What can be done with/ }).click();
  await page.getByRole("menuitem", { name: "Delete member" }).click();
  await page.getByText("you can restore the member for as long as").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Delete member" }).click();
  await page.getByText("6 members", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("7 members", { exact: true }).waitFor();
  assert.equal((await info("member00003")).data.status, "active");
});

test("Roles are given and taken away, and the profile is edited", async ({ page, signIn, troubles }) => {
  await club.server.ask("POST", "/v1/roles", { key: club.key, body: { title: "Trader" } });
  await signIn();
  await open(page, "member00004");
  await page.getByRole("button", { name: "Add a role" }).click();
  await page.getByRole("menuitem", { name: "Trader" }).click();
  await page.getByText("Trader is given.").waitFor();
  assert.deepEqual((await info("member00004")).data.roles, ["Trader"]);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("No roles").waitFor();

  troubles.expect(/^answer 400 to PATCH \/v1\/users\//);
  await page.getByRole("button", { name: "Edit profile" }).click();
  await page.getByRole("textbox", { name: "Country" }).fill("Atlantis");
  await page.getByRole("button", { name: "Save" }).click();
  const problem = page.getByRole("dialog").locator("[class*=InputWrapper-error]");
  await problem.waitFor();
  await page.getByRole("textbox", { name: "Country" }).fill("Singapore");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The profile is saved.").waitFor();
  assert.equal((await info("member00004")).data.country, "SG");
});

test("A member of nobody's id is told so", async ({ page, signIn, troubles }) => {
  troubles.expect(/^answer 404 to POST \/v1\/users\/info$/);
  await signIn();
  await page.goto(`/c/${club.community.id}/members/999999`);
  await page.getByRole("heading", { name: "There is no such member" }).waitFor();
  await look(page, "member-none");
});
