import { Button, Center, Stack, Text, Title } from "@mantine/core";
import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, Link, Outlet } from "@tanstack/react-router";
import { common } from "~/texts/common.texts";

export const Route = createRootRouteWithContext<{ queries: QueryClient }>()({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: Crashed,
});

function NotFound() {
  return (
    <Center mih="70vh" p="lg">
      <Stack align="center" gap="xs" ta="center">
        <Title order={1}>{common.notFound}</Title>
        <Text c="dimmed">{common.notFoundText}</Text>
        <Button component={Link} to="/" variant="default" mt="sm">
          {common.toStart}
        </Button>
      </Stack>
    </Center>
  );
}

function Crashed() {
  return (
    <Center mih="70vh" p="lg" role="alert">
      <Stack align="center" gap="xs" ta="center">
        <Title order={1}>{common.crashed}</Title>
        <Text c="dimmed">{common.crashedText}</Text>
        <Button variant="default" mt="sm" onClick={() => window.location.reload()}>
          {common.reload}
        </Button>
      </Stack>
    </Center>
  );
}
