// Sends a file with its progress, again and again under one key until the server has answered for it: whatever breaks on the way,
// one job comes of it.
import { ApiError, errorOf } from "~/api/errors";
import { parseJson } from "~/api/json";
import type { Kind } from "./-csv";

export type UploadOptions = { logName: string; dryRun: boolean; maxErrors: number | null };
export type UploadAnswer = { id: string; rows: number; dry_run: boolean; duplicate_of: string | null };
export type UploadProgress = { sent: number; total: number /** Waits before it tries again. */; waiting: boolean };

const paths: Record<Kind, string> = {
  update: "/v1/users/bulk-update",
  premium: "/v1/users/bulk-update-premium-currency",
  import: "/v1/users/bulk-import",
};

/** About two minutes of trying: longer than a restart takes. */
const triesMax = 12;
const firstWaitMs = 500;
const waitMsMax = 15_000;

/** Random, also where the page was not loaded over https and has no crypto.randomUUID. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const headersOf = (sent: XMLHttpRequest): Headers => {
  const headers = new Headers();
  for (const line of sent
    .getAllResponseHeaders()
    .trim()
    .split(/[\r\n]+/)) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return headers;
};

// fetch() tells nothing of how much was sent.
function sendOnce(
  url: string,
  form: FormData,
  headers: Record<string, string>,
  signal: AbortSignal,
  onProgress: (sent: number, total: number) => void,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = new XMLHttpRequest();
    const abort = () => sent.abort();
    const over = () => signal.removeEventListener("abort", abort);
    sent.open("POST", url);
    sent.setRequestHeader("accept", "application/json");
    for (const [name, value] of Object.entries(headers)) sent.setRequestHeader(name, value);
    sent.upload.onprogress = (event) => onProgress(event.loaded, event.total);
    sent.onabort = () => {
      over();
      reject(new DOMException("The upload was stopped.", "AbortError"));
    };
    sent.onerror = () => {
      over();
      reject(new ApiError("The connection broke before the server had answered.", 0, "network"));
    };
    sent.onload = () => {
      over();
      let answer: unknown = null;
      try {
        answer = parseJson(sent.responseText);
      } catch {
        // A proxy's page: the status says what there is to say.
      }
      if (sent.status >= 200 && sent.status < 300 && answer !== null) return resolve(answer);
      const response = new Response(null, {
        status: sent.status >= 400 ? sent.status : 502,
        statusText: sent.statusText,
        headers: headersOf(sent),
      });
      reject(errorOf(response, answer));
    };
    signal.addEventListener("abort", abort);
    sent.send(form);
  });
}

export function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("Nobody waits any more.", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

const mayTryAgain = (error: unknown): error is ApiError =>
  error instanceof ApiError && (error.code === "request_in_progress" || (error.isTemporary && error.status !== 500));

export async function upload({
  kind,
  community,
  file,
  fileName,
  options,
  key,
  signal,
  onProgress,
}: {
  kind: Kind;
  community: string;
  file: Blob;
  fileName: string;
  options: UploadOptions;
  key: string;
  signal: AbortSignal;
  onProgress: (progress: UploadProgress) => void;
}): Promise<UploadAnswer> {
  // The options stand in front of the file: the server knows them before it reads the first row.
  const form = new FormData();
  if (options.logName.trim() !== "") form.set("log_name", options.logName.trim());
  if (options.dryRun) form.set("dry_run", "true");
  if (options.maxErrors !== null) form.set("max_errors", String(options.maxErrors));
  form.set("data", file, fileName);

  for (let tries = 1, waitMs = firstWaitMs; ; tries++) {
    onProgress({ sent: 0, total: file.size, waiting: false });
    try {
      const headers = { "x-community-id": community, "idempotency-key": key };
      const answer = await sendOnce(paths[kind], form, headers, signal, (sent, total) =>
        onProgress({ sent, total, waiting: false }),
      );
      return (answer as { data: UploadAnswer }).data;
    } catch (error) {
      if (signal.aborted || tries >= triesMax || !mayTryAgain(error)) throw error;
      onProgress({ sent: 0, total: file.size, waiting: true });
      await waitFor(error.retryAfterSeconds !== null ? error.retryAfterSeconds * 1000 : waitMs, signal);
      waitMs = Math.min(waitMs * 2, waitMsMax);
    }
  }
}
