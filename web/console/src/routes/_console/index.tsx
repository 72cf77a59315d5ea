import { Button, Card, Group, SimpleGrid, Text } from "@mantine/core";
import { createFileRoute, Link, redirect } from "@tanstack/react-router";
import { Building2, ChevronRight, Plus } from "lucide-react";
import { EmptyView } from "~/components/error-view";
import { Page } from "~/components/page";
import { runs, useMe } from "~/session/session";
import { pathIn } from "~/shell/navigation";
import { texts as shell } from "~/shell/shell.texts";
import { texts } from "./-start.texts";

export const Route = createFileRoute("/_console/")({
  beforeLoad: ({ context }) => {
    const own = context.me.communities.filter(runs);
    if (own.length === 1) throw redirect({ to: pathIn(own[0]!._id, ""), replace: true });
    // Ordinary members have a profile and no community to run.
    if (own.length === 0 && !context.me.mayCreateCommunities) throw redirect({ to: "/me", replace: true });
  },
  component: Start,
});

function Start() {
  const me = useMe();
  const own = me.communities.filter(runs);
  const create = me.mayCreateCommunities && (
    <Button component={Link} to="/me/new-community" leftSection={<Plus size={16} aria-hidden />}>
      {texts.create}
    </Button>
  );
  return (
    <Page title={texts.title} lead={own.length > 0 ? texts.lead : undefined} actions={own.length > 0 && create}>
      {own.length === 0 ? (
        <EmptyView icon={Building2} title={texts.none} action={create}>
          {texts.noneText}
        </EmptyView>
      ) : (
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
          {own.map((community) => (
            <Card key={community._id} component={Link} to={pathIn(community._id, "")} withBorder radius="lg">
              <Group justify="space-between" wrap="nowrap">
                <div>
                  <Text fw={600}>{community.title}</Text>
                  <Text size="sm" c="dimmed">
                    {shell.roles[community.role ?? "APPLICATION_MEMBER"]}
                  </Text>
                </div>
                <ChevronRight size={18} aria-hidden />
              </Group>
            </Card>
          ))}
        </SimpleGrid>
      )}
    </Page>
  );
}
