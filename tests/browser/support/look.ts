// What a person sees: the page at rest, in both schemes and at both widths, looked at by axe and kept as a picture.
//
//   FEALTY_TEST_SCREENSHOTS=FOLDER   keeps the pictures there
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import type { CDPSession, Page } from "playwright-core";

export const desktop = { width: 1440, height: 900 };
export const phone = { width: 390, height: 844 };
export const schemes = ["light", "dark"] as const;
export type Scheme = (typeof schemes)[number];

const screenshots = process.env.FEALTY_TEST_SCREENSHOTS;
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const axeRules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];

/** Nothing moves any more: fonts are there, animations have ended, and two frames were drawn since. */
export async function settle(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await document.fonts.ready;
    for (let frames = 0; frames < 2; ++frames) await new Promise(requestAnimationFrame);
    const ending = document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ending.map((one) => one.finished));
  });
}

type Finding = { id: string; impact: string; help: string; nodes: { target: string[]; failureSummary: string }[] };

/**
 * Throws when the page breaks a rule of WCAG 2.1 A or AA that axe can see. The page's policy admits no foreign script: axe runs in a
 * world of its own beside the page's scripts, which sees the same document.
 */
export async function checkAccessibility(page: Page, where = ""): Promise<void> {
  await settle(page);
  const session = await page.context().newCDPSession(page);
  try {
    const findings = await runAxe(session);
    if (findings.length === 0) return;
    const told = findings.map(({ id, impact, help, nodes }) => {
      const places = nodes.map(
        (node) => `    ${node.target.join(" ")}\n      ${node.failureSummary.replace(/\n/g, "\n      ")}`,
      );
      return `  ${impact} ${id}: ${help}\n${places.join("\n")}`;
    });
    throw new Error(`axe finds at ${new URL(page.url()).pathname} ${where}:\n${told.join("\n")}`);
  } finally {
    await session.detach();
  }
}

async function runAxe(session: CDPSession): Promise<Finding[]> {
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId: contextId } = await session.send("Page.createIsolatedWorld", {
    frameId: frameTree.frame.id,
    worldName: "axe",
  });
  await session.send("Runtime.evaluate", { expression: axeSource, contextId });
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
    expression: `axe.run(document, { runOnly: ${JSON.stringify(axeRules)}, resultTypes: ["violations"], preload: false })
      .then((results) => JSON.stringify(results.violations))`,
    contextId,
    awaitPromise: true,
    returnByValue: true,
  });
  if (exceptionDetails)
    throw new Error(`axe failed: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
  return JSON.parse(result.value as string) as Finding[];
}

async function checkWidth(page: Page): Promise<void> {
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (excess > 0) throw new Error(`${new URL(page.url()).pathname} is ${excess} px wider than the screen.`);
}

/** A picture NAME.png, when pictures are wanted. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  if (!screenshots) return;
  await settle(page);
  await mkdir(screenshots, { recursive: true });
  await page.screenshot({ path: path.join(screenshots, `${name}.png`) });
}

/** The page as it is now, light and dark, wide and narrow: accessible, no wider than the screen, and kept as a picture. */
export async function look(page: Page, name: string): Promise<void> {
  for (const size of [phone, desktop]) {
    await page.setViewportSize(size);
    for (const scheme of schemes) {
      await page.emulateMedia({ colorScheme: scheme });
      // The page's script hears of it in its own time.
      await page.locator(`html[data-mantine-color-scheme="${scheme}"]`).waitFor({ state: "attached" });
      await checkAccessibility(page, `(${scheme}, ${size.width} px)`);
      await checkWidth(page);
      await keepPicture(page, `${name}-${scheme}-${size.width}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
}
