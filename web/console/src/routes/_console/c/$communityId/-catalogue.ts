// What a community has defined, whole, as pages of members and of settings need it: fields, roles, tags. Whoever changes one of them
// invalidates its key.
import { queryOptions } from "@tanstack/react-query";
import { type AnswerOf, api } from "~/api/client";

export type UserField = AnswerOf<"get", "/v1/communities/{communityId}/user-fields">["data"][number];
export type Role = AnswerOf<"get", "/roles">["body"][number];
export type Tag = AnswerOf<"get", "/v1/communities/{communityId}/tags">["data"][number];

/** The most that the list gives at once. */
const fieldsPage = 100;

/** All fields, the program's own too, in the order in which they were made; there are a few hundred at most. */
export const fieldsQuery = (communityId: string) =>
  queryOptions({
    queryKey: ["user-fields", communityId, "all"],
    queryFn: async ({ signal }) => {
      const fields: UserField[] = [];
      for (let page = 1; ; page++) {
        const answer = await api.get("/v1/communities/{communityId}/user-fields", {
          path: { communityId },
          query: { page, limit: fieldsPage, sort: "createdAt:asc" },
          signal,
        });
        fields.push(...answer.data);
        if (answer.data.length === 0 || fields.length >= (answer.meta.total ?? 0)) return fields;
      }
    },
  });

/** The highest first. */
export const rolesQuery = (communityId: string) =>
  queryOptions({
    queryKey: ["roles", communityId],
    queryFn: async ({ signal }) => (await api.get("/roles", { community: communityId, signal })).body,
  });

/** Everybody has it, and nobody can be given it. */
export const everybody = "@all";
export const administers = (role: Role): boolean =>
  (role.serverPermissions as Record<string, boolean>).server_administrator === true;

export const tagsQuery = (communityId: string) =>
  queryOptions({
    queryKey: ["tags", communityId],
    queryFn: async ({ signal }) =>
      (await api.get("/v1/communities/{communityId}/tags", { path: { communityId }, signal })).data,
  });
