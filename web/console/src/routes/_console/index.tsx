import { Card, Group, SimpleGrid, Text } from "@mantine/core";
import { createFileRoute, Link, redirect } from "@tanstack/react-router";
import { Building2, ChevronRight } from "lucide-react";
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
  },
  component: Start,
});

function Start() {
  const own = useMe().communities.filter(runs);
  return (
    <Page title={texts.title} lead={own.length > 0 ? texts.lead : undefined}>
      {own.length === 0 ? (
        <EmptyView icon={Building2} title={texts.none}>
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
