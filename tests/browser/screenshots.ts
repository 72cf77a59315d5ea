// Pictures of the console for the README and the guides, from a community that looks like a real one.
//
//   node tests/browser/screenshots.ts FOLDER      all of them, light and dark, wide and narrow (./dev screenshots FOLDER)
//   node tests/browser/screenshots.ts             those that README.md and docs/console.md show, to docs/images (./dev screenshots)
//
// Every page of the sidebar is visited, so that a page that is added is pictured without a change here. The same program gives the
// same pictures but for times and ids.
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { replacePages } from "./support/built_pages.ts";
import { executable, signInByPage } from "./support/console.ts";
import { desktop, phone, schemes, settle } from "./support/look.ts";
import { type Community, password, Server } from "./support/server.ts";

/** Kept in docs/images, in both schemes: 3 MB is what a clone may grow by them. */
const keptWide = new Set(["overview", "members", "member-ledger", "bulk-preview", "bulk-running", "bulk-finished"]);
const keptNarrow = new Set(["members", "member"]);

const memberCount = 2_400;
const runningRows = 900_000;
const runningPercent = 40;
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

type Member = { name: string; email: string; row: string };

function inventMembers(count: number): Member[] {
  const roll = dice(1);
  return Array.from({ length: count }, (_, index) => {
    const first = firstNames[roll(firstNames.length)]!;
    const last = lastNames[roll(lastNames.length)]!;
    const plain = `${first}.${last}`
      .replaceAll("Ł", "L")
      .replaceAll("ı", "i")
      .normalize("NFD")
      .replace(/[^\w.]/g, "")
      .toLowerCase();
    const username = `${plain}${index + 1}`;
    const email = `${username}@example.org`;
    return {
      name: `${first} ${last}`,
      email,
      row: [first, last, username, email, places[roll(places.length)]!].join(","),
    };
  });
}

const tiers = ["Bronze", "Bronze", "Bronze", "Silver", "Silver", "Gold"];
const roleNames = ["", "", "", "Trader", "Trader", "Trader,Mentor"];
const tagNames = ["", "", "Newsletter", "Founder", "Newsletter,Beta tester"];
const premium = "/api/v1/apis/v1/users/bulk-update-premium-currency";
const csv = (columns: string, rows: string[]) => [columns, ...rows].join("\n");

type Filled = { community: Community; key: string; members: Member[] };

async function fill(server: Server): Promise<Filled> {
  const { data: first } = await server.ask<{ data: { community: { _id: string } } }>("POST", "/v1/setup", {
    body: {
      email: owner,
      username: "mara",
      password,
      firstname: "Mara",
      lastname: "Lindqvist",
      title: community,
      timeZone: "Europe/Stockholm",
    },
  });
  const made = { id: first.community._id, title: community, systemKey: "" };
  const field = ["field", "create", "--community", made.id];
  const options = ["Bronze", "Silver", "Gold"].flatMap((tier) => ["--option", tier]);
  await server.command(...field, "--name", "Tier", "--type", "select", ...options);
  await server.command(...field, "--name", "Lifetime deposits", "--type", "numerical");
  await server.command(...field, "--name", "Customer since", "--type", "date");
  const key = await server.createKey(made, "all", "CRM");
  for (const [title, colour, order] of [
    ["Trader", "#2f9e44", 2],
    ["Mentor", "#7048e8", 3],
  ] as const)
    await server.ask("POST", "/v1/roles", { key, body: { title, class: colour, order } });
  const session = await server.ask<{ body: { token: string } }>("POST", "/auth/login", {
    body: { email: owner, password },
  });
  for (const name of ["Founder", "Newsletter", "Beta tester"])
    await server.ask("POST", `/v1/communities/${made.id}/tags`, { key: session.body.token, body: { name } });

  const members = inventMembers(memberCount);
  await server.upload(
    key,
    "/v1/users/bulk-import",
    csv(
      "First Name,Last Name,Username,Email,Country,Language",
      members.map((one) => one.row),
    ),
    "Members of the old club",
  );
  const roll = dice(3);
  const some = (names: string[]) => names[roll(names.length)]!;
  const day = () =>
    `20${19 + roll(7)}-${String(1 + roll(12)).padStart(2, "0")}-${String(1 + roll(28)).padStart(2, "0")}`;
  const rows = members.map(
    ({ name, email }) =>
      `${email},${name},${roll(9_000)},add,${roll(600)}.5,add,${some(tiers)},${roll(40_000)}.${10 + roll(90)},${day()},"${some(roleNames)}","${some(tagNames)}"`,
  );
  await server.upload(
    key,
    "/v1/users/bulk-update",
    csv("Email,Display Name,XP,XP_op,Coins,Coins_op,Tier,Lifetime deposits,Customer since,Role,Tag", rows),
    "Points and tiers of the old club",
  );

  // A few rows are refused, as in real files: no such member, seven decimals, below zero.
  const throws = dice(2);
  const refused = [
    "nobody@example.org,10,add",
    `${members[7]!.email},0.1234567,add`,
    `${members[8]!.email},5000000,subtract`,
  ];
  const bonus = members.map((one) => `${one.email},${throws(400)}.${throws(10)}0,add`);
  bonus.splice(400, 0, ...refused);
  await server.upload(key, premium, csv("Email,Premium Currency,Premium Currency_op", bonus), "Summer bonus");
  const corrections = members.slice(0, 180).map((one) => `${one.email},${throws(40)}.00,add`);
  await server.upload(
    key,
    premium,
    csv("Email,Premium Currency,Premium Currency_op", corrections),
    "Corrections of July",
  );

  // One member with a story, and a key that is refused now and then.
  const identifier = { identifier: members[0]!.email };
  const adjust = (body: object) =>
    server.ask("POST", "/v1/users/balances/adjust", { key, body: { ...identifier, ...body } });
  await adjust({ currency: "coins", op: "add", amount: 120, sourceId: "order-48113", reason: "top_up" });
  await adjust({ currency: "coins", op: "subtract", amount: 35.5, sourceId: "shop-2207", note: "A mug of the club" });
  await adjust({
    currency: "coins",
    op: "add",
    amount: 35.5,
    sourceId: "shop-2207-back",
    reason: "refund",
    note: "It broke on the way",
  });
  await adjust({
    currency: "xp",
    op: "add",
    amount: 250,
    sourceId: "quest-12",
    reason: "prize",
    note: "Winner of the July quiz",
  });
  await adjust({ currency: "coins", op: "subtract", amount: 90_000, sourceId: "shop-2208" }).catch(() => {});
  await server.ask("POST", "/v1/users/info", { key, body: { idOrEmail: "nobody@example.org" } }).catch(() => {});
  return { community: made, key, members };
}

/** What the page asked for has come, and nothing on it is a placeholder any more. */
async function wait(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.waitForLoadState("networkidle");
  await page.waitForFunction(() => document.querySelector(".mantine-Skeleton-root[data-visible]") === null);
}

async function picture(page: Page, name: string): Promise<void> {
  const shown = [desktop, phone].filter((size) => all || (size === desktop ? keptWide : keptNarrow).has(name));
  for (const size of shown) {
    await page.setViewportSize(size);
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      await page.locator(`html[data-mantine-color-scheme="${colorScheme}"]`).waitFor({ state: "attached" });
      await settle(page);
      await page.screenshot({ path: path.join(folder, `${name}-${colorScheme}-${size.width}.png`) });
    }
  }
  await page.setViewportSize(desktop);
  if (shown.length > 0) console.log(name);
}

/** Who comes first: an empty server. */
async function pictureFirstStart(browser: Browser): Promise<void> {
  const server = await Server.start();
  try {
    const page = await (await openProfile(browser, server)).newPage();
    await page.goto("/");
    await page.getByRole("heading", { name: "Set up Fealty" }).waitFor();
    await picture(page, "first-start");
    await page.getByLabel("First name").fill("Mara");
    await page.getByLabel("Last name").fill("Lindqvist");
    await page.getByLabel("E-mail address").fill(owner);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByLabel("Name of the community").fill(community);
    await page.getByLabel("Fill it with demo data").check();
    await picture(page, "first-start-community");
    await page.getByRole("button", { name: "Create the community" }).click();
    await page.getByRole("heading", { name: "Welcome" }).waitFor();
    await wait(page);
    await picture(page, "welcome");
  } finally {
    await server.close();
  }
}

async function pictureSidebar(page: Page): Promise<void> {
  const home = new URL(page.url()).pathname;
  const links = page.getByRole("navigation", { name: "Main" }).getByRole("link");
  const paths = await links.evaluateAll((found) =>
    found.map((link) => new URL((link as HTMLAnchorElement).href).pathname),
  );
  for (const address of [...new Set(paths)]) {
    await page.goto(address);
    await wait(page);
    await picture(page, address === home ? "overview" : address.slice(home.length + 1).replaceAll("/", "-"));
  }
}

async function pictureMember(page: Page, server: Server, { community: { id }, key, members }: Filled): Promise<void> {
  const { data } = await server.ask<{ data: { userId: string } }>("POST", "/v1/users/info", {
    key,
    body: { idOrEmail: members[0]!.email },
  });
  const address = `/c/${id}/members/${data.userId}`;
  for (const [name, search] of [
    ["member", ""],
    ["member-ledger", "?tab=ledger"],
    ["member-history", "?tab=history"],
    ["member-moderation", "?tab=moderation"],
  ] as const) {
    await page.goto(address + search);
    await page.getByText("@").first().waitFor();
    await wait(page);
    await picture(page, name);
  }
  await page.goto(`${address}?tab=ledger`);
  await page.getByRole("button", { name: "Take back −35.5 Coins" }).click();
  await page.getByRole("dialog").getByRole("textbox", { name: "Reason" }).fill("The mug came back");
  await picture(page, "member-ledger-take-back");
}

async function pictureBulk(page: Page, server: Server, { community: { id }, key, members }: Filled): Promise<void> {
  const roll = dice(4);
  const rows = members
    .slice(0, 1_800)
    .map((one) => `${one.email},${roll(90)},add,${tiers[roll(tiers.length)]},on time`);
  const autumn = csv("Email,Coins,Coins_op,Tier,#Remarks", rows);
  await page.goto(`/c/${id}/bulk/new?kind=update`);
  await page
    .locator("input[type=file]")
    .setInputFiles({ name: "autumn bonus.csv", mimeType: "text/csv", buffer: Buffer.from(autumn) });
  await page.getByText(/columns are right/).waitFor();
  await wait(page);
  await picture(page, "bulk-preview");

  await page.goto(`/c/${id}/bulk`);
  await page.getByRole("link", { name: "Summer bonus" }).click();
  await page.getByText("3 rows refused.").first().waitFor();
  await wait(page);
  await picture(page, "bulk-finished");

  // It runs for seconds: the server stands still while it is pictured.
  const many = Array.from({ length: runningRows }, (_, index) => {
    const { email } = members[index % members.length]!;
    return `${email},${roll(9)},add,${roll(9)},add`;
  });
  const form = new FormData();
  form.set("data", new Blob([csv("Email,XP,XP_op,Coins,Coins_op", many)]), "a year of visits.csv");
  form.set("log_name", "A year of visits");
  const queued = await server.ask<{ data: { id: string } }>("POST", "/v1/users/bulk-update", { key, body: form });
  await page.goto(`/c/${id}/bulk/${queued.data.id}`);
  await page.getByRole("status").filter({ hasText: "Live" }).waitFor();
  await page.waitForFunction((least) => {
    const bar = document.querySelector('[role="progressbar"]');
    return Number(bar?.getAttribute("aria-valuenow") ?? 0) >= least;
  }, runningPercent);
  server.pause();
  try {
    await picture(page, "bulk-running");
  } finally {
    server.resume();
  }
  await server.waitForJob(key, queued.data.id);
}

async function openProfile(browser: Browser, server: Server): Promise<BrowserContext> {
  const context = await browser.newContext({
    baseURL: server.url,
    viewport: desktop,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    reducedMotion: "reduce",
  });
  await replacePages(context);
  return context;
}

const all = process.argv[2] !== undefined;
const folder = process.argv[2] ?? path.resolve(import.meta.dirname, "../../docs/images");
await mkdir(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: executable });
const server = await Server.start();
try {
  if (all) await pictureFirstStart(browser);
  const filled = await fill(server);
  const page = await (await openProfile(browser, server)).newPage();
  await page.goto("/sign-in");
  await wait(page);
  await picture(page, "sign-in");
  await signInByPage(page, owner);
  await wait(page);
  await pictureSidebar(page);
  await pictureMember(page, server, filled);
  await pictureBulk(page, server, filled);
} finally {
  await browser.close();
  await server.close();
}
