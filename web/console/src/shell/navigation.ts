// The pages of a community, as the sidebar, the command palette and the shortcuts show them. A page that is added gets a line here.
import {
  Building2,
  Coins,
  FileClock,
  FileStack,
  KeyRound,
  LayoutDashboard,
  ListChecks,
  LogIn,
  type LucideIcon,
  MonitorSmartphone,
  ScrollText,
  ShieldCheck,
  ShieldHalf,
  Tag,
  UserCog,
  UserRound,
  UsersRound,
} from "lucide-react";
import { texts as overview } from "~/routes/_console/c/$communityId/-overview.texts";
import { titles as pages } from "~/routes/_console/c/$communityId/-titles.texts";
import { titles } from "~/routes/_console/c/$communityId/settings/-titles.texts";
import { titles as own } from "~/routes/_console/me/-titles.texts";
import { texts as shell } from "./shell.texts";

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
      { path: "members", label: pages.members, icon: UsersRound, key: "m", keywords: ["users", "people", "segments"] },
      { path: "bulk", label: pages.bulk, icon: FileStack, key: "b", keywords: ["csv", "import", "upload", "file"] },
      { path: "api-log", label: pages.apiLog, icon: ScrollText, key: "l", keywords: ["requests", "errors", "history"] },
    ],
  },
  {
    label: shell.settings,
    items: [
      {
        path: "settings/community",
        label: titles.community,
        icon: Building2,
        key: "c",
        keywords: ["settings", "time zone", "language", "retention"],
      },
      {
        path: "settings/fields",
        label: titles.fields,
        icon: ListChecks,
        key: "f",
        keywords: ["settings", "user fields", "identifier"],
      },
      {
        path: "settings/currencies",
        label: titles.currencies,
        icon: Coins,
        key: "y",
        keywords: ["settings", "XP", "coins", "points"],
      },
      {
        path: "settings/roles",
        label: titles.roles,
        icon: ShieldHalf,
        key: "r",
        keywords: ["settings", "permissions"],
      },
      { path: "settings/tags", label: titles.tags, icon: Tag, key: "t", keywords: ["settings"] },
      {
        path: "settings/administrators",
        label: titles.administrators,
        icon: UserCog,
        key: "a",
        keywords: ["settings", "invite", "team"],
        ownerOnly: true,
      },
      {
        path: "settings/api-keys",
        label: titles.apiKeys,
        icon: KeyRound,
        key: "k",
        keywords: ["settings", "integration"],
      },
      {
        path: "settings/login",
        label: titles.login,
        icon: LogIn,
        key: "i",
        keywords: ["settings", "system key", "secureAuth", "access levels", "registration", "second factor"],
      },
      {
        path: "settings/audit-log",
        label: titles.auditLog,
        icon: FileClock,
        key: "u",
        keywords: ["settings", "history", "who changed"],
      },
    ],
  },
];

/** One's own pages; they belong to no community. */
export const ownNavigation: { to: string; label: string; icon: LucideIcon }[] = [
  { to: "/me", label: own.profile, icon: UserRound },
  { to: "/me/security", label: own.security, icon: ShieldCheck },
  { to: "/me/sessions", label: own.sessions, icon: MonitorSmartphone },
  { to: "/me/api-keys", label: own.keys, icon: KeyRound },
];

export const pathIn = (communityId: string, path: string) => `/c/${communityId}${path === "" ? "" : `/${path}`}`;
