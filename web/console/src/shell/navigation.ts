// The pages of a community, as the sidebar, the command palette and the shortcuts show them. A page that is added gets a line here.
import { LayoutDashboard, type LucideIcon, UsersRound } from "lucide-react";
import { texts as overview } from "~/routes/_console/c/$communityId/-overview.texts";
import { texts as members } from "~/routes/_console/c/$communityId/members/-members.texts";

export type NavigationItem = {
  /** Behind /c/{community}; "" is the overview. */
  path: string;
  label: string;
  icon: LucideIcon;
  /** Pressed after "g". */
  key: string;
  /** Further words that the palette finds it by. */
  keywords?: string[];
  /** Owners alone may see it. */
  ownerOnly?: boolean;
};
export type NavigationGroup = { label: string | null; items: NavigationItem[] };

export const navigation: NavigationGroup[] = [
  {
    label: null,
    items: [
      { path: "", label: overview.title, icon: LayoutDashboard, key: "o" },
      { path: "members", label: members.title, icon: UsersRound, key: "m", keywords: ["users", "people", "segments"] },
    ],
  },
];

export const pathIn = (communityId: string, path: string) => `/c/${communityId}${path === "" ? "" : `/${path}`}`;
