// How the table of members feels in a real browser, with a community of a million.
//
//   node tests/browser/bench_console.ts [--members 1000000] [--rows 20000]      (./dev bench console)
//
// A server on SQLite of its own, its members imported through the API, Chromium without a screen. Each animation frame's time is taken
// while the table is scrolled by the wheel and by the keys; what is printed are figures, not bounds. The machine also runs the
// server and the browser's drawing, which has no graphics card here.
import { execFile } from "node:child_process";
import { openAsBlob } from "node:fs";
import { loadavg } from "node:os";
import path from "node:path";
import { parseArgs, promisify } from "node:util";
import { type CDPSession, chromium, type Page } from "playwright-core";
import { replacePages } from "./support/built_pages.ts";
import { executable, owner, signInByPage } from "./support/console.ts";
import { desktop } from "./support/look.ts";
import { Server } from "./support/server.ts";

const { values: options } = parseArgs({
  options: { members: { type: "string", default: "1000000" }, rows: { type: "string", default: "20000" } },
});
const memberCount = Number(options.members);
const rowsWanted = Math.min(Number(options.rows), memberCount);
if (!(memberCount >= 1000) || !(rowsWanted >= 100)) throw new Error("--members is 1000 or more, --rows 100 or more.");

const importMs = 15 * 60_000;
const patienceMs = 60_000;
/** A quick turn of a mouse's wheel. */
const wheelPx = 600;
const jankMs = 50; // what Chromium calls a long task, too
const staleMs = 16_000;
const quietMs = 1_000;
const pageDowns = 300;
const ends = 40;
const root = path.resolve(import.meta.dirname, "../..");

const print = (what: string, figure: string) => console.log(`${what.padEnd(44)} ${figure}`);
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const count = (value: number) => value.toLocaleString("en");
const quantile = (sorted: number[], share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;

async function importMembers(server: Server, key: string): Promise<void> {
  const folder = path.join(server.folder, "files");
  // Debian's own, as in ./dev.
  await promisify(execFile)("/usr/bin/python3", [path.join(root, "tools/demo_data.py"), folder, String(memberCount)]);
  for (const [file, url] of [
    ["members.csv", "/v1/users/bulk-import"],
    ["premium.csv", "/api/v1/apis/v1/users/bulk-update-premium-currency"],
  ] as const) {
    const began = performance.now();
    const job = await server.upload(key, url, await openAsBlob(path.join(folder, file)), file, importMs);
    if (job.status !== "completed") throw new Error(`The job did not complete: ${JSON.stringify(job)}`);
    print(`${file} through the API`, `${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
}

// ---- In the page

type Frames = { frames: number[]; longTasks: number[]; rowsMost: number };
declare global {
  interface Window {
    frameWatch?: { stop: () => Frames };
  }
}

/** Takes the time between animation frames until it is stopped. */
function watchFrames(): void {
  const frames: number[] = [];
  const longTasks: number[] = [];
  let rowsMost = 0;
  let running = true;
  let before = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) longTasks.push(entry.duration);
  });
  observer.observe({ type: "longtask" });
  const rows = document.querySelector("[data-members-table] [role=rowgroup]");
  const frame = (now: number) => {
    if (before > 0) frames.push(now - before);
    before = now;
    rowsMost = Math.max(rowsMost, rows?.childElementCount ?? 0);
    if (running) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  window.frameWatch = {
    stop: () => {
      running = false;
      observer.disconnect();
      return { frames, longTasks, rowsMost };
    },
  };
}

async function measured(page: Page, what: string, act: () => Promise<string>): Promise<void> {
  await page.evaluate(watchFrames);
  const told = await act();
  const { frames, longTasks, rowsMost } = await page.evaluate(() => window.frameWatch!.stop());
  const sorted = frames.toSorted((one, other) => one - other);
  const slow = frames.filter((one) => one > jankMs).length;
  console.log(`\n${what}: ${told}`);
  print("  frames", count(frames.length));
  print("  half, 95, 99 of 100 within", [0.5, 0.95, 0.99].map((share) => ms(quantile(sorted, share))).join(", "));
  print("  longest", ms(sorted.at(-1) ?? Number.NaN));
  print(`  longer than ${jankMs} ms`, `${slow} (${((slow / frames.length) * 100).toFixed(2)} %)`);
  print(
    "  long tasks",
    `${longTasks.length}, the longest ${ms(Math.max(0, ...longTasks))}, together ${ms(longTasks.reduce((a, b) => a + b, 0))}`,
  );
  print("  rows in the document at most", count(rowsMost));
}

const grid = (page: Page) => page.locator("[data-members-table]");
/** How far down the last row in sight is. */
const rowsBelow = (page: Page) =>
  grid(page).evaluate((element) => {
    const row = element.querySelector<HTMLElement>("a[role=row]");
    const rowPx = row?.offsetHeight ?? 1;
    return { seen: Math.floor((element.scrollTop + element.clientHeight) / rowPx), top: element.scrollTop };
  });

/** Bytes of the page's own objects, without what nobody holds any more. */
async function heapBytes(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return usedSize;
}
const mib = (bytes: number) => `${(bytes / 1048576).toFixed(1)} MiB`;

/** From the first request of a page of rows to the last byte of its second one. */
async function pageTimes(page: Page): Promise<{ pages: number[]; requests: number }> {
  return page.evaluate(() => {
    const asked = performance
      .getEntriesByType("resource")
      .filter((one) =>
        /\/v1\/users\/filter|\/v1\/communities\/\w+\/users\?/.test(one.name),
      ) as PerformanceResourceTiming[];
    const pages: number[] = [];
    let began: number | null = null;
    for (const one of asked.sort((a, b) => a.startTime - b.startTime)) {
      if (!one.name.includes("/filter")) began = one.startTime;
      else {
        pages.push(one.responseEnd - (began ?? one.startTime));
        began = null;
      }
    }
    return { pages, requests: asked.length };
  });
}

/** How many pages of rows were asked for until no other request came for a second. */
async function requestsUntilQuiet(page: Page): Promise<number> {
  for (let before = -1; ; ) {
    const { requests } = await pageTimes(page);
    if (requests === before) return requests;
    before = requests;
    await page.waitForTimeout(quietMs);
  }
}

// ---- What a person does

async function scrollByWheel(page: Page): Promise<string> {
  const box = (await grid(page).boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  const began = performance.now();
  let steps = 0;
  let waited = 0;
  for (let before = -1; ; steps++) {
    const { seen, top } = await rowsBelow(page);
    if (seen >= rowsWanted) {
      const seconds = (performance.now() - began) / 1000;
      return `${count(seen)} rows in ${seconds.toFixed(1)} s, ${count(steps)} steps of ${wheelPx} px; ${count(waited)} found the end of what was loaded`;
    }
    if (top === before) waited++;
    if ((performance.now() - began) / 1000 > 600) throw new Error(`Only ${seen} rows came in ten minutes.`);
    before = top;
    await page.mouse.wheel(0, wheelPx);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}

async function pressMany(page: Page, key: string, times: number): Promise<string> {
  await grid(page).focus();
  const began = performance.now();
  for (let pressed = 0; pressed < times; pressed++) {
    await page.keyboard.press(key);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  const seconds = (performance.now() - began) / 1000;
  const { seen } = await rowsBelow(page);
  return `${times} presses in ${seconds.toFixed(1)} s, now at row ${count(seen)}`;
}

const server = await Server.start();
const browser = await chromium.launch({ executablePath: executable });
try {
  print("members", count(memberCount));
  print(
    "load of the machine before",
    loadavg()
      .map((one) => one.toFixed(1))
      .join(", "),
  );
  const community = await server.createCommunity();
  const key = await server.createKey(community);
  await server.claim(owner);
  await importMembers(server, key);

  const context = await browser.newContext({ baseURL: server.url, viewport: desktop, locale: "en-GB" });
  context.setDefaultTimeout(patienceMs);
  await replacePages(context);
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await signInByPage(page, owner);
  await page.evaluate(() => performance.setResourceTimingBufferSize(100_000));
  await page.getByRole("heading", { level: 1 }).waitFor();

  // Cold: the page is opened by its address, as from a bookmark.
  const address = `/c/${community.id}/members`;
  const rowShown = () => page.locator("a[role=row]").first().waitFor();
  for (const what of ["members usable after (first visit)", "again (files kept by the browser)"]) {
    const began = performance.now();
    await page.goto(address);
    await rowShown();
    print(what, ms(performance.now() - began));
  }
  await page.evaluate(() => performance.setResourceTimingBufferSize(100_000));
  await page.getByText(`${count(memberCount + 1)} members`, { exact: true }).waitFor();
  print("  its first page of rows, with the total", ms((await pageTimes(page)).pages[0] ?? Number.NaN));
  const heapBefore = await heapBytes(session);

  await measured(page, "Wheel", () => scrollByWheel(page));
  const { pages, requests } = await pageTimes(page);
  const sorted = pages.toSorted((one, other) => one - other);
  print(
    "  a page of rows, asked for and answered",
    `half in ${ms(quantile(sorted, 0.5))}, 95 of 100 in ${ms(quantile(sorted, 0.95))} (${count(requests)} requests)`,
  );
  const heapScrolled = await heapBytes(session);
  print("  heap before and after", `${mib(heapBefore)}, ${mib(heapScrolled)}`);

  await measured(page, "PageUp", () => pressMany(page, "PageUp", pageDowns));
  await measured(page, "PageDown", () => pressMany(page, "PageDown", pageDowns));
  await measured(page, "Home", () => pressMany(page, "Home", 1));
  await measured(page, "End, again and again", () => pressMany(page, "End", ends));

  // A member in the middle of it, and back.
  const place = await rowsBelow(page);
  await page.evaluate(() => performance.clearResourceTimings());
  const box = (await grid(page).boundingBox())!;
  let began = performance.now();
  await page.mouse.click(box.x + 200, box.y + box.height / 2);
  await page.getByText("earned in all").first().waitFor();
  console.log("");
  print("a member opened, with balances, after", ms(performance.now() - began));
  // Longer than answers count as fresh (web/console/src/api/query.ts): what was read before is asked for again.
  await page.waitForTimeout(staleMs);
  began = performance.now();
  await page.goBack();
  await rowShown();
  print("back in the table after", ms(performance.now() - began));
  const after = await rowsBelow(page);
  print("  at row, before and now", `${count(place.seen)}, ${count(after.seen)}`);
  print("  requests for rows until it was quiet", count(await requestsUntilQuiet(page)));

  // One of a million, by e-mail.
  const wanted = `member${String(Math.floor(memberCount / 3)).padStart(5, "0")}@example.org`;
  began = performance.now();
  await page.getByLabel("Search by name").fill(wanted);
  await page.getByText("1 member found", { exact: true }).waitFor();
  await page.getByRole("row", { name: wanted }).waitFor();
  print("found by e-mail after (250 ms are a pause)", ms(performance.now() - began));
  print("heap at the end", mib(await heapBytes(session)));
  print(
    "load of the machine after",
    loadavg()
      .map((one) => one.toFixed(1))
      .join(", "),
  );
} finally {
  await browser.close();
  await server.close();
}
