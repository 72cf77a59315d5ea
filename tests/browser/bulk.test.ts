// A file on its way: looked at, tried, run, followed, taken back.
import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Page } from "playwright-core";
import { consoleTests } from "./support/console.ts";
import { look } from "./support/look.ts";

const membersCount = 300;
const { test, club } = consoleTests({ members: membersCount });
const member = (number: number) => `member${String(number).padStart(5, "0")}@example.org`;
const bulkPage = (rest = "") => `/c/${club.community.id}/bulk${rest}`;

async function drop(page: Page, name: string, content: string): Promise<void> {
  const files = await page.evaluateHandle(
    ([fileName, text]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text!], fileName!, { type: "text/csv" }));
      return transfer;
    },
    [name, content],
  );
  await page.getByText("Drop a CSV file here").dispatchEvent("drop", { dataTransfer: files });
}

test("A first bulk job goes from the drop over its trial to its end, and its refused rows come back as a file", async ({
  page,
  signIn,
}) => {
  await signIn();
  await page.goto(bulkPage());
  await page.getByRole("link", { name: "New bulk job" }).click();
  await page.getByRole("radio", { name: /Members to change/ }).click();

  // Names that are nearly right, an operator that is not, and one row too many.
  const rows = Array.from({ length: 40 }, (_, index) => `${member(index + 1)};add;${index + 1}.25;`);
  const csv = ["e-mail;Coins_op;Coin;Remarks", ...rows, `${member(50)};Add;5;`, "nobody@example.org;add;5;"].join(
    "\r\n",
  );
  await drop(page, "spring bonus.csv", csv);
  await page.getByText("42 rows · separated by semicolons").waitFor();
  await page.getByText("There is no column “Coin” here. Did you mean “Coins”?").waitFor();
  assert.ok(await page.getByRole("button", { name: "Try it out" }).isDisabled());
  await look(page, "bulk-new-wrong-columns");
  await page.getByRole("button", { name: "Take 2 suggestions" }).click();
  await page.getByRole("combobox", { name: "Use “Remarks” as" }).click();
  await page.getByRole("option", { name: "Leave it out" }).click();
  await page.getByText("4 columns are right").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "spring bonus");

  await page.getByRole("button", { name: "Try it out" }).click();
  await page.getByText("2 rows would be refused. Nothing was written yet.").waitFor();
  // 1.25 + 2.25 + … + 40.25
  await page.getByText("+830").first().waitFor();
  await page.getByText("No member nobody@example.org in this community.").first().waitFor();
  await look(page, "bulk-trial");
  const trial = page.url();

  await page.getByRole("button", { name: "Run it now" }).click();
  await page.getByText("40 rows are written. 2 rows are refused").waitFor();
  await page.getByRole("button", { name: "Run it", exact: true }).click();
  await page.getByText("2 rows refused. All others took effect.").waitFor();
  assert.notEqual(page.url(), trial);
  await page.getByRole("button", { name: /member00001@example.org.*Coins: 0 → 1.25/ }).waitFor();

  // Why, and the rows for the next upload.
  const reason = page.getByRole("listitem").filter({ hasText: "invalid_operator" });
  await reason.getByRole("button", { name: "Show 1 row" }).click();
  await page.waitForURL(/reason=/);
  const saved = page.waitForEvent("download");
  await page.getByRole("link", { name: "Refused rows" }).click();
  const refused = await readFile(await (await saved).path(), "utf8");
  assert.equal(refused.trim().split("\r\n").length, 3);
  assert.match(refused, /^\uFEFFEmail;Coins_op;Coins;#Remarks;status;error_code;error_message\r\n/);
});

test("A job is taken back, tried first", async ({ page, signIn }) => {
  const rows = Array.from({ length: 40 }, (_, index) => `${member(index + 101)},add,5`);
  const csv = ["Email,Coins_op,Coins", ...rows].join("\n");
  const { _id: job } = await club.server.upload(club.key, "/v1/users/bulk-update", csv, "autumn bonus");
  await signIn();
  await page.goto(bulkPage(`/${job}`));
  await page.getByText("Every row took effect.").waitFor();

  await page.getByRole("button", { name: "Take back…" }).click();
  await page.getByRole("button", { name: "Try it out" }).click();
  await page.getByText("Say why: it is kept with every change.").waitFor();
  await page.getByRole("textbox", { name: "Reason" }).fill("Wrong month");
  await look(page, "bulk-revert-dialog");
  await page.getByRole("button", { name: "Try it out" }).click();
  await page.getByText("Every row can be taken back. Nothing was written yet.").waitFor();
  await page.getByRole("button", { name: "Take it back now" }).click();
  assert.equal(await page.getByRole("textbox", { name: "Reason" }).inputValue(), "Wrong month");
  await page.getByRole("button", { name: "Take it back", exact: true }).click();
  await page.getByText("Every row was taken back.").waitFor();
  await page.getByRole("link", { name: "See the job that it takes back" }).click();
  await page.getByText("40 rows were taken back.").waitFor();

  await page.goto(bulkPage());
  await page.getByRole("row", { name: /autumn bonus.*Taken back/ }).waitFor();
  await page.getByLabel("Search by name").fill("AUTUMN");
  await page.waitForURL(/name=AUTUMN/);
  await page.getByText("1–3 of 3").waitFor();
  await look(page, "bulk-list");
});

/** So many rows that the server is busy for some seconds, whatever the machine. */
async function largeFile(rows: number): Promise<string> {
  const file = path.join(club.server.folder, "large.csv");
  const lines = Array.from(
    { length: rows },
    (_, index) => `${member((index % membersCount) + 1)},add,1,add,1,N${Math.floor(index / membersCount)}`,
  );
  await writeFile(file, `Email,XP_op,XP,Coins_op,Coins,Display Name\n${lines.join("\n")}\n`);
  return file;
}

test("A file of 100 MB is shown from its beginning alone, and sent without the page reading it", async ({
  page,
  signIn,
}) => {
  // How many bytes of files the page's own scripts read.
  await page.addInitScript(() => {
    const seen = { bytes: 0 };
    Object.assign(globalThis, { seen });
    for (const name of ["arrayBuffer", "text", "stream", "bytes"] as const) {
      const read = Blob.prototype[name] as (this: Blob) => unknown;
      Object.assign(Blob.prototype, {
        [name]: function (this: Blob) {
          seen.bytes += this.size;
          return read.call(this);
        },
      });
    }
  });
  const file = await largeFile(2_500_000);
  const { size } = await stat(file);
  assert.ok(size > 100_000_000, `${size} bytes`);
  await signIn();
  await page.goto(bulkPage("/new?kind=update"));
  await page.locator("input[type=file]").setInputFiles(file);
  await page.getByText(/About 2,\d{3},\d{3} rows/).waitFor();
  await page.getByRole("button", { name: "Try it out" }).click();
  await page.getByRole("status").filter({ hasText: "Live" }).waitFor({ timeout: 30_000 });
  const read = await page.evaluate(() => (globalThis as unknown as { seen: { bytes: number } }).seen.bytes);
  assert.ok(read > 0 && read < 1_000_000, `the page read ${read} bytes`);
  await page.getByRole("button", { name: "Cancel job" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel job" }).click();
  await page.getByText(/^Cancelled after/).waitFor();
});

test("A running job is cancelled, and its file erased", async ({ page, signIn }) => {
  const form = new FormData();
  form.set("data", new Blob([await readFile(await largeFile(600_000))]), "endless.csv");
  const queued = await club.server.ask<{ data: { id: string } }>("POST", "/v1/users/bulk-update", {
    key: club.key,
    body: form,
  });
  await signIn();
  await page.goto(bulkPage(`/${queued.data.id}`));
  await page.getByRole("button", { name: "Cancel job" }).click();
  await page
    .getByRole("dialog")
    .getByText(/have been applied and stay|It has not begun/)
    .waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel job" }).click();
  await page.getByText(/^Cancelled after [\d,]+ of 600,000 rows/).waitFor();
  await page.getByRole("link", { name: "Rows not reached" }).waitFor();

  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Erase file and rows…" }).click();
  await page.getByText("are gone for good").waitFor();
  await page.getByRole("button", { name: "Erase for good" }).click();
  await page.getByText("The file and the rows of this job were erased").waitFor();
  assert.equal(await page.getByRole("button", { name: "Download" }).count(), 0);
});

// The server is away in these.

test("A running job is followed through a restart of the server", async ({ page, signIn, troubles }) => {
  // Whether one of its attempts meets the closed door is a matter of moments.
  troubles.tolerate(/^request failed: GET .*\/events/);
  const rows = 600_000;
  await signIn();
  await page.goto(bulkPage("/new?kind=update"));
  await page.locator("input[type=file]").setInputFiles(await largeFile(rows));
  await page.getByText(/About \d{3},\d{3} rows/).waitFor();
  await page.getByRole("button", { name: "Run without trying" }).click();
  await page.getByRole("button", { name: "Run it", exact: true }).click();

  await page.getByRole("status").filter({ hasText: "Live" }).waitFor();
  await page.getByText(/rows a second/).waitFor();
  await club.server.stop();
  await page.getByRole("status").filter({ hasText: "Connecting again…" }).waitFor();
  await club.server.serve();
  await page.getByText("Every row took effect.").waitFor({ timeout: 30_000 });
  await page.getByText(`200 of ${rows.toLocaleString("en-GB")} rows loaded`).waitFor();
});

test("An upload is repeated until the server is there, and makes one job", async ({ page, signIn, troubles }) => {
  troubles.expect(/^request failed: POST .*\/bulk-update/);
  await signIn();
  await page.goto(bulkPage("/new?kind=premium"));
  const csv = `Email,Premium Currency,Premium Currency_op\n${member(200)},12.5,add\n`;
  await page
    .locator("input[type=file]")
    .setInputFiles({ name: "stubborn.csv", mimeType: "text/csv", buffer: Buffer.from(csv) });
  await page.getByText("3 columns are right").waitFor();
  await club.server.stop();
  await page.getByRole("button", { name: "Try it out" }).click();
  await page.getByText("The server does not answer. Trying again…").waitFor();
  await club.server.serve();
  await page.getByText("The trial went well. Nothing was written yet.").waitFor();
  await page.getByRole("link", { name: "All jobs" }).click();
  await page.getByLabel("Search by name").fill("stubborn");
  await page.getByText("1–1 of 1").waitFor();
});
