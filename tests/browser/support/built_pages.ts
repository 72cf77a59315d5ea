// Pages from a folder in the place of those in the program.
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { BrowserContext } from "playwright-core";

const folder = process.env.FEALTY_TEST_CONSOLE;
const types: Record<string, string> = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".md": "text/markdown",
};

export async function replacePages(context: BrowserContext): Promise<void> {
  if (!folder) return;
  await context.route("**/assets/*", async (route) => {
    const name = path.basename(new URL(route.request().url()).pathname);
    const body = await readFile(path.join(folder, "assets", name)).catch(() => null);
    if (body) await route.fulfill({ body, contentType: types[path.extname(name)] });
    else await route.fulfill({ status: 404 });
  });
  const index = await readFile(path.join(folder, "index.html"), "utf8");
  await context.route("**/*", async (route) => {
    if (route.request().resourceType() !== "document") return route.fallback();
    const response = await route.fetch();
    const nonce = /'nonce-(\w+)'/.exec(response.headers()["content-security-policy"] ?? "")?.[1];
    return nonce
      ? route.fulfill({ response, body: index.replaceAll("__NONCE__", nonce) })
      : route.fulfill({ response });
  });
}
