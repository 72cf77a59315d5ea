import {
  Avatar,
  Group,
  Menu,
  SegmentedControl,
  Text,
  UnstyledButton,
  useMantineColorScheme,
  VisuallyHidden,
} from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { BookOpen, Ellipsis, Keyboard, LogOut, Monitor, Moon, Sun, UserRound } from "lucide-react";
import { toast } from "~/components/toast";
import { useMe, useSignOut } from "~/session/session";
import { type Density, useDensity } from "~/theme/density";
import classes from "./shell.module.css";
import { texts } from "./shell.texts";

const schemes = [
  { value: "light", label: texts.light, icon: Sun },
  { value: "dark", label: texts.dark, icon: Moon },
  { value: "auto", label: texts.system, icon: Monitor },
] as const;

export function PersonMenu({ showShortcuts }: { showShortcuts: () => void }) {
  const me = useMe();
  const signOut = useSignOut();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [density, setDensity] = useDensity();
  return (
    <Menu position="top-start" width={248}>
      <Menu.Target>
        <UnstyledButton className={classes.switcher}>
          <VisuallyHidden>{texts.account}: </VisuallyHidden>
          <Avatar size={28} radius="xl" name={me.username} color="initials" aria-hidden />
          <span className={classes.names}>
            <Text span size="sm" fw={500} truncate display="block">
              {me.username}
            </Text>
            <Text span size="xs" c="dimmed" truncate display="block">
              {me.email}
            </Text>
          </span>
          <Ellipsis size={15} className={classes.quiet} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{texts.appearance}</Menu.Label>
        <SegmentedControl
          fullWidth
          size="xs"
          mx={8}
          mb={6}
          aria-label={texts.appearance}
          value={colorScheme}
          onChange={(value) => setColorScheme(value as typeof colorScheme)}
          data={schemes.map(({ value, label, icon: Icon }) => ({
            value,
            label: (
              <Group gap={0} justify="center" title={label}>
                <Icon size={15} aria-label={label} role="img" />
              </Group>
            ),
          }))}
        />
        <Menu.Label>{texts.density}</Menu.Label>
        <SegmentedControl
          fullWidth
          size="xs"
          mx={8}
          mb={6}
          aria-label={texts.density}
          value={density}
          onChange={(value) => setDensity(value as Density)}
          data={[
            { value: "comfortable", label: texts.comfortable },
            { value: "compact", label: texts.compact },
          ]}
        />
        <Menu.Divider />
        <Menu.Item component={Link} to="/me" leftSection={<UserRound size={16} aria-hidden />}>
          {texts.account}
        </Menu.Item>
        <Menu.Item leftSection={<Keyboard size={16} aria-hidden />} onClick={showShortcuts}>
          {texts.shortcuts}
        </Menu.Item>
        <Menu.Item component="a" href="/docs" target="_blank" leftSection={<BookOpen size={16} aria-hidden />}>
          {texts.apiReference}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<LogOut size={16} aria-hidden />} onClick={() => void signOut().catch(toast.failed)}>
          {texts.signOut}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
