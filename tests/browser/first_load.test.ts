// The first visit: how much script it loads, how soon the page can be used, and that it shows the right scheme from the start.
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import type { Page, Response } from "playwright-core";
import { consoleTests } from "./support/console.ts";

const { test, club } = consoleTests({ members: 3 });

const scriptKilobytesMax = 250;
const usableMs = 1_500;
/** The machine has other work too: the best of these is the page's own time. */
const attempts = 3;

/** Compressed bytes of the scripts that are loaded while `visit` runs, as they come over the wire. */
async function scriptBytes(page: Page, visit: () => Promise<void>): Promise<number> {
  const scripts: Response[] = [];
  page.on("response", (response) => {
    if (response.request().resourceType() === "script") scripts.push(response);
  });
  await visit();
  await page.waitForLoadState("networkidle");
  let bytes = 0;
  for (const script of scripts) {
    await script.finished();
    // What is served from a folder comes as it lies there.
    const compressed = (await script.allHeaders())["content-encoding"] === "gzip";
    bytes += compressed ? (await script.request().sizes()).responseBodySize : gzipSync(await script.body()).length;
  }
  return bytes;
}

const showSignIn = async (page: Page) => {
  await page.goto("/sign-in");
  await page.getByLabel("E-mail or username").waitFor();
};
const showOverview = async (page: Page) => {
  await page.goto(`/c/${club.community.id}`);
  await page.getByRole("cell", { name: "members" }).waitFor();
};

test("A first visit loads at most 250 kB of script", async ({ page, signIn, newProfile, report }) => {
  const guest = await scriptBytes(page, () => showSignIn(page));
  const fresh = await newProfile();
  await signIn(undefined, fresh.context());
  const overview = await scriptBytes(fresh, () => showOverview(fresh));
  report(`scripts, compressed: sign-in ${(guest / 1000).toFixed(1)} kB, overview ${(overview / 1000).toFixed(1)} kB`);
  assert.ok(guest > 50_000, `only ${guest} bytes were seen`);
  assert.ok(overview > guest);
  assert.ok(overview <= scriptKilobytesMax * 1000, `the overview loads ${overview} bytes of script`);
  assert.ok(guest <= scriptKilobytesMax * 1000, `the sign-in loads ${guest} bytes of script`);
});

test("A first visit can be used within 1.5 seconds", async ({ newProfile, signIn, report }) => {
  const best = async (show: (page: Page) => Promise<void>, signedIn: boolean) => {
    const times: number[] = [];
    for (let attempt = 0; attempt < attempts; ++attempt) {
      const page = await newProfile();
      if (signedIn) await signIn(undefined, page.context());
      await show(page);
      times.push(await page.evaluate(() => performance.now()));
      await page.context().close();
    }
    return Math.round(Math.min(...times));
  };
  const guest = await best(showSignIn, false);
  const overview = await best(showOverview, true);
  // Pages from a folder come by a detour, which this limit does not know.
  const limitMs = process.env.FEALTY_TEST_CONSOLE ? Number.POSITIVE_INFINITY : usableMs;
  report(`usable after: sign-in ${guest} ms, overview ${overview} ms`);
  assert.ok(guest <= limitMs, `the sign-in took ${guest} ms`);
  assert.ok(overview <= limitMs, `the overview took ${overview} ms`);
});

test("The page's code is loaded while the server is asked who is there", async ({ page, signIn }) => {
  await signIn();
  let answer = () => {};
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.route("**/auth/me", async (route) => {
    await asked;
    await route.fallback();
  });
  // Files are named by what they hold; that of the overview is the one whose text says so.
  const overview = page.waitForResponse(
    async (response) => response.url().endsWith(".js") && (await response.text()).includes("Recent bulk jobs"),
  );
  await page.goto(`/c/${club.community.id}`);
  await overview;
  assert.equal(await page.getByRole("heading", { name: "Overview" }).count(), 0);
  answer();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
});

test("The chosen scheme is there before the scripts are", async ({ newProfile }) => {
  for (const [system, chosen, background] of [
    ["light", "dark", "rgb(18, 20, 25)"],
    ["dark", "light", "rgb(248, 249, 251)"],
    ["dark", null, "rgb(18, 20, 25)"],
  ] as const) {
    const page = await newProfile({ colorScheme: system });
    if (chosen) await page.addInitScript((value) => localStorage.setItem("mantine-color-scheme-value", value), chosen);
    // The console's modules hang for as long as the page is looked at.
    let release = () => {};
    const looked = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route("**/assets/index-*.js", async (route) => {
      await looked;
      await route.fallback();
    });
    await page.goto("/sign-in", { waitUntil: "commit" });
    // Nothing is drawn before the style sheet is there; then it is.
    await page.waitForFunction(() => document.body !== null && document.styleSheets.length > 0);
    const seen = await page.evaluate(() => [
      getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.documentElement).colorScheme,
      document.querySelector("#root")?.childElementCount ?? 0,
    ]);
    assert.deepEqual(seen, [background, chosen ?? system, 0], `system ${system}, chosen ${chosen}`);
    release();
    await page.getByLabel("E-mail or username").waitFor();
    const drawn = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(drawn, background, "and stays so");
  }
});
