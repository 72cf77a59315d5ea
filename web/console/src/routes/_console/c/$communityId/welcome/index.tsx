import { Anchor, Badge, Button, Group, List, Paper, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Link } from "@tanstack/react-router";
import { Check, KeyRound, ListChecks, type LucideIcon, Users } from "lucide-react";
import { api } from "~/api/client";
import { Page } from "~/components/page";
import { useCommunity } from "~/session/community";
import { useMe } from "~/session/session";
import { navigation, pathIn } from "~/shell/navigation";
import { texts } from "./-welcome.texts";

export const Route = createFileRoute("/_console/c/$communityId/welcome/")({ component: Welcome });

const places = new Set(navigation.flatMap((group) => group.items.map((item) => item.path)));

function Welcome() {
  const community = useCommunity();
  const communityId = community._id;
  const me = useMe();
  // The owner is a member, too.
  const members = useQuery({
    queryKey: ["members", communityId, "total"],
    queryFn: ({ signal }) =>
      api.get("/v1/communities/{communityId}/users", { path: { communityId }, query: { limit: 1, _id: true }, signal }),
    select: (answer) => (answer.meta.total ?? 0) > 1,
  });
  const fields = useQuery({
    queryKey: ["user-fields", communityId, "custom total"],
    queryFn: ({ signal }) =>
      api.get("/v1/communities/{communityId}/user-fields", {
        path: { communityId },
        query: { limit: 1, type: "custom" },
        signal,
      }),
    select: (answer) => (answer.meta.total ?? 0) > 0,
  });
  const keys = useQuery({
    queryKey: ["api-keys", communityId, "total"],
    queryFn: ({ signal }) =>
      api.get("/v1/communities/{communityId}/api-keys", { path: { communityId }, query: { limit: 1 }, signal }),
    select: (answer) => (answer.meta.total ?? 0) > 0,
  });
  const to = (path: string) => pathIn(communityId, path);
  return (
    <Page title={texts.title} lead={texts.lead(community.title)} width="form">
      <Stack component="ol" gap="md" style={{ listStyle: "none", padding: 0, margin: 0 }}>
        <Step icon={ListChecks} words={texts.steps.fields} to={to("settings/fields")} done={fields.data} />
        {places.has("bulk") && <Step icon={Users} words={texts.steps.members} to={to("bulk")} done={members.data} />}
        <Step icon={KeyRound} words={texts.steps.keys} to={to("settings/api-keys")} done={keys.data} />
      </Stack>
      <Title order={2} mt="xl" mb="xs">
        {texts.alsoTitle}
      </Title>
      <List size="sm" spacing={6}>
        {!me.secondFactor && (
          <List.Item>
            <Anchor component={Link} to="/me/security" size="sm">
              {texts.protect}
            </Anchor>
          </List.Item>
        )}
        {places.has("settings/administrators") && (
          <List.Item>
            <Anchor component={Link} to={to("settings/administrators")} size="sm">
              {texts.invite}
            </Anchor>
          </List.Item>
        )}
        <List.Item>
          <Anchor href="/docs" target="_blank" size="sm">
            {texts.reference}
          </Anchor>
        </List.Item>
        <List.Item>
          <Anchor component={Link} to={to("")} size="sm">
            {texts.toOverview}
          </Anchor>
        </List.Item>
      </List>
    </Page>
  );
}

function Step({
  icon: Icon,
  words,
  to,
  done,
}: {
  icon: LucideIcon;
  words: { title: string; text: string; action: string };
  to: string;
  done: boolean | undefined;
}) {
  return (
    <Paper component="li" p="md">
      <Group wrap="nowrap" align="flex-start" gap="md">
        <ThemeIcon variant="light" size={40} radius="md" color={done ? "teal" : undefined}>
          {done ? <Check size={20} aria-hidden /> : <Icon size={20} aria-hidden />}
        </ThemeIcon>
        <Stack gap={4} flex={1}>
          <Group gap="xs">
            <Title order={2}>{words.title}</Title>
            {done && <Badge color="teal">{texts.done}</Badge>}
          </Group>
          <Text size="sm" c="dimmed">
            {words.text}
          </Text>
          <Group mt={6}>
            <Button component={Link} to={to} variant={done ? "default" : "filled"}>
              {words.action}
            </Button>
          </Group>
        </Stack>
      </Group>
    </Paper>
  );
}
