// One member's page: balances, roles, moderation, deletion and the way back.
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { consoleTests } from "./support/console.ts";
import { look } from "./support/look.ts";

const { test, club } = consoleTests({ members: 6 });

type Info = {
  data: { userId: string; coins: number; status: string; roles: string[]; tags: string[]; country: string | null };
};
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

test("The ledger tells what each entry came from, and takes one back once", async ({ page, signIn, troubles }) => {
  const adjust = (body: object) =>
    club.server.ask("POST", "/v1/users/balances/adjust", {
      key: club.key,
      body: { identifier: "member00005@example.org", ...body },
    });
  await adjust({ currency: "coins", op: "add", amount: 25.5, sourceId: "order-7", reason: "top_up" });
  await adjust({ currency: "coins", op: "subtract", amount: 5, sourceId: "order-8", note: "A cup of tea" });
  const csv = "Email,Premium Currency,Premium Currency_op\nmember00005@example.org,100,add";
  const job = await club.server.upload(club.key, "/v1/users/bulk-update-premium-currency", csv, "Summer bonus");
  await signIn();
  await open(page, "member00005");
  await page.getByRole("tab", { name: "Ledger" }).click();
  await page.getByText("A cup of tea").waitFor();
  assert.deepEqual(await page.locator("[id^=entry-] [class*=entryAmount]").allInnerTexts(), [
    "+100 Premium Currency",
    "−5 Coins",
    "+25.5 Coins",
  ]);
  await look(page, "member-ledger");
  await page.getByRole("link", { name: "Summer bonus" }).click();
  await page.getByRole("heading", { name: "Summer bonus" }).waitFor();
  assert.ok(page.url().includes(String(job._id ?? job.id)), page.url());
  await page.goBack();

  // By currency, which stands in the address; an entry of a job has no way of its own.
  await page.getByLabel("Currency").selectOption({ label: "Premium Currency" });
  await page.getByText("A cup of tea").waitFor({ state: "detached" });
  assert.match(page.url(), /currency=/);
  assert.equal(await page.getByRole("button", { name: /^Take back/ }).count(), 0);
  await page.getByLabel("Currency").selectOption({ label: "All currencies" });

  await page.getByRole("button", { name: "Take back +25.5 Coins" }).click();
  const dialog = page.getByRole("dialog", { name: "Take this entry back?" });
  // Five of them are spent.
  await dialog.getByText("The member has spent it meanwhile").waitFor();
  await dialog.getByRole("textbox", { name: "Reason" }).fill("Wrong member");
  troubles.expect(/^answer 409 to POST \/v1\/ledger\/entries\//);
  await dialog.getByRole("button", { name: "Take back" }).click();
  await dialog.getByRole("alert").getByText("Coins would fall below zero").waitFor();
  await look(page, "member-ledger-refused");
  await dialog.getByRole("button", { name: "Cancel" }).click();

  await page.getByRole("button", { name: "Take back −5 Coins" }).click();
  await dialog.getByRole("button", { name: "Take back" }).click();
  await dialog.getByText("A reason is needed.").waitFor();
  await dialog.getByRole("textbox", { name: "Reason" }).fill("There was no tea");
  await look(page, "member-ledger-reverse");
  await dialog.getByRole("button", { name: "Take back" }).click();
  await page.getByText("Taken back: +5 Coins. The balance is 25.5.").waitFor();
  await page.getByText("There was no tea").waitFor();
  assert.equal(await page.getByRole("button", { name: "Take back −5 Coins" }).count(), 0);
  await page.getByRole("link", { name: "by an entry" }).click();
  await page.locator("[id^=entry-]:focus").getByText("Reversal").waitFor();
  await look(page, "member-ledger-reversed");
  assert.equal((await info("member00005")).data.coins, 25.5);
});

test("An entry that somebody else took back meanwhile is not taken back twice", async ({
  page,
  signIn,
  newTab,
  troubles,
}) => {
  await signIn();
  await open(page, "member00006");
  await page.getByRole("button", { name: "Adjust Coins" }).click();
  await page.getByRole("textbox", { name: "Amount" }).fill("7");
  await page.getByRole("textbox", { name: "Reason" }).fill("Prize");
  await page.getByRole("dialog").getByRole("button", { name: "Adjust" }).click();
  await page.getByText("The balance is 7.").waitFor();
  const other = await newTab();
  for (const one of [page, other]) {
    await open(one, "member00006", "?tab=ledger");
    await one.getByRole("button", { name: "Take back +7 Coins" }).click();
    await one.getByRole("textbox", { name: "Reason" }).fill("Typed in twice");
  }
  await page.getByRole("dialog").getByRole("button", { name: "Take back" }).click();
  await page.getByText("Taken back: −7 Coins. The balance is 0.").waitFor();
  troubles.expect(/^answer 409 to POST \/v1\/ledger\/entries\//);
  await other.getByRole("dialog").getByRole("button", { name: "Take back" }).click();
  await other.getByRole("alert").getByText("Somebody else has taken this entry back already.").waitFor();
  await other.getByRole("button", { name: "Cancel" }).click();
  await other.getByRole("link", { name: "by an entry" }).waitFor();
  assert.equal((await info("member00006")).data.coins, 0);
});

test("Tags are given and taken away at once, and put back when the server refuses", async ({
  page,
  context,
  signIn,
  troubles,
}) => {
  const tags = `/v1/communities/${club.community.id}/tags`;
  const headers = { origin: club.server.url };
  const held = async () => (await info("member00004")).data.tags;
  await signIn();
  const ids: string[] = [];
  for (const name of ["Founder", "Beta tester"]) {
    const made = await context.request.post(tags, { data: { name }, headers });
    ids.push((await made.json()).data._id);
  }
  await open(page, "member00004");
  await page.getByRole("button", { name: "Add a tag" }).click();
  await page.getByRole("menuitem", { name: "Founder" }).click();
  await page.getByText("Tagged with Founder.").waitFor();
  assert.deepEqual(await held(), ["Founder"]);
  await page.getByRole("button", { name: "Take the tag Founder away" }).click();
  await page.getByText("The tag Founder is taken away.").waitFor();
  assert.deepEqual(await held(), []);
  await page.getByRole("button", { name: "Undo" }).last().click();
  await page.getByRole("button", { name: "Take the tag Founder away" }).waitFor();

  // The tag goes while the page still offers it.
  await page.getByRole("button", { name: "Add a tag" }).click();
  await page.getByRole("menuitem", { name: "Beta tester" }).waitFor();
  await context.request.delete(`${tags}/${ids[1]}`, { headers });
  troubles.expect(/^answer 404 to POST .*\/tags\/\w+\/add$/);
  await page.getByRole("menuitem", { name: "Beta tester" }).click();
  await page.getByRole("alert").getByText("This did not work").waitFor();
  await page.getByRole("button", { name: "Take the tag Beta tester away" }).waitFor({ state: "detached" });
  assert.deepEqual(await held(), ["Founder"]);
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
