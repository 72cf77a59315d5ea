// Who is signed in. The session is a cookie that no script can read; what this code knows is what GET /auth/me tells.
import { type QueryClient, queryOptions, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { type AnswerOf, api } from "~/api/client";
import { ApiError } from "~/api/errors";

export type Me = AnswerOf<"get", "/auth/me">["body"];
/** The role is missing while one is invited, suspended or banned. */
export type Community = Me["communities"][number];
export type Role = NonNullable<Community["role"]>;

/** A session that is used is renewed when less than half of its thirty days is left. */
const renewBelowMs = 15 * 86_400_000;

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }): Promise<Me | null> => {
    try {
      const { body } = await api.get("/auth/me", { signal, ownUnauthorized: true });
      if (Date.parse(body.session.expiresAt) - Date.now() < renewBelowMs)
        await api.post("/auth/refresh", { body: { session: "cookie" }, ownUnauthorized: true });
      return body;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: 60_000,
});

export function useMe(): Me {
  const { data } = useSuspenseQuery(sessionQuery);
  if (!data) throw new Error("This page is shown only to those who are signed in.");
  return data;
}

/** Communities that this person runs: the console is theirs. */
export function runs(community: Community): boolean {
  return community.role === "COMMUNITY_OWNER" || community.role === "COMMUNITY_ADMIN";
}

export type Challenge = { challenge: string; expiresIn?: number };

/** Signed in, or asked for the second factor. */
export async function signIn(name: string, password: string): Promise<Challenge | null> {
  const who = name.includes("@") ? { email: name } : { username: name };
  try {
    await api.post("/auth/login", { body: { ...who, password, session: "cookie" }, ownUnauthorized: true });
    return null;
  } catch (error) {
    if (error instanceof ApiError && error.code === "second_factor_required") {
      const { body } = error.answer as { body: Challenge };
      return body;
    }
    throw error;
  }
}

export async function sendSecondFactor(challenge: Challenge, code: string): Promise<void> {
  // Six digits are the app's code; anything else can only be one of the recovery codes.
  const digits = code.replace(/\s/g, "");
  const proof = /^\d{6}$/.test(digits) ? { code: digits } : { recoveryCode: code.trim() };
  await api.post("/auth/second-factor", {
    body: { challenge: challenge.challenge, ...proof, session: "cookie" },
    ownUnauthorized: true,
  });
}

/** What one person has seen is not kept for the next one at this browser. */
export function forgetEverything(queries: QueryClient) {
  queries.clear();
  queries.setQueryData(sessionQuery.queryKey, null);
}

/** The tabs of one browser share the session: who leaves in one leaves in all. */
const otherTabs = new BroadcastChannel("fealty-session");
export function onSignOutElsewhere(callback: () => void) {
  otherTabs.onmessage = callback;
}

export function useSignOut(): () => Promise<void> {
  const queries = useQueryClient();
  return async () => {
    try {
      await api.post("/auth/logout", { body: {}, ownUnauthorized: true });
    } catch (error) {
      // A session that is over already is what was wanted.
      if (!(error instanceof ApiError && error.status === 401)) throw error;
    }
    otherTabs.postMessage("signed out");
    forgetEverything(queries);
    // A fresh page holds nothing of the last one's memory.
    window.location.assign("/sign-in");
  };
}
