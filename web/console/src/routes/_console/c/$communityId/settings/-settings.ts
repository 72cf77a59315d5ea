// What is set of a community, as several pages show parts of it.
import { queryOptions, useQueryClient } from "@tanstack/react-query";
import { type AnswerOf, api, type BodyOf } from "~/api/client";

export type Settings = AnswerOf<"get", "/v1/communities/{communityId}/settings">["data"];
export type SettingsChange = BodyOf<"put", "/v1/communities/{communityId}/settings">;

export const settingsQuery = (communityId: string) =>
  queryOptions({
    queryKey: ["settings", communityId],
    queryFn: ({ signal }) => api.get("/v1/communities/{communityId}/settings", { path: { communityId }, signal }),
    select: (answer) => answer.data,
  });

/** Sends what is to be changed; what is absent stays. */
export function useChangeSettings(communityId: string) {
  const queries = useQueryClient();
  return async (body: SettingsChange) => {
    const answer = await api.put("/v1/communities/{communityId}/settings", { path: { communityId }, body });
    queries.setQueryData(settingsQuery(communityId).queryKey, answer);
    return answer.data;
  };
}
