// What goes wrong in a page without anybody saying so: errors of scripts and of the console, requests that fail, and what the page's
// policy refused. A test that ends with any of them which it did not expect has failed.
import type { Page } from "playwright-core";

const marker = "policy violation:";

export class Troubles {
  private readonly seen: string[] = [];
  private readonly expected: { pattern: RegExp; times: number; required: boolean }[] = [];

  /** Before the first page is opened, so that nothing is missed. */
  async watch(page: Page): Promise<void> {
    await page.addInitScript((mark) => {
      document.addEventListener("securitypolicyviolation", (event) => {
        console.error(
          `${mark} ${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile ?? ""} ${event.sample ?? ""}`,
        );
      });
    }, marker);
    page.on("pageerror", (error) => this.add(`error of a script: ${error.stack ?? error.message}`));
    page.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      // Chromium's own line for an answer that the next handler tells with its method.
      if (message.text().startsWith("Failed to load resource:")) return;
      this.add(`console ${message.type()}: ${message.text()}`);
    });
    page.on("response", (response) => {
      const { pathname } = new URL(response.url());
      const method = response.request().method();
      // How the console asks whether anybody is signed in.
      if (response.status() === 401 && method === "GET" && pathname === "/auth/me") return;
      if (response.status() >= 400) this.add(`answer ${response.status()} to ${method} ${pathname}`);
    });
    page.on("requestfailed", (request) => {
      // The page itself gave up what it does not need any more.
      if (request.failure()?.errorText === "net::ERR_ABORTED") return;
      this.add(
        `request failed: ${request.method()} ${new URL(request.url()).pathname}: ${request.failure()?.errorText}`,
      );
    });
  }

  private add(trouble: string) {
    const expected = this.expected.find(({ pattern }) => pattern.test(trouble));
    if (expected) expected.times += 1;
    else this.seen.push(trouble);
  }

  /** This happens in this test, at least once: `answer 401 to POST /auth/login`, `console error: …`. Say it beforehand. */
  expect(pattern: RegExp) {
    this.expected.push({ pattern, times: 0, required: true });
  }

  /** This may happen or not: it depends on what was under way. */
  tolerate(pattern: RegExp) {
    this.expected.push({ pattern, times: 0, required: false });
  }

  /** Throws when there was anything else, or not what was expected. */
  check() {
    const missing = this.expected
      .filter(({ times, required }) => required && times === 0)
      .map(({ pattern }) => `expected and not seen: ${pattern}`);
    const all = [...this.seen, ...missing];
    if (all.length > 0) throw new Error(`The page had troubles:\n  ${all.join("\n  ")}`);
  }
}
