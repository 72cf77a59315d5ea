// The mails of a server without --smtp-url: it writes them into a folder.
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Server } from "./server.ts";

const patienceMs = 30_000;
const lookEveryMs = 50;

async function mailsTo(server: Server, address: string): Promise<string[]> {
  const folder = path.join(server.folder, "data", "mail");
  const names = await readdir(folder).catch(() => []);
  const files = await Promise.all(
    names.sort().map((name) => readFile(path.join(folder, name), "utf8").catch(() => "")),
  );
  return files.map(unfolded).filter((text) => text.includes(address));
}

/** Quoted-printable as plain text, where a mail uses it. */
const unfolded = (text: string) =>
  text
    .replace(/=\r?\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** A whole link to `page` in a mail to `address`; mails come from another process, so it looks until there is one. */
export async function linkTo(server: Server, address: string, page: string): Promise<string> {
  const end = Date.now() + patienceMs;
  for (;;) {
    for (const text of (await mailsTo(server, address)).reverse()) {
      const found = new RegExp(`https?://[^\\s/]+(/${page}\\?token=\\S+)\\s`).exec(text);
      if (found?.[1]) return found[1];
    }
    if (Date.now() > end) throw new Error(`No mail to ${address} with a link to ${page} has come.`);
    await pause(lookEveryMs);
  }
}
