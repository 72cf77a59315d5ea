// The policy of the pages: nothing runs but this server's own files, whatever a page is made to show.
import assert from "node:assert/strict";
import { consoleTests } from "./support/console.ts";

const { test, club } = consoleTests();

const policyOf = (nonce: string) =>
  `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data: blob:; font-src 'self'; ` +
  "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

test("Every kind of page has the strict policy with a nonce of its own, and keeps to it", async ({ page, signIn }) => {
  const nonces = new Set<string>();
  const open = async (path: string, heading: string | RegExp) => {
    const answer = await page.goto(path);
    const headers = answer?.headers() ?? {};
    const policy = headers["content-security-policy"] ?? "";
    const nonce = /'nonce-(\w{22})'/.exec(policy)?.[1] ?? "none";
    assert.equal(policy, policyOf(nonce), path);
    assert.equal(headers["x-content-type-options"], "nosniff", path);
    assert.equal(headers["referrer-policy"], "no-referrer", path);
    assert.ok(!nonces.has(nonce), `${path}: the nonce was used before`);
    nonces.add(nonce);
    await page.getByRole("heading", { name: heading }).first().waitFor();
    // What the policy refused would be a trouble of this test; what stands in the page must be what it admits.
    const inline = await page.evaluate(
      () => document.querySelectorAll("script:not([src]), [onclick], [onerror]").length,
    );
    assert.equal(inline, 0, path);
  };
  const { id } = club.community;
  await open("/sign-in", "Sign in");
  await open("/", "Sign in");
  await signIn();
  await open("/", "Overview");
  await open(`/c/${id}`, "Overview");
  await open(`/c/${id}/no-such-page`, /not here|not found|no such/i);
  await open("/c/6b0000000000000000000001", /not here|not found|no such/i);
  assert.equal(nonces.size, 6);
});

test("A script that somebody smuggles into a page does not run", async ({ page, signIn, troubles }) => {
  troubles.expect(/policy violation: script-src-elem inline/);
  troubles.expect(/policy violation: script-src-attr inline/);
  troubles.expect(/policy violation: script-src-elem https:\/\/elsewhere\.example/);
  troubles.expect(/request failed: GET \/script\.js: csp/);
  troubles.tolerate(/violates the following Content Security Policy directive/);
  await signIn();
  await page.goto(`/c/${club.community.id}`);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const ran = await page.evaluate(async () => {
    const refused = new Promise<void>((resolve) => {
      let times = 0;
      document.addEventListener("securitypolicyviolation", () => (++times === 3 ? resolve() : undefined));
    });
    const inline = document.createElement("script");
    inline.textContent = "window.ran = true";
    const image = document.createElement("div");
    image.innerHTML = '<img src="data:," onerror="window.ran = true">';
    const foreign = document.createElement("script");
    foreign.src = "https://elsewhere.example/script.js";
    document.body.append(inline, image, foreign);
    await refused;
    return "ran" in window;
  });
  assert.equal(ran, false);
});
