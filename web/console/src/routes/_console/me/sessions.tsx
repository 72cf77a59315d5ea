import { Badge, Button, Group, Paper, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Monitor, Smartphone } from "lucide-react";
import { useState } from "react";
import { type AnswerOf, api } from "~/api/client";
import { Confirm } from "~/components/confirm";
import { type Column, DataTable, listed } from "~/components/data-table";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { toast } from "~/components/toast";
import { forgetEverything, useMe } from "~/session/session";
import { deviceName } from "./-device";
import { texts } from "./-me.texts";
import { ScopedNotice, useIsScoped } from "./-scoped";

export const Route = createFileRoute("/_console/me/sessions")({ component: Sessions });

type Session = AnswerOf<"get", "/auth/sessions">["body"][number];

function Sessions() {
  const me = useMe();
  const scoped = useIsScoped();
  const queries = useQueryClient();
  const [asking, setAsking] = useState<"others" | "all" | null>(null);
  const list = useQuery({
    queryKey: ["sessions"],
    queryFn: ({ signal }) => api.get("/auth/sessions", { signal }),
    select: (answer) => answer.body,
    enabled: !scoped,
  });
  const again = () => queries.invalidateQueries({ queryKey: ["sessions"] });
  const end = useMutation({
    mutationFn: (id: string) => api.delete("/auth/sessions/{id}", { path: { id } }),
    onSuccess: () => toast.done(texts.ended),
    onError: (error) => toast.failed(error),
    onSettled: again,
  });
  const endOthers = useMutation({
    mutationFn: async () => {
      for (const session of list.data ?? [])
        if (!session.current) await api.delete("/auth/sessions/{id}", { path: { id: session._id } });
    },
    onSuccess: () => {
      setAsking(null);
      toast.done(texts.endedOthers);
    },
    onSettled: again,
  });
  const endAll = useMutation({
    mutationFn: () => api.post("/auth/logout", { body: { all: true } }),
    onSuccess: () => {
      forgetEverything(queries);
      window.location.assign("/sign-in");
    },
  });
  const { mutate: endOne, isPending, variables } = end;
  const columns: Column<Session>[] = [
    {
      id: "device",
      header: texts.device,
      cell: (row) => {
        const Icon = /Mobile|Android|iPhone/.test(row.device) ? Smartphone : Monitor;
        return (
          <Group gap="sm" wrap="nowrap" title={row.device}>
            <Icon size={17} aria-hidden style={{ flexShrink: 0 }} />
            <Text span fw={500} truncate>
              {deviceName(row.device)}
            </Text>
          </Group>
        );
      },
    },
    {
      id: "communityId",
      header: texts.scope,
      from: "lg",
      cell: (row) =>
        me.communities.find((one) => one._id === row.communityId)?.title ?? row.communityId ?? texts.wholeAccount,
    },
    { id: "address", header: texts.address, from: "md", cell: (row) => row.address },
    {
      id: "createdAt",
      header: texts.signedIn,
      from: "lg",
      cell: (row) => <Moment time={row.createdAt} as="dateTime" />,
    },
    { id: "lastUsedAt", header: texts.lastUsed, cell: (row) => <Moment time={row.lastUsedAt} /> },
    {
      id: "end",
      header: texts.end,
      hidden: true,
      width: 90,
      cell: (row) =>
        row.current ? (
          <Badge color="teal">{texts.current}</Badge>
        ) : (
          <Button
            variant="default"
            size="xs"
            loading={isPending && variables === row._id}
            onClick={() => endOne(row._id)}
            aria-label={texts.endLabel(deviceName(row.device))}
          >
            {texts.end}
          </Button>
        ),
    },
  ];
  const others = (list.data ?? []).filter((one) => !one.current).length;
  return (
    <Page
      title={texts.sessions}
      lead={texts.sessionsLead}
      actions={
        !scoped && (
          <>
            <Button variant="default" onClick={() => setAsking("others")} disabled={others === 0}>
              {texts.endOthers}
            </Button>
            <Button variant="default" onClick={() => setAsking("all")}>
              {texts.endAll}
            </Button>
          </>
        )
      }
    >
      {scoped ? (
        <ScopedNotice />
      ) : (
        <Paper>
          <DataTable
            label={texts.sessions}
            columns={columns}
            {...listed(list, list.data)}
            rowId={(row) => row._id}
            empty={null}
            skeletonRows={3}
          />
        </Paper>
      )}
      <Confirm
        opened={asking === "others"}
        onClose={() => setAsking(null)}
        title={texts.endOthersTitle}
        action={texts.endOthers}
        onConfirm={() => endOthers.mutate()}
        pending={endOthers.isPending}
        error={endOthers.error}
      >
        <Text size="sm">{texts.endOthersText}</Text>
      </Confirm>
      <Confirm
        opened={asking === "all"}
        onClose={() => setAsking(null)}
        title={texts.endAllTitle}
        action={texts.endAll}
        onConfirm={() => endAll.mutate()}
        pending={endAll.isPending}
        error={endAll.error}
      >
        <Text size="sm">{texts.endAllText}</Text>
      </Confirm>
    </Page>
  );
}
