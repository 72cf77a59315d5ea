import { Avatar, Group, Menu, Text, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Check, ChevronsUpDown } from "lucide-react";
import { type Community, runs, useMe } from "~/session/session";
import { pathIn } from "./navigation";
import classes from "./shell.module.css";
import { texts } from "./shell.texts";

function Face({ community, size }: { community: Community; size: number }) {
  return (
    <Avatar size={size} radius="md" color="fealty" variant="filled" aria-hidden>
      {[...community.title.trim()][0]?.toUpperCase()}
    </Avatar>
  );
}

function Names({ community }: { community: Community }) {
  return (
    <span className={classes.names}>
      <Text span size="sm" fw={600} truncate display="block">
        {community.title}
      </Text>
      <Text span size="xs" c="dimmed" truncate display="block">
        {texts.roles[community.role ?? "APPLICATION_MEMBER"]}
      </Text>
    </span>
  );
}

export function CommunitySwitcher({ community }: { community: Community | null }) {
  const all = useMe().communities.filter(runs);
  if (!community) return null;
  if (all.length < 2)
    return (
      <Group gap="sm" wrap="nowrap" className={classes.switcher}>
        <Face community={community} size={32} />
        <Names community={community} />
      </Group>
    );
  return (
    <Menu width="target" position="bottom-start">
      <Menu.Target>
        <UnstyledButton className={classes.switcher}>
          <VisuallyHidden>{texts.switchCommunity}: </VisuallyHidden>
          <Face community={community} size={32} />
          <Names community={community} />
          <ChevronsUpDown size={15} className={classes.quiet} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown className={classes.communities}>
        <Menu.Label>{texts.communities}</Menu.Label>
        {all.map((one) => (
          <Menu.Item
            key={one._id}
            component={Link}
            to={pathIn(one._id, "")}
            leftSection={<Face community={one} size={22} />}
            rightSection={one._id === community._id ? <Check size={14} aria-hidden /> : null}
          >
            {one.title}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
