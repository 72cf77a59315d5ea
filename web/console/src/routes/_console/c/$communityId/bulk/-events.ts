// Server-sent events, read with fetch: the browser's own EventSource can neither name the community nor see why it was refused.

export type ServerEvent = { name: string; data: string; id: string };

/** Takes the stream in pieces and gives each event as soon as it is whole. */
export class EventParser {
  private rest = "";
  private name = "";
  private data: string[] = [];
  private id = "";

  *push(text: string): Generator<ServerEvent> {
    this.rest += text;
    for (;;) {
      const end = this.rest.search(/[\r\n]/);
      // A CR at the end may be the first half of CR LF.
      if (end < 0 || (this.rest[end] === "\r" && end === this.rest.length - 1)) return;
      const line = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + (this.rest.startsWith("\r\n", end) ? 2 : 1));
      if (line === "") {
        if (this.data.length > 0) yield { name: this.name || "message", data: this.data.join("\n"), id: this.id };
        this.name = "";
        this.data = [];
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") this.name = value;
      else if (field === "data") this.data.push(value);
      else if (field === "id") this.id = value;
    }
  }
}

export type StreamEnd = "closed" | "told" | "refused";

/**
 * Reads the stream until it ends: "told" when nothing is left to be told, "refused" when asking again cannot help. Throws what broke
 * it; `lastId` goes on from there.
 */
export async function readEvents(
  url: string,
  options: { community: string; lastId: string; signal: AbortSignal; silenceMsMax: number; onOpen: () => void },
  onEvent: (event: ServerEvent) => void,
): Promise<StreamEnd> {
  const mine = new AbortController();
  const stop = () => mine.abort();
  options.signal.addEventListener("abort", stop);
  // The server gives a sign of life every 15 s: a longer silence is a connection that died without a word.
  let watchdog = setTimeout(stop, options.silenceMsMax);
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(stop, options.silenceMsMax);
  };
  try {
    const headers: Record<string, string> = { accept: "text/event-stream", "x-community-id": options.community };
    if (options.lastId !== "") headers["last-event-id"] = options.lastId;
    const response = await fetch(url, { headers, credentials: "same-origin", cache: "no-store", signal: mine.signal });
    if (response.status === 204) return "told";
    if ([400, 401, 403, 404].includes(response.status)) return "refused";
    if (!response.ok || !response.body) throw new Error(`The events were answered ${response.status}.`);
    options.onOpen();
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "closed";
      alive();
      for (const event of parser.push(value)) onEvent(event);
    }
  } finally {
    clearTimeout(watchdog);
    options.signal.removeEventListener("abort", stop);
    mine.abort();
  }
}
