import { Badge, Button, Group, Paper, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { createColumnHelper } from "@tanstack/react-table";
import { Monitor, Smartphone } from "lucide-react";
import { useMemo, useState } from "react";
import { api } from "~/api/client";
import { columnsOf } from "~/components/columns";
import { Confirm } from "~/components/confirm";
import { DataTable } from "~/components/data-table";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { toast } from "~/components/toast";
import { forgetEverything, useMe } from "~/session/session";
import { deviceName } from "./-device";
import { texts } from "./-me.texts";
import { ScopedNotice, useIsScoped } from "./-scoped";

export const Route = createFileRoute("/_console/me/sessions")({ component: Sessions });

type Session = {
  _id: string;
  device: string;
  address: string;
  communityId?: string | null;
  createdAt: string;
  lastUsedAt: string;
  current: boolean;
};

function Sessions() {
  const me = useMe();
  const scoped = useIsScoped();
  const queries = useQueryClient();
  const [asking, setAsking] = useState<"others" | "all" | null>(null);
  const list = useQuery({
    queryKey: ["sessions"],
    queryFn: ({ signal }) => api.get("/auth/sessions", { signal }),
    // The document says one; it is a list.
    select: (answer) => answer.body as unknown as Session[],
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
  const columns = useMemo(() => {
    const column = createColumnHelper<Session>();
    return columnsOf<Session>([
      column.accessor("device", {
        header: texts.device,
        cell: ({ getValue, row }) => {
          const Icon = /Mobile|Android|iPhone/.test(getValue()) ? Smartphone : Monitor;
          return (
            <Group gap="sm" wrap="nowrap" title={getValue()}>
              <Icon size={17} aria-hidden />
              <Text span fw={500} truncate>
                {deviceName(getValue())}
              </Text>
              {row.original.current && <Badge color="teal">{texts.current}</Badge>}
            </Group>
          );
        },
      }),
      column.accessor("communityId", {
        header: texts.scope,
        cell: ({ getValue }) =>
          me.communities.find((one) => one._id === getValue())?.title ?? getValue() ?? texts.wholeAccount,
        meta: { from: "lg" },
      }),
      column.accessor("address", { header: texts.address, meta: { from: "md" } }),
      column.accessor("createdAt", {
        header: texts.signedIn,
        cell: ({ getValue }) => <Moment time={getValue()} as="dateTime" />,
        meta: { from: "lg" },
      }),
      column.accessor("lastUsedAt", { header: texts.lastUsed, cell: ({ getValue }) => <Moment time={getValue()} /> }),
      column.display({
        id: "end",
        meta: { name: texts.end, width: 90 },
        cell: ({ row: { original } }) =>
          !original.current && (
            <Button
              variant="default"
              size="xs"
              loading={isPending && variables === original._id}
              onClick={() => endOne(original._id)}
              aria-label={texts.endLabel(deviceName(original.device))}
            >
              {texts.end}
            </Button>
          ),
      }),
    ]);
  }, [me, endOne, isPending, variables]);
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
            rows={list.data}
            rowId={(row) => row._id}
            loading={list.isPending}
            error={list.error}
            retry={() => void list.refetch()}
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
