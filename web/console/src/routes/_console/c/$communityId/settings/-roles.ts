// Roles as several pages of the settings need them.
import { queryOptions } from "@tanstack/react-query";
import { type AnswerOf, api } from "~/api/client";

export type Role = AnswerOf<"get", "/roles">["body"][number];

export const rolesQuery = (communityId: string) =>
  queryOptions({
    queryKey: ["roles", communityId],
    queryFn: ({ signal }) => api.get("/roles", { community: communityId, signal }),
    select: (answer) => answer.body,
  });

export const everybody = "@all";
export const administers = (role: Role): boolean =>
  (role.serverPermissions as Record<string, boolean>).server_administrator === true;
