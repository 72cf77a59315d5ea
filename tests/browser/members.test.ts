// The list of members: found, narrowed, kept as segments, added and exported.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { type Club, consoleTests } from "./support/console.ts";
import { keepPicture, look } from "./support/look.ts";

const count = 450; // more than two pages of the list
const { test, club } = consoleTests({
  members: count,
  before: async (server) => {
    const field = ["field", "create", "--community", club.community.id];
    await server.command(...field, "--name", "Tier", "--type", "select", "--option", "Silver", "--option", "Gold");
    await server.command(...field, "--name", "Deposit amount", "--type", "numerical");
  },
});

const address = (club: Club, search: Record<string, unknown> = {}) => {
  const query = new URLSearchParams(
    Object.entries(search).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  );
  return `/c/${club.community.id}/members?${query}`;
};
const grid = (page: Page) => page.getByRole("grid", { name: "Members of the community" });
const row = (page: Page, name: string | RegExp) => grid(page).getByRole("row", { name });

/** Pages come from the server as one goes on; End goes to the last one that is there. */
async function goToLast(page: Page) {
  await grid(page).focus();
  const last = row(page, /owner@example\.org/);
  for (let pages = 0; pages < 10 && !(await last.isVisible()); pages++) {
    await page.keyboard.press("End");
    const index = Number(await grid(page).getByRole("row", { selected: true }).getAttribute("aria-rowindex"));
    await page
      .locator(`a[role="row"][aria-rowindex="${index + 1}"]`)
      .or(last)
      .first()
      .waitFor();
  }
  return last;
}

/** Every third member gets 100 coins, a tier and the role. */
let isFilled = false;
async function fill() {
  if (isFilled) return;
  isFilled = true;
  await club.server.ask("POST", "/v1/roles", { key: club.key, body: { title: "Trader" } });
  const rows = Array.from({ length: count / 3 }, (_, index) => {
    const number = String(index * 3 + 1).padStart(5, "0");
    return `member${number}@example.org,100.25,overwrite,Gold,Trader`;
  });
  const csv = ["Email,Coins,Coins_op,Tier,Role", ...rows].join("\n");
  const job = await club.server.upload(club.key, "/v1/users/bulk-update", csv);
  assert.equal(job.status, "completed", JSON.stringify(job));
  assert.equal(job.failed, 0, JSON.stringify(job));
}

test("Members are listed to the last one, whom one reaches with the keyboard", async ({ page, signIn }) => {
  await fill();
  await signIn();
  await page.goto(address(club));
  await page.getByText(`${count + 1} members`, { exact: true }).waitFor();
  await look(page, "members");

  // The first row of the newest.
  await row(page, /member00450/).waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await grid(page)
    .getByRole("row", { selected: true })
    .and(row(page, /member00450/))
    .waitFor();

  const last = await goToLast(page);
  await page.keyboard.press("End");
  await grid(page).getByRole("row", { selected: true }).and(last).waitFor();
  assert.equal(await grid(page).getByRole("row", { selected: true }).getAttribute("aria-rowindex"), String(count + 2));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Balances" }).waitFor();
});

test("A long table is kept while one looks at a member, and shows what was changed there", async ({ page, signIn }) => {
  await signIn();
  await page.goto(address(club));
  await row(page, /member00450/).waitFor();
  await goToLast(page);
  await row(page, /member00002/).click();
  await page.getByRole("button", { name: "Adjust Coins" }).click();
  await page.getByRole("textbox", { name: "Amount" }).fill("3.5");
  await page.getByRole("textbox", { name: "Reason" }).fill("Prize");
  await page.getByRole("dialog").getByRole("button", { name: "Adjust" }).click();
  await page.getByText("The balance is 3.5.").waitFor();

  const asked: string[] = [];
  page.on("request", (request) => {
    if (/\/users\/filter$|\/users\?/.test(request.url())) asked.push(request.url());
  });
  await page.goBack();
  await row(page, /member00002.*3\.5/).waitFor();
  // Those at the top and where the table stood, and not the five pages of two requests each.
  assert.ok(asked.length <= 4, `the rows in sight alone: ${asked.join(" ")}`);
  await page.getByText(`${count + 1} members`, { exact: true }).waitFor();
});

test("A search finds the beginnings of names, and stands in the address", async ({ page, signIn }) => {
  await signIn();
  await page.goto(address(club));
  await page.getByText(`${count + 1} members`, { exact: true }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("member0001");
  await page.getByText("10 members found").waitFor();
  await row(page, /member00019/).waitFor();
  assert.match(page.url(), /q=member0001/);

  await page.reload();
  await page.getByText("10 members found").waitFor();
  await page.getByLabel("Search by name").fill("nobody is called so");
  await page.getByRole("heading", { name: "Nobody fits" }).waitFor();
  await look(page, "members-nobody");
  await page.getByRole("button", { name: "Show all members" }).click();
  await page.getByText(`${count + 1} members`, { exact: true }).waitFor();
});

test("Conditions narrow the list, are kept as a segment, changed and deleted", async ({ page, signIn, troubles }) => {
  await fill();
  await signIn();
  await page.goto(address(club));
  await page.getByRole("button", { name: "Filter", exact: true }).click();
  await page.getByLabel("Find a field").fill("tie");
  await page.keyboard.press("Enter");
  await page.getByRole("checkbox", { name: "Gold" }).check();
  await page.getByRole("button", { name: "Apply" }).click();
  await page.getByText(`${count / 3} members found`).waitFor();

  await page.getByRole("button", { name: "Filter", exact: true }).click();
  await page.getByRole("button", { name: "Coins", exact: true }).click();
  await page.getByRole("textbox", { name: "Value" }).fill("100.25");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Change the condition: Coins is at least 100.25" }).waitFor();
  await page.getByText(`${count / 3} members found`).waitFor();
  await look(page, "members-filtered");

  // The same is another list with another bound, and nobody has more.
  await page.getByRole("button", { name: "Change the condition: Coins is at least 100.25" }).click();
  await page.getByRole("textbox", { name: "Value" }).fill("100.250001");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Nobody fits" }).waitFor();
  await page.getByRole("button", { name: /^Remove the condition: Coins/ }).click();
  await page.getByText(`${count / 3} members found`).waitFor();

  await page.getByRole("button", { name: "Segments", exact: true }).click();
  await page.getByText("No segment yet").waitFor();
  await page.getByRole("button", { name: "Save as segment" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Gold members");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("“Gold members” is saved.").waitFor();
  await page.getByRole("button", { name: "Segment: Gold members" }).waitFor();

  // A second one of the same name is refused at its field.
  troubles.expect(/^answer 409 to POST \/v1\/segments$/);
  await page.getByRole("button", { name: "Segment: Gold members" }).click();
  await page.getByRole("button", { name: "Save as segment" }).click();
  await page.getByLabel("Name", { exact: true }).fill("gold members");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("This name is in use.").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();

  await page.getByRole("button", { name: "Segment: Gold members" }).click();
  await page.getByRole("button", { name: "What can be done with Gold members" }).click();
  await page.getByRole("menuitem", { name: "Count" }).click();
  await page
    .getByRole("dialog")
    .getByText(String(count / 3), { exact: true })
    .waitFor();
  await keepPicture(page, "segments");
  await page.getByRole("button", { name: "What can be done with Gold members" }).click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Gold circle");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("button", { name: "Segment: Gold circle" }).click();
  await page.getByRole("button", { name: "What can be done with Gold circle" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByText("Its members stay as they are").waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByText("“Gold circle” is deleted.").waitFor();
  await page.getByText(`${count + 1} members`, { exact: true }).waitFor();
});

test("Columns are chosen, and the browser remembers them", async ({ page, signIn }) => {
  await signIn();
  await page.goto(address(club));
  await row(page, /member00450/).waitFor();
  await page.getByRole("button", { name: "Columns of the table" }).click();
  await page.getByRole("checkbox", { name: "Tier" }).check();
  await page.getByRole("checkbox", { name: "E-mail" }).uncheck();
  await page.keyboard.press("Escape");
  await page.getByRole("columnheader", { name: "Tier" }).waitFor();
  await page.reload();
  await page.getByRole("columnheader", { name: "Tier" }).waitFor();
  assert.equal(await page.getByRole("columnheader", { name: "E-mail" }).count(), 0);
});

test("What fits is exported with the columns of the table", async ({ page, signIn }) => {
  await fill();
  await signIn();
  await page.goto(address(club, { filter: { Tier: "Gold" } }));
  await page.getByText(`${count / 3} members found`).waitFor();
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Export as CSV" }).click();
  await page.getByText(`Members who fit the conditions (${count / 3})`).waitFor();
  await look(page, "members-export");
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export", exact: true }).click(),
  ]);
  const lines = (await readFile(await file.path(), "utf8")).trim().split(/\r?\n/);
  assert.match(lines[0]!, /user_id,username,email,status,role,xp,coins,join_date$/);
  assert.equal(lines.length, count / 3 + 1);
  assert.ok(lines.slice(1).every((line) => line.includes("100.25")));
});

test("A member is added; what is wrong is told at its field", async ({ page, signIn, troubles }) => {
  troubles.expect(/^answer 400 to POST \/v1\/users$/);
  await signIn();
  await page.goto(address(club));
  await page.getByRole("button", { name: "Add member" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a member" });
  await dialog.getByLabel("First name").fill("Zoë");
  await dialog.getByLabel("Last name").fill("Ünal");
  await dialog.getByLabel("Username").fill("zo");
  await dialog.getByLabel("E-mail").fill("zoe@example.org");
  await dialog.getByRole("button", { name: "Fields of the community" }).click();
  await dialog.getByLabel("Deposit amount").fill("12,5");
  await dialog.getByRole("button", { name: "Add member" }).click();
  await dialog.getByText("it has 3 to 50 characters").waitFor();
  await dialog.getByText('"12,5" is not a number').waitFor();
  assert.equal(await dialog.getByRole("alert").count(), 0, "what stands at its field is not told twice");
  await look(page, "members-new");

  await dialog.getByLabel("Username").fill("zoe");
  await dialog.getByLabel("Deposit amount").fill("8999999999999.000001");
  await dialog.getByRole("button", { name: "Add member" }).click();
  await page.getByRole("heading", { name: "Zoë Ünal" }).waitFor();
  await page.getByText("8,999,999,999,999.000001").waitFor();
});
