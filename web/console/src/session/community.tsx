import { createContext, type ReactNode, useContext } from "react";
import type { Community } from "./session";

const Context = createContext<Community | null>(null);

export function CommunityProvider({ community, children }: { community: Community; children: ReactNode }) {
  return <Context value={community}>{children}</Context>;
}

/** The community whose page this is. */
export function useCommunity(): Community {
  const community = useContext(Context);
  if (!community) throw new Error("This page belongs to no community.");
  return community;
}

export const useCommunityOrNone = (): Community | null => useContext(Context);
