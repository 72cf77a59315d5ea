// Typed calls of the API. The types are made from docs/openapi.json (npm run types): a path, a parameter or a member that the
// server does not have is an error of the compiler.
//
//   const answer = await api.get("/v1/communities/{communityId}/users", { path: { communityId }, query: { limit: 50 } });
//   answer.data …   answer.meta.total …
import { ApiError, errorOf } from "./errors";
import { parseJson } from "./json";
import type { paths } from "./schema.gen";

type Verb = "get" | "post" | "put" | "patch" | "delete";
type PathsWith<V extends Verb> = {
  [P in keyof paths]: paths[P] extends { [K in V]: infer Op } ? (Op extends undefined ? never : P) : never;
}[keyof paths];
type Operation<V extends Verb, P extends keyof paths> = paths[P] extends { [K in V]: infer Op } ? Op : never;

type Good = 200 | 201 | 202;
type JsonOf<R> = R extends { content: { "application/json": infer J } }
  ? J
  : R extends { content: infer C }
    ? C[keyof C]
    : undefined;
export type AnswerOf<V extends Verb, P extends keyof paths> =
  Operation<V, P> extends { responses: infer R } ? JsonOf<R[keyof R & Good]> : never;

type ParametersOf<V extends Verb, P extends keyof paths> = Operation<V, P> extends { parameters: infer X } ? X : never;
export type QueryOf<V extends Verb, P extends keyof paths> = ParametersOf<V, P> extends { query?: infer Q } ? Q : never;
type PathArgsOf<V extends Verb, P extends keyof paths> = ParametersOf<V, P> extends { path: infer A } ? A : never;
export type BodyOf<V extends Verb, P extends keyof paths> =
  Operation<V, P> extends { requestBody?: infer B }
    ? NonNullable<B> extends { content: { "application/json": infer J } }
      ? J
      : never
    : never;

export type CallOptions = {
  signal?: AbortSignal;
  /** The community of an operation that has none in its path. */
  community?: string;
  /** The same key with the same body does the work once, however often it is sent. */
  idempotencyKey?: string;
  /** A 401 is the call's own answer, such as that of a wrong password. */
  ownUnauthorized?: boolean;
};
type Options<V extends Verb, P extends keyof paths> = CallOptions & { query?: QueryOf<V, P> } & ([
    PathArgsOf<V, P>,
  ] extends [never]
    ? { path?: undefined }
    : { path: PathArgsOf<V, P> }) &
  ([BodyOf<V, P>] extends [never] ? { body?: undefined } : { body?: BodyOf<V, P> });

/** Called when the server does not know the session any more. */
let onSessionOver: () => void = () => {};
export function setOnSessionOver(callback: () => void) {
  onSessionOver = callback;
}

export type RawOptions = CallOptions & {
  query?: Record<string, unknown>;
  /** Sent as it is when it is a form or a file, else as JSON. */
  body?: unknown;
};

export function urlOf(path: string, args: Record<string, unknown> = {}, query: Record<string, unknown> = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(args[name])));
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return text ? `${filled}?${text}` : filled;
}

/** For what the typed calls below cannot say. Throws ApiError; an abort stays an AbortError. */
export async function request(verb: Verb, url: string, options: RawOptions = {}): Promise<unknown> {
  const headers = new Headers({ accept: "application/json" });
  if (options.community) headers.set("x-community-id", options.community);
  if (options.idempotencyKey) headers.set("idempotency-key", options.idempotencyKey);
  let body: BodyInit | undefined;
  if (options.body instanceof FormData || options.body instanceof Blob) {
    body = options.body;
  } else if (options.body !== undefined) {
    body = JSON.stringify(options.body);
    headers.set("content-type", "application/json");
  }

  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: verb.toUpperCase(),
      headers,
      body,
      signal: options.signal,
      credentials: "same-origin",
    });
    text = await response.text();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError("The server could not be reached. Look at your connection and try again.", 0, "network");
  }
  let answer: unknown = null;
  try {
    answer = text === "" ? null : parseJson(text);
  } catch {
    // A proxy's page instead of the API's answer: the status says what there is to say.
    if (response.ok)
      throw new ApiError(
        "The answer was not what the API gives.",
        response.status,
        "unexpected",
        [],
        response.headers.get("x-request-id"),
      );
  }
  if (!response.ok) {
    const error = errorOf(response, answer);
    if (error.status === 401 && error.code === "unauthorized" && !options.ownUnauthorized) onSessionOver();
    throw error;
  }
  return answer;
}

type AnyOptions = RawOptions & { path?: Record<string, unknown> };
const call =
  (verb: Verb) =>
  (path: string, options: AnyOptions = {}) => {
    const { path: args, query, ...rest } = options;
    return request(verb, urlOf(path, args, query), rest);
  };

type Call<V extends Verb> = <P extends PathsWith<V>>(
  path: P,
  ...options: [PathArgsOf<V, P>] extends [never] ? [Options<V, P>?] : [Options<V, P>]
) => Promise<AnswerOf<V, P>>;

export const api = {
  get: call("get") as Call<"get">,
  post: call("post") as Call<"post">,
  put: call("put") as Call<"put">,
  patch: call("patch") as Call<"patch">,
  delete: call("delete") as Call<"delete">,
};
