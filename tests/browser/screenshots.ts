// Pictures of the console for the README and the guides, from a community that looks like a real one.
//
//   node tests/browser/screenshots.ts FOLDER      (./dev screenshots)
//
// Every page of the sidebar is visited, so that a page that is added is pictured without a change here; of each list its first entry
// too. The same program gives the same pictures but for times and ids.
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { chromium, type Page } from "playwright-core";
import { replacePages } from "./support/built_pages.ts";
import { executable, signInByPage } from "./support/console.ts";
import { desktop, phone, schemes, settle } from "./support/look.ts";
import { Server } from "./support/server.ts";

const memberCount = 2_400;
const community = "Northwind Club";
const owner = "mara.lindqvist@example.org";
const firstNames = [
  ..."Ana Bo Chidi Dilnoza Emre Fatima Giulia Hana Ivo Jun Kofi Łucja María Noor Oona Priya Quang Ruth".split(" "),
  ..."Sören Tomás Uma Vera Wanjiru Xenia Yusuf Zoë".split(" "),
];
const lastNames = [
  ..."Adeyemi Bauer Costa Dupont Eriksson Fischer García Haddad Ivanov Jensen Kim Lindqvist Müller".split(" "),
  ..."Nakamura O'Brien Papadopoulos Quispe Rossi Silva Tanaka Ünal Vasquez Wójcik Yılmaz".split(" "),
];
const places = ["DE,German", "FR,French", "JP,Japanese", "BR,Portuguese", "PL,Polish", "TR,Turkish", "SE,Swedish"];

/** The same numbers each time; a linear congruence modulo 2^32 (Numerical Recipes). */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

type Member = { username: string; email: string; row: string };

function inventMembers(count: number): Member[] {
  const roll = dice(1);
  return Array.from({ length: count }, (_, index) => {
    const first = firstNames[roll(firstNames.length)]!;
    const last = lastNames[roll(lastNames.length)]!;
    const plain = `${first}.${last}`
      .normalize("NFD")
      .replace(/[^\w.]/g, "")
      .toLowerCase();
    const username = `${plain}${index + 1}`;
    const email = `${username}@example.org`;
    return { username, email, row: [first, last, username, email, places[roll(places.length)]!].join(",") };
  });
}

async function fill(server: Server): Promise<void> {
  const made = await server.createCommunity(community, owner);
  const key = await server.createKey(made);
  await server.claim(owner);
  const members = inventMembers(memberCount);
  const csv = (columns: string, rows: string[]) => [columns, ...rows].join("\n");
  const columns = "First Name,Last Name,Username,Email,Country,Language";
  await server.upload(
    key,
    "/v1/users/bulk-import",
    csv(
      columns,
      members.map((one) => one.row),
    ),
    "Members of the old club",
  );

  // A few rows are refused, as in real files: no such member, seven decimals, below zero.
  const roll = dice(2);
  const refused = [
    "nobody@example.org,10,add",
    `${members[7]!.email},0.1234567,add`,
    `${members[8]!.email},5000000,subtract`,
  ];
  const bonus = members.map((one) => `${one.email},${roll(400)}.${roll(10)}0,add`);
  bonus.splice(400, 0, ...refused);
  const premium = "/api/v1/apis/v1/users/bulk-update-premium-currency";
  await server.upload(key, premium, csv("Email,Premium Currency,Premium Currency_op", bonus), "Summer bonus");
  const corrections = members.slice(0, 180).map((one) => `${one.email},${roll(40)}.00,add`);
  await server.upload(
    key,
    premium,
    csv("Email,Premium Currency,Premium Currency_op", corrections),
    "Corrections of July",
  );
}

async function picture(page: Page, folder: string, name: string): Promise<void> {
  for (const size of [desktop, phone]) {
    await page.setViewportSize(size);
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      await settle(page);
      await page.screenshot({ path: path.join(folder, `${name}-${colorScheme}-${size.width}.png`) });
    }
  }
  console.log(name);
}

/** What the page asked for has come, and nothing on it is a placeholder any more. */
async function wait(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.waitForLoadState("networkidle");
  await page.waitForFunction(() => document.querySelector(".mantine-Skeleton-root[data-visible]") === null);
}

async function visit(page: Page, folder: string): Promise<void> {
  await page.goto("/sign-in");
  await wait(page);
  await picture(page, folder, "sign-in");
  await page.setViewportSize(desktop);
  await signInByPage(page, owner);
  await wait(page);
  const home = new URL(page.url()).pathname;
  const links = page.getByRole("navigation", { name: "Main" }).getByRole("link");
  const paths = await links.evaluateAll((all) => all.map((link) => new URL((link as HTMLAnchorElement).href).pathname));
  for (const address of [...new Set(paths)]) {
    const name = address === home ? "overview" : address.slice(home.length + 1).replaceAll("/", "-");
    await page.setViewportSize(desktop);
    await page.goto(address);
    await wait(page);
    await picture(page, folder, name);

    await page.setViewportSize(desktop);
    const entries = page.locator(`main a[href^="${address}/"]:not([href$="/new"])`);
    if (address === home || (await entries.count()) === 0) continue;
    await page.goto((await entries.first().getAttribute("href"))!);
    await wait(page);
    await picture(page, folder, `${name}-one`);
  }
}

const folder = process.argv[2];
if (!folder) throw new Error("Give the folder for the pictures.");
await mkdir(folder, { recursive: true });
const server = await Server.start();
const browser = await chromium.launch({ executablePath: executable });
try {
  await fill(server);
  const context = await browser.newContext({
    baseURL: server.url,
    viewport: desktop,
    locale: "en-GB",
    reducedMotion: "reduce",
  });
  await replacePages(context);
  await visit(await context.newPage(), folder);
} finally {
  await browser.close();
  await server.close();
}
