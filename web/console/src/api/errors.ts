// What a request can fail with, in one form for all families of the API.

export type Problem = {
  /** JSON Pointer into the request ("/filter/join_date"), or the name of a column; empty when it is about the whole. */
  field: string;
  code: string;
  message: string;
  limit?: number;
};

export class ApiError extends Error {
  override name = "ApiError";
  constructor(
    message: string,
    /** 0 when no answer came. */
    readonly status: number,
    /** Stable snake_case word; "network" when no answer came, "unexpected" when it was none of the API's. */
    readonly code: string,
    readonly problems: Problem[] = [],
    readonly requestId: string | null = null,
    readonly retryAfterSeconds: number | null = null,
    /** The answer's JSON, for the few errors that carry more (a challenge, existing members, running jobs). */
    readonly answer: unknown = null,
  ) {
    super(message);
  }

  /** Trying the same again can help. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

type Members = Record<string, unknown>;
const asMembers = (value: unknown): Members => (typeof value === "object" && value !== null ? (value as Members) : {});
const asText = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

function asProblem(value: unknown): Problem {
  const item = asMembers(value);
  return {
    field: asText(item.field) ?? asText(item.column) ?? "",
    code: asText(item.code) ?? "",
    message: asText(item.message) ?? "",
    limit: typeof item.limit === "number" ? item.limit : undefined,
  };
}

/** `answer` is the parsed body, or null when it was no JSON. */
export function errorOf(response: Response, answer: unknown): ApiError {
  const body = asMembers(answer);
  const meta = asMembers(body.meta);
  const listed = [body.errors, meta.validation, body.validation].find(Array.isArray);
  const wait = Number(response.headers.get("retry-after"));
  return new ApiError(
    asText(body.message) ??
      asText(meta.message) ??
      `The server answered ${response.status} ${response.statusText}`.trim(),
    response.status,
    asText(body.code) ?? "unexpected",
    (listed ?? []).map(asProblem),
    asText(body.requestId) ?? response.headers.get("x-request-id"),
    Number.isFinite(wait) && wait > 0 ? wait : null,
    answer,
  );
}
