// What stands around the pages: sidebar, community, commands, the person. On narrow screens the sidebar opens over the page.
import { AppShell, Burger, Group, Kbd, NavLink, ScrollArea, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import { spotlight } from "@mantine/spotlight";
import { Link, useLocation, useNavigate } from "@tanstack/react-router";
import { Building2, type LucideIcon, Search } from "lucide-react";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { type Community, runs, useMe } from "~/session/session";
import { common } from "~/texts/common.texts";
import { CommunitySwitcher } from "./community-switcher";
import { commandKey } from "./key-names";
import { useGoKeys } from "./key-sequence";
import mark from "./mark.svg";
import { navigation, ownNavigation, pathIn } from "./navigation";
import { PersonMenu } from "./person-menu";
import classes from "./shell.module.css";
import { texts } from "./shell.texts";

function Navigation({ community }: { community: Community }) {
  const here = useLocation({ select: (location) => location.pathname });
  const home = pathIn(community._id, "");
  return (
    <>
      {navigation.map((group) => {
        const items = group.items.filter((item) => !item.ownerOnly || community.role === "COMMUNITY_OWNER");
        if (items.length === 0) return null;
        return (
          <div key={group.label ?? ""} className={classes.group}>
            {group.label && (
              <Text size="xs" c="dimmed" fw={500} className={classes.groupLabel}>
                {group.label}
              </Text>
            )}
            {items.map((item) => {
              const to = pathIn(community._id, item.path);
              const active =
                to === home ? here === home || here === `${home}/` : here === to || here.startsWith(`${to}/`);
              return (
                <NavLink
                  key={item.path}
                  component={Link}
                  to={to}
                  // Every page's address begins with that of the overview.
                  activeOptions={{ exact: to === home }}
                  label={item.label}
                  active={active}
                  aria-current={active ? "page" : undefined}
                  leftSection={<item.icon size={17} aria-hidden />}
                  className={classes.link}
                />
              );
            })}
          </div>
        );
      })}
    </>
  );
}

/** Where no community is chosen: the way into one, and one's own pages. */
function OwnNavigation() {
  const here = useLocation({ select: (location) => location.pathname.replace(/(.)\/$/, "$1") });
  const communities = useMe().communities.filter(runs);
  const link = (to: string, label: string, Icon: LucideIcon) => (
    <NavLink
      key={to}
      component={Link}
      to={to}
      activeOptions={{ exact: true }}
      label={label}
      active={here === to}
      aria-current={here === to ? "page" : undefined}
      leftSection={<Icon size={17} aria-hidden />}
      className={classes.link}
    />
  );
  return (
    <>
      {communities.length > 0 && (
        <div className={classes.group}>
          <Text size="xs" c="dimmed" fw={500} className={classes.groupLabel}>
            {texts.communities}
          </Text>
          {communities.map((one) => link(pathIn(one._id, ""), one.title, Building2))}
        </div>
      )}
      <div className={classes.group}>
        <Text size="xs" c="dimmed" fw={500} className={classes.groupLabel}>
          {texts.account}
        </Text>
        {ownNavigation.map((item) => link(item.to, item.label, item.icon))}
      </div>
    </>
  );
}

// Loaded when they are asked for first: the first visit is quicker without them.
const Palette = lazy(async () => ({ default: (await import("./palette")).Palette }));
const ShortcutsHelp = lazy(async () => ({ default: (await import("./shortcuts")).ShortcutsHelp }));

export function Shell({ community, children }: { community: Community | null; children: ReactNode }) {
  const [opened, drawer] = useDisclosure(false);
  const [helpOpened, help] = useDisclosure(false);
  const [helpWanted, setHelpWanted] = useState(false);
  const [paletteWanted, setPaletteWanted] = useState(false);
  const openPalette = () => {
    setPaletteWanted(true);
    spotlight.open();
  };
  const openHelp = () => {
    setHelpWanted(true);
    help.open();
  };
  const navigate = useNavigate();
  const here = useLocation({ select: (location) => location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: who goes somewhere has chosen
  useEffect(() => drawer.close(), [here]);

  useHotkeys([["shift+?", openHelp]], undefined, true);
  useHotkeys([["mod+K", openPalette]]);
  useGoKeys(
    Object.fromEntries(
      navigation.flatMap((group) =>
        community
          ? group.items.map((item) => [item.key, () => void navigate({ to: pathIn(community._id, item.path) })])
          : [],
      ),
    ),
  );

  return (
    <AppShell
      navbar={{ width: 248, breakpoint: "sm", collapsed: { mobile: !opened } }}
      header={{ height: { base: 52, sm: 0 } }}
      transitionDuration={150}
      padding={0}
    >
      <a href="#content" className="skip-link">
        {texts.skip}
      </a>
      <AppShell.Header hiddenFrom="sm" className={classes.header}>
        <Burger
          opened={opened}
          onClick={drawer.toggle}
          size="sm"
          aria-label={texts.openNavigation}
          aria-expanded={opened}
        />
        <Text fw={600} truncate flex={1}>
          {community?.title ?? common.product}
        </Text>
        <UnstyledButton onClick={openPalette} aria-label={texts.openPalette} className={classes.iconButton}>
          <Search size={18} aria-hidden />
        </UnstyledButton>
      </AppShell.Header>

      <AppShell.Navbar className={classes.navbar}>
        <AppShell.Section className={classes.top}>
          {community ? (
            <CommunitySwitcher community={community} />
          ) : (
            <Group gap="sm" className={classes.switcher}>
              <img src={mark} alt="" width={28} height={28} />
              <Text fw={600}>{common.product}</Text>
            </Group>
          )}
          <UnstyledButton className={classes.search} onClick={openPalette}>
            <Search size={15} aria-hidden />
            <Text span size="sm" flex={1}>
              {texts.search}
            </Text>
            <Kbd size="xs">{commandKey} K</Kbd>
          </UnstyledButton>
        </AppShell.Section>
        <AppShell.Section grow component={ScrollArea} type="scroll">
          <nav aria-label={texts.navigation}>
            {community ? <Navigation community={community} /> : <OwnNavigation />}
          </nav>
        </AppShell.Section>
        <AppShell.Section className={classes.bottom}>
          <PersonMenu showShortcuts={openHelp} />
        </AppShell.Section>
      </AppShell.Navbar>

      <AppShell.Main id="content" tabIndex={-1} className={classes.main}>
        {children}
      </AppShell.Main>
      <Suspense>
        {paletteWanted && <Palette community={community} showShortcuts={openHelp} />}
        {helpWanted && <ShortcutsHelp opened={helpOpened} onClose={help.close} />}
      </Suspense>
    </AppShell>
  );
}
