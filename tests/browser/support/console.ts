// Tests of the console: one server and one browser for a file, a fresh browser profile for each test.
//
//   const { test, club } = consoleTests({ members: 30 });
//   test("Members are found by name", async ({ page, signIn }) => {
//     await signIn();
//     await page.goto(`/c/${club.community.id}/members`);
//     …
//     await look(page, "members");
//   });
//
// FEALTY_TEST_CONSOLE=build/console   the pages as they lie there (npm run build --prefix web/console), with the headers of the
//                                     program's own: pages are tested without building the program again
//
// A test fails at its end on troubles of any of its pages (support/troubles.ts), unless it expected them: troubles.expect(/…/).
import { after, before, test as nodeTest } from "node:test";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { replacePages } from "./built_pages.ts";
import { desktop } from "./look.ts";
import { type Community, password, Server, type ServerOptions } from "./server.ts";
import { Troubles } from "./troubles.ts";

// Debian's: nothing is downloaded.
export const executable = process.env.FEALTY_TEST_CHROMIUM ?? "/usr/bin/chromium";
const testMs = 60_000;
/** How long a test waits for what a person would see. */
const patienceMs = 10_000;

export const owner = "owner@example.org";

export type Club = { server: Server; community: Community; key: string; browser: Browser };
export type ClubOptions = ServerOptions & {
  members?: number;
  /** What the tests of the file find beside the owner, his community and its members. */
  afterStart?: (club: Club) => Promise<void>;
  /** No account and no community: the test sets the installation up. */
  empty?: boolean;
};

export type TestTools = {
  page: Page;
  context: BrowserContext;
  troubles: Troubles;
  /** The owner, or whom it names, with a session of its own; opens no page. */
  signIn: (email?: string, profile?: BrowserContext) => Promise<void>;
  /** A line in the report: what was measured. */
  report: (line: string) => void;
  /** Another page of the same profile: a second tab. */
  newTab: () => Promise<Page>;
  /** A page of another profile: another person, or another device. */
  newProfile: (options?: BrowserContextOptions) => Promise<Page>;
};
export type TestBody = (tools: TestTools) => Promise<void>;

export function consoleTests(options: ClubOptions = {}): {
  test: (name: string, body: TestBody, profile?: BrowserContextOptions) => void;
  club: Club;
} {
  const club = {} as Club;
  before(async () => {
    club.server = await Server.start({
      ...options,
      before: async (server) => {
        if (!options.empty) club.community = await server.createCommunity();
        await options.before?.(server);
      },
    });
    if (!options.empty) {
      club.key = await club.server.createKey(club.community);
      await club.server.claim(owner);
    }
    if (options.members) await club.server.importMembers(club.key, options.members);
    await options.afterStart?.(club);
    club.browser = await chromium.launch({ executablePath: executable });
  });
  after(async () => {
    await club.browser?.close();
    await club.server?.close();
  });
  const test = (name: string, body: TestBody, profile: BrowserContextOptions = {}) => {
    nodeTest(name, { timeout: testMs }, (t) => runTest(club, body, profile, (line) => t.diagnostic(line)));
  };
  return { test, club };
}

async function runTest(
  club: Club,
  body: TestBody,
  profile: BrowserContextOptions,
  report: (line: string) => void,
): Promise<void> {
  const troubles = new Troubles();
  const contexts: BrowserContext[] = [];
  const open = async (own: BrowserContextOptions) => {
    const context = await club.browser.newContext({
      baseURL: club.server.url,
      viewport: desktop,
      locale: "en-GB",
      timezoneId: "Europe/Berlin",
      colorScheme: "light",
      reducedMotion: "reduce",
      ...own,
    });
    contexts.push(context);
    context.setDefaultTimeout(patienceMs);
    await replacePages(context);
    return context;
  };
  const openPage = async (context: BrowserContext) => {
    const page = await context.newPage();
    await troubles.watch(page);
    return page;
  };
  try {
    const context = await open(profile);
    const page = await openPage(context);
    await body({
      page,
      context,
      troubles,
      report,
      signIn: (email, own = context) => signInWithoutPage(own, club.server, email),
      newTab: () => openPage(context),
      newProfile: async (own = {}) => openPage(await open({ ...profile, ...own })),
    });
    troubles.check();
  } catch (error) {
    // What the pages suffered may explain why a test did not find what it waited for.
    throw withReasons(error, troubles, club.server);
  } finally {
    for (const context of contexts) await context.close();
  }
}

function withReasons(error: unknown, troubles: Troubles, server: Server): Error {
  const failure = error instanceof Error ? error : new Error(String(error));
  let told = "";
  try {
    troubles.check();
  } catch (other) {
    told = (other as Error).message;
  }
  if (told && !failure.message.includes(told)) failure.message += `\n${told}`;
  failure.message += `\nThe server's log:\n${server.log}`;
  return failure;
}

/** By the page, as people do it. */
export async function signInByPage(page: Page, email = owner): Promise<void> {
  await page.goto("/sign-in");
  await page.getByLabel("E-mail or username").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname !== "/sign-in");
}

async function signInWithoutPage(context: BrowserContext, server: Server, email = owner): Promise<void> {
  const answer = await context.request.post("/auth/login", {
    data: { email, password, session: "cookie" },
    headers: { origin: server.url },
  });
  if (!answer.ok()) throw new Error(`The sign-in was answered ${answer.status()}: ${await answer.text()}`);
}
