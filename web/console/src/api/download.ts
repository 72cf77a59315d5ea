// Files that the API gives to people: fetched with the session and the community of the page, then saved by the browser.
import { ApiError, errorOf } from "./errors";

type Options = {
  community?: string;
  body?: unknown;
  signal?: AbortSignal;
  /** How much of it has come. */
  onProgress?: (bytes: number) => void;
  /** Where the server names no file. */
  name: string;
};

/** Throws ApiError when the server refuses or the file does not come to its end; then nothing is saved. */
export async function download(url: string, options: Options): Promise<{ name: string; bytes: number }> {
  const headers = new Headers();
  if (options.community) headers.set("x-community-id", options.community);
  if (options.body !== undefined) headers.set("content-type", "application/json");
  const lost = () =>
    new ApiError("The file did not come to its end. Look at your connection and try again.", 0, "network");
  let response: Response;
  try {
    response = await fetch(url, {
      method: options.body === undefined ? "GET" : "POST",
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
      credentials: "same-origin",
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw lost();
  }
  if (!response.ok) throw errorOf(response, await response.json().catch(() => null));

  const parts: BlobPart[] = [];
  let bytes = 0;
  try {
    const reader = response.body!.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      bytes += part.value.byteLength;
      options.onProgress?.(bytes);
    }
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw lost();
  }
  const name = nameIn(response.headers.get("content-disposition")) ?? options.name;
  const address = URL.createObjectURL(
    new Blob(parts, { type: response.headers.get("content-type") ?? "application/octet-stream" }),
  );
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has taken it over once the click is through.
  setTimeout(() => URL.revokeObjectURL(address));
  return { name, bytes };
}

function nameIn(disposition: string | null): string | null {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition ?? "")?.[1];
  if (encoded) return decodeURIComponent(encoded);
  return /filename="?([^";]+)"?/i.exec(disposition ?? "")?.[1] ?? null;
}
