import { useMantineColorScheme } from "@mantine/core";
import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from "@mantine/spotlight";
import { useNavigate } from "@tanstack/react-router";
import { BookOpen, Building2, Keyboard, LogOut, Monitor, Moon, Rows3, Rows4, Search, Sun } from "lucide-react";
import { toast } from "~/components/toast";
import { type Community, runs, useMe, useSignOut } from "~/session/session";
import { useDensity } from "~/theme/density";
import { navigation, ownNavigation, pathIn } from "./navigation";
import { texts } from "./shell.texts";

/** Ctrl+K: every page, every community and what can be done from everywhere. */
export function Palette({ community, showShortcuts }: { community: Community | null; showShortcuts: () => void }) {
  const me = useMe();
  const navigate = useNavigate();
  const signOut = useSignOut();
  const { setColorScheme } = useMantineColorScheme();
  const [, setDensity] = useDensity();
  const go = (to: string) => void navigate({ to });
  const icon = { size: 18, "aria-hidden": true } as const;

  const pages: SpotlightActionData[] = community
    ? navigation.flatMap((group) =>
        group.items
          .filter((item) => !item.ownerOnly || community.role === "COMMUNITY_OWNER")
          .map((item) => ({
            id: `page ${item.path}`,
            label: item.label,
            keywords: item.keywords,
            leftSection: <item.icon {...icon} />,
            onClick: () => go(pathIn(community._id, item.path)),
          })),
      )
    : [];
  const communities: SpotlightActionData[] = me.communities
    .filter((one) => runs(one) && one._id !== community?._id)
    .map((one) => ({
      id: `community ${one._id}`,
      label: one.title,
      keywords: [texts.switchCommunity],
      leftSection: <Building2 {...icon} />,
      onClick: () => go(pathIn(one._id, "")),
    }));
  const action = (id: string, label: string, Icon: typeof Sun, onClick: () => void, keywords?: string[]) => ({
    id,
    label,
    keywords,
    leftSection: <Icon {...icon} />,
    onClick,
  });
  const actions: SpotlightActionData[] = [
    action("light", `${texts.appearance}: ${texts.light}`, Sun, () => setColorScheme("light"), ["theme"]),
    action("dark", `${texts.appearance}: ${texts.dark}`, Moon, () => setColorScheme("dark"), ["theme"]),
    action("auto", `${texts.appearance}: ${texts.system}`, Monitor, () => setColorScheme("auto"), ["theme"]),
    action("comfortable", `${texts.density}: ${texts.comfortable}`, Rows3, () => setDensity("comfortable"), [
      "density",
    ]),
    action("compact", `${texts.density}: ${texts.compact}`, Rows4, () => setDensity("compact"), ["density"]),
    action("shortcuts", texts.shortcuts, Keyboard, showShortcuts),
    action("reference", texts.apiReference, BookOpen, () => window.open("/docs", "_blank", "noopener")),
    action("sign-out", texts.signOut, LogOut, () => void signOut().catch(toast.failed), ["log out", "logout"]),
  ];
  const own: SpotlightActionData[] = ownNavigation.map((item) => ({
    id: `own ${item.to}`,
    label: item.label,
    leftSection: <item.icon {...icon} />,
    onClick: () => go(item.to),
  }));
  const groups: SpotlightActionGroupData[] = [
    { group: texts.goTo, actions: pages },
    { group: texts.communities, actions: communities },
    { group: texts.account, actions: own },
    { group: texts.actions, actions },
  ].filter((group) => group.actions.length > 0);

  return (
    <Spotlight
      actions={groups}
      shortcut={["mod + K"]}
      nothingFound={texts.nothingFound}
      highlightQuery
      overlayProps={{ blur: 0, backgroundOpacity: 0.35 }}
      scrollable
      maxHeight={480}
      searchProps={{
        leftSection: <Search size={18} aria-hidden />,
        placeholder: texts.search,
        "aria-label": texts.search,
      }}
    />
  );
}
