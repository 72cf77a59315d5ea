// Whether the installation waits for its first account.
import { queryOptions } from "@tanstack/react-query";
import { api } from "~/api/client";
import { ApiError } from "~/api/errors";

export type SetupState = { needed: boolean; codeRequired: boolean };

export const setupQuery = queryOptions({
  queryKey: ["setup"],
  queryFn: async ({ signal }): Promise<SetupState> => {
    try {
      const { data } = await api.get("/v1/setup", { signal });
      return data;
    } catch (error) {
      // A server of an older version during an upgrade: it has accounts.
      if (error instanceof ApiError && error.status === 404) return { needed: false, codeRequired: false };
      throw error;
    }
  },
  staleTime: Number.POSITIVE_INFINITY,
});
