import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./errors";

/** Two more tries of what reading could not get, and only where trying again can help; writes are never repeated by themselves. */
const readTriesMax = 2;

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // Going back and forth between pages shows what was there at once, and looks again after this time.
        staleTime: 15_000,
        retry: (failures, error) => failures < readTriesMax && error instanceof ApiError && error.isTemporary,
      },
    },
  });
}
