// The pages of a community, as the sidebar, the command palette and the shortcuts show them. A page that is added gets a line here.
import {
  Building2,
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
  UserRound,
  UsersRound,
} from "lucide-react";
import { texts as overview } from "~/routes/_console/c/$communityId/-overview.texts";
import { texts as apiLog } from "~/routes/_console/c/$communityId/api-log/-api-log.texts";
import { texts as bulk } from "~/routes/_console/c/$communityId/bulk/-bulk.texts";
import { texts as members } from "~/routes/_console/c/$communityId/members/-members.texts";
import { texts as keys } from "~/routes/_console/c/$communityId/settings/api-keys/-api-keys.texts";
import { texts as community } from "~/routes/_console/c/$communityId/settings/community/-community.texts";
import { texts as fields } from "~/routes/_console/c/$communityId/settings/fields/-fields.texts";
import { texts as login } from "~/routes/_console/c/$communityId/settings/login/-login.texts";
import { texts as roles } from "~/routes/_console/c/$communityId/settings/roles/-roles.texts";
import { texts as tags } from "~/routes/_console/c/$communityId/settings/tags/-tags.texts";
import { texts as own } from "~/routes/_console/me/-me.texts";
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
      { path: "members", label: members.title, icon: UsersRound, key: "m", keywords: ["users", "people", "segments"] },
      { path: "bulk", label: bulk.title, icon: FileStack, key: "b", keywords: ["csv", "import", "upload", "file"] },
      { path: "api-log", label: apiLog.title, icon: ScrollText, key: "l", keywords: ["requests", "errors", "history"] },
    ],
  },
  {
    label: shell.settings,
    items: [
      {
        path: "settings/community",
        label: community.title,
        icon: Building2,
        key: "c",
        keywords: ["settings", "time zone", "language", "retention"],
      },
      {
        path: "settings/fields",
        label: fields.title,
        icon: ListChecks,
        key: "f",
        keywords: ["settings", "user fields", "identifier"],
      },
      { path: "settings/roles", label: roles.title, icon: ShieldHalf, key: "r", keywords: ["settings", "permissions"] },
      { path: "settings/tags", label: tags.title, icon: Tag, key: "t", keywords: ["settings"] },
      { path: "settings/api-keys", label: keys.title, icon: KeyRound, key: "k", keywords: ["settings", "integration"] },
      {
        path: "settings/login",
        label: login.title,
        icon: LogIn,
        key: "i",
        keywords: ["settings", "system key", "secureAuth", "access levels", "registration", "second factor"],
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
