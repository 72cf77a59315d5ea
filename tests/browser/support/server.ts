// The real program under test: an installation in a folder of its own, its commands, and a running server.
//
//   FEALTY_BINARY         the program; default build/release/fealty
//   FEALTY_TEST_POSTGRES  URL of a PostgreSQL server on which tests may make databases
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../../..");
const binary = process.env.FEALTY_BINARY ?? path.join(root, "build/release/fealty");
const readyMs = 30_000;
const jobMs = 60_000;
const logLinesShown = 15;

export const password = "correct horse-1";

/** Without the settings of whoever runs the tests: the program refuses names that it does not know. */
function cleanEnvironment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("FEALTY_"));
  return { ...Object.fromEntries(kept), ...extra };
}

export type Community = { id: string; title: string; systemKey: string };
export type Engine = "sqlite" | "postgres";
export type ServerOptions = {
  engine?: Engine;
  /** Flags of `fealty serve`. */
  flags?: string[];
  /** What is done to the installation before the server starts. */
  before?: (server: Server) => Promise<void>;
};

export class Server {
  url = "";
  private process: ChildProcess | null = null;
  private output = "";
  readonly folder: string;
  private readonly database: string | null;

  private constructor(folder: string, database: string | null) {
    this.folder = folder;
    this.database = database;
  }

  static async start(options: ServerOptions = {}): Promise<Server> {
    const folder = await mkdtemp(path.join(tmpdir(), "fealty-browser-"));
    const server = new Server(folder, options.engine === "postgres" ? await createDatabase() : null);
    try {
      await options.before?.(server);
      await server.serve(options.flags);
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  private get storage(): string[] {
    const data = ["--data", path.join(this.folder, "data")];
    return this.database ? [...data, "--database", this.database] : data;
  }

  /** Starts the server of an installation; again after stop(), on the same port. */
  async serve(flags: string[] = []): Promise<void> {
    const listen = this.url ? new URL(this.url).host : "127.0.0.1:0";
    // Tests ask faster than people may.
    const environment = cleanEnvironment({ FEALTY_RATE_LIMIT_PER_MINUTE: "0" });
    // The kernel ends the server with this process, however hard that is killed.
    const child = spawn(
      "setpriv",
      ["--pdeathsig", "KILL", binary, "serve", ...this.storage, "--listen", listen, ...flags],
      {
        cwd: this.folder,
        env: environment,
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    this.process = child;
    const log = createWriteStream(path.join(this.folder, "server.log"), { flags: "a" });
    const before = this.output.length;
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${why}\n${this.log}`));
      const timer = setTimeout(() => fail("The server was not ready in time."), readyMs);
      const read = (bytes: Buffer) => {
        log.write(bytes);
        this.output += bytes.toString();
        const found = /server\.ready.*?url"?[=:] ?"?(https?:\/\/[^\s",]+)/.exec(this.output.slice(before));
        if (!found?.[1]) return;
        this.url = found[1];
        clearTimeout(timer);
        resolve();
      };
      child.stdout?.on("data", read);
      child.stderr?.on("data", read);
      child.once("error", (error) => fail(`The server could not be started: ${error.message}`));
      child.once("exit", (code) => {
        clearTimeout(timer);
        fail(`The server ended with ${code}.`);
      });
    });
  }

  /** The end of what the server logged, without the pages' own files. */
  get log(): string {
    const lines = this.output.split("\n").filter((line) => !line.includes("route=console"));
    return lines.slice(-logLinesShown).join("\n");
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.process;
    this.process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }

  /** Stands still, with its connections open, until it is resumed. */
  pause(): void {
    this.process?.kill("SIGSTOP");
  }
  resume(): void {
    this.process?.kill("SIGCONT");
  }

  async close(): Promise<void> {
    await this.stop("SIGKILL");
    if (this.database) await psql(`DROP DATABASE IF EXISTS ${new URL(this.database).pathname.slice(1)} WITH (FORCE)`);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A command of the program on this installation, answered as JSON. */
  async command<T>(...words: string[]): Promise<T> {
    const { stdout } = await run(binary, [...words, ...this.storage, "--json"], {
      cwd: this.folder,
      env: cleanEnvironment(),
    });
    return JSON.parse(stdout) as T;
  }

  async createCommunity(title = "Northwind Club", ownerEmail = "owner@example.org"): Promise<Community> {
    type Made = { communityId: string; systemKey: string };
    const made = await this.command<Made>("community", "create", "--title", title, "--owner-email", ownerEmail);
    return { id: made.communityId, title, systemKey: made.systemKey };
  }

  async createKey(community: Community, permissions = "all", name = "tests"): Promise<string> {
    const words = ["api-key", "create", "--community", community.id, "--name", name, "--permissions", permissions];
    return (await this.command<{ key: string }>(...words)).key;
  }

  /** Gives an account its password, as an operator without mail does it. */
  async claim(email = "owner@example.org"): Promise<void> {
    const { token } = await this.command<{ token: string }>("account", "claim-link", "--email", email);
    await this.ask("POST", "/auth/claim", { body: { token, password, confirmPassword: password } });
  }

  /** A call of the API beside the browser. Fails on an answer other than the 2xx. */
  async ask<T = unknown>(method: string, url: string, options: { key?: string; body?: unknown } = {}): Promise<T> {
    const { key, body } = options;
    const form = body instanceof FormData;
    const response = await fetch(this.url + url, {
      method,
      headers: {
        ...(key ? { authorization: `Bearer ${key}` } : {}),
        ...(body && !form ? { "content-type": "application/json" } : {}),
      },
      body: form ? body : body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
    return (text ? JSON.parse(text) : null) as T;
  }

  /** Uploads a CSV and waits for the end of its job; gives the job's status. */
  async upload(
    key: string,
    url: string,
    csv: string | Blob,
    name = "a file",
    timeoutMs = jobMs,
  ): Promise<Record<string, unknown>> {
    const form = new FormData();
    form.set("data", typeof csv === "string" ? new Blob([csv], { type: "text/csv" }) : csv, "file.csv");
    form.set("log_name", name);
    const queued = await this.ask<{ data: { id: string } }>("POST", url, { key, body: form });
    return this.waitForJob(key, queued.data.id, timeoutMs);
  }

  /** The server tells of a job's progress by itself; its stream ends with the job. */
  async waitForJob(key: string, job: string, timeoutMs = jobMs): Promise<Record<string, unknown>> {
    const events = await fetch(`${this.url}/v1/users/bulk-update/${job}/events`, {
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!events.ok) throw new Error(`The events of job ${job}: ${events.status} ${await events.text()}`);
    await events.text();
    const { data } = await this.ask<{ data: Record<string, unknown> }>("GET", `/v1/users/bulk-update/${job}/status`, {
      key,
    });
    return data;
  }

  /** Members member00001@example.org and so on, with names. */
  async importMembers(key: string, count: number): Promise<void> {
    const rows = Array.from({ length: count }, (_, index) => {
      const name = `member${String(index + 1).padStart(5, "0")}`;
      return `${firstNames[index % firstNames.length]},${lastNames[(index * 7) % lastNames.length]},${name},${name}@example.org`;
    });
    const csv = ["First Name,Last Name,Username,Email", ...rows].join("\n");
    const job = await this.upload(key, "/v1/users/bulk-import", csv, "members");
    if (job.created !== count) throw new Error(`Not all members were imported: ${JSON.stringify(job)}`);
  }
}

const firstNames = ["Ana", "Bo", "Chidi", "Dilnoza", "Emre", "Fatima", "Giulia", "Hana", "Ivo", "Jun", "Kofi", "Łucja"];
const lastNames = ["Adeyemi", "Bauer", "Costa", "Dupont", "Eriksson", "García", "Haddad", "Ivanov", "Jensen", "Kim"];

async function createDatabase(): Promise<string> {
  const name = `fealty_browser_${randomBytes(6).toString("hex")}`;
  await psql(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  const url = new URL(postgresUrl());
  url.pathname = `/${name}`;
  return url.href;
}

function postgresUrl(): string {
  const url = process.env.FEALTY_TEST_POSTGRES;
  if (!url) throw new Error("FEALTY_TEST_POSTGRES must be the URL of a PostgreSQL server.");
  return url;
}

async function psql(statement: string): Promise<void> {
  await run("psql", [
    "--no-psqlrc",
    "--quiet",
    "--set=ON_ERROR_STOP=1",
    `--dbname=${postgresUrl()}`,
    `--command=${statement}`,
  ]);
}
