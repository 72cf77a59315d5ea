import { ActionIcon, Badge, Button, Code, Group, Menu, Paper, Text, Tooltip } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { createColumnHelper } from "@tanstack/react-table";
import { Ban, Ellipsis, KeyRound, Pencil, Plus, Power, RefreshCw } from "lucide-react";
import { useMemo, useState } from "react";
import { api } from "~/api/client";
import { columnsOf } from "~/components/columns";
import { Confirm } from "~/components/confirm";
import { DataTable, PageBar, type Sort, sortText } from "~/components/data-table";
import { EmptyView } from "~/components/error-view";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { ShownOnce } from "~/components/shown-once";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { texts } from "./-api-keys.texts";
import { type ApiKey, KeyForm } from "./-key-form";
import { Rotate } from "./-rotate";

const limit = 50;
const sortKeys = ["createdAt", "lastUsedAt", "name"];

export const Route = createFileRoute("/_console/c/$communityId/settings/api-keys/")({
  validateSearch: (search): { page?: number; sort?: string } => ({
    page: Number.isInteger(search.page) && Number(search.page) > 1 ? Number(search.page) : undefined,
    sort: typeof search.sort === "string" && sortKeys.includes(search.sort.split(":")[0]!) ? search.sort : undefined,
  }),
  component: ApiKeys,
});

const soonMs = 14 * 86_400_000;
function stateOf(key: ApiKey): { label: string; color: string } {
  const end = key.expireDate ? Date.parse(key.expireDate) : Number.POSITIVE_INFINITY;
  if (end <= Date.now()) return { label: texts.states.ended, color: "red" };
  if (!key.isActive) return { label: texts.states.off, color: "gray" };
  if (end - Date.now() < soonMs) return { label: texts.states.soon, color: "yellow" };
  return { label: texts.states.active, color: "teal" };
}

type Dialog = { kind: "create" } | { kind: "edit" | "rotate" | "revoke"; key: ApiKey };

function ApiKeys() {
  const { _id: communityId } = useCommunity();
  const format = useFormat();
  const queries = useQueryClient();
  const navigate = Route.useNavigate();
  const { page = 1, sort = "createdAt:desc" } = Route.useSearch();
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const [made, setMade] = useState<string | null>(null);
  const list = useQuery({
    queryKey: ["api-keys", communityId, { page, sort }],
    queryFn: ({ signal }) =>
      api.get("/v1/communities/{communityId}/api-keys", {
        path: { communityId },
        query: { page, limit, sort },
        signal,
      }),
    placeholderData: keepPreviousData,
  });
  const again = () => queries.invalidateQueries({ queryKey: ["api-keys", communityId] });
  const turn = useMutation({
    mutationFn: ({ key, on }: { key: ApiKey; on: boolean }) =>
      api.put("/v1/communities/{communityId}/api-keys/{apiKeyId}", {
        path: { communityId, apiKeyId: key._id },
        body: { isActive: on },
      }),
    onSuccess: (_, { on }) => toast.done(on ? texts.switchedOn : texts.switchedOff),
    onError: (error) => toast.failed(error),
    onSettled: again,
  });
  const revoke = useMutation({
    mutationFn: (key: ApiKey) =>
      api.delete("/v1/communities/{communityId}/api-keys/{apiKeyId}", { path: { communityId, apiKeyId: key._id } }),
    onSuccess: ({ data }) => {
      setDialog(null);
      const jobs = data.activeJobs?.length ?? 0;
      toast.done(jobs > 0 ? texts.jobsGoOn(format.integer(jobs)) : texts.revoked);
    },
    onSettled: again,
  });
  const close = () => {
    revoke.reset();
    setDialog(null);
  };
  const { mutate: turnKey } = turn;
  const columns = useMemo(() => {
    const column = createColumnHelper<ApiKey>();
    return columnsOf<ApiKey>([
      column.accessor("name", {
        header: texts.name,
        cell: ({ row: { original } }) => (
          <div>
            <Text fw={500} truncate>
              {original.name}
            </Text>
            <Code>{original.key}</Code>
          </div>
        ),
        meta: { sortKey: "name" },
      }),
      column.display({
        id: "state",
        header: texts.state,
        cell: ({ row: { original } }) => {
          const state = stateOf(original);
          return <Badge color={state.color}>{state.label}</Badge>;
        },
      }),
      column.accessor("permissions", {
        header: texts.permissionsCount,
        cell: ({ getValue }) => (
          <Tooltip
            multiline
            maw={320}
            label={getValue()
              .map((one: string) => texts.permission[one]?.[0] ?? one)
              .join(", ")}
          >
            <span>
              {getValue()
                .slice(0, 2)
                .map((one: string) => texts.permission[one]?.[0] ?? one)
                .join(", ")}
              {getValue().length > 2 && ` +${getValue().length - 2}`}
            </span>
          </Tooltip>
        ),
        meta: { from: "md" },
      }),
      column.accessor("allowedIps", {
        header: texts.addresses,
        cell: ({ getValue }) => (getValue().length === 0 ? texts.anywhere : getValue().join(", ")),
        meta: { from: "lg" },
      }),
      column.accessor("expireDate", {
        header: texts.ends,
        cell: ({ getValue }) => (getValue() ? <Moment time={getValue()} as="date" /> : texts.never),
        meta: { from: "md" },
      }),
      column.accessor("lastUsedAt", {
        header: texts.lastUsed,
        cell: ({ getValue }) => (getValue() ? <Moment time={getValue()} /> : texts.neverUsed),
        meta: { from: "sm", sortKey: "lastUsedAt" },
      }),
      column.accessor("createdAt", {
        header: texts.createdBy,
        cell: ({ getValue }) => <Moment time={getValue()} as="date" />,
        meta: { from: "lg", sortKey: "createdAt" },
      }),
      column.display({
        id: "actions",
        meta: { name: texts.edit, width: 56 },
        cell: ({ row: { original: key } }) => (
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" aria-label={texts.actions(key.name)}>
                <Ellipsis size={17} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item
                leftSection={<Pencil size={15} aria-hidden />}
                onClick={() => setDialog({ kind: "edit", key })}
              >
                {texts.edit}
              </Menu.Item>
              <Menu.Item
                leftSection={<RefreshCw size={15} aria-hidden />}
                onClick={() => setDialog({ kind: "rotate", key })}
              >
                {texts.rotate}
              </Menu.Item>
              <Menu.Item
                leftSection={<Power size={15} aria-hidden />}
                onClick={() => turnKey({ key, on: !key.isActive })}
              >
                {key.isActive ? texts.switchOff : texts.switchOn}
              </Menu.Item>
              <Menu.Divider />
              <Menu.Item
                color="red"
                leftSection={<Ban size={15} aria-hidden />}
                onClick={() => setDialog({ kind: "revoke", key })}
              >
                {texts.revoke}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        ),
      }),
    ]);
  }, [turnKey]);
  const [sortKey, direction] = sort.split(":");
  const order: Sort = { key: sortKey!, descending: direction === "desc" };
  const create = (
    <Button leftSection={<Plus size={16} aria-hidden />} onClick={() => setDialog({ kind: "create" })}>
      {texts.create}
    </Button>
  );
  const total = list.data?.meta.total ?? 0;
  return (
    <Page title={texts.title} lead={texts.lead} actions={create}>
      <Paper>
        <DataTable
          label={texts.title}
          columns={columns}
          rows={list.data?.data}
          rowId={(row) => row._id}
          loading={list.isFetching && (list.isPending || list.isPlaceholderData)}
          error={list.error}
          retry={() => void list.refetch()}
          sort={order}
          onSort={(next) => void navigate({ search: { sort: sortText(next) }, replace: true })}
          skeletonRows={4}
          empty={
            <EmptyView icon={KeyRound} title={texts.none} action={create}>
              {texts.noneText}
            </EmptyView>
          }
          footer={
            total > limit && (
              <PageBar
                page={page}
                limit={limit}
                total={total}
                onPage={(next) => void navigate({ search: (before) => ({ ...before, page: next }) })}
              />
            )
          }
        />
      </Paper>
      {dialog?.kind === "create" && (
        <KeyForm
          onClose={close}
          onMade={(key) => {
            close();
            setMade(key);
          }}
        />
      )}
      {dialog?.kind === "edit" && <KeyForm apiKey={dialog.key} onClose={close} />}
      {dialog?.kind === "rotate" && (
        <Rotate
          opened
          name={dialog.key.name}
          onClose={close}
          rotate={async (graceSeconds) => {
            const { data } = await api.post("/v1/communities/{communityId}/api-keys/{apiKeyId}/rotate", {
              path: { communityId, apiKeyId: dialog.key._id },
              body: { graceSeconds },
            });
            return data.key;
          }}
          onMade={(key) => {
            void again();
            close();
            setMade(key);
          }}
        />
      )}
      <Confirm
        opened={dialog?.kind === "revoke"}
        onClose={close}
        title={dialog?.kind === "revoke" ? texts.revokeTitle(dialog.key.name) : ""}
        action={texts.revoke}
        onConfirm={() => dialog?.kind === "revoke" && revoke.mutate(dialog.key)}
        pending={revoke.isPending}
        error={revoke.error}
      >
        {dialog?.kind === "revoke" && (
          <Text size="sm">
            {texts.revokeText}{" "}
            {dialog.key.lastUsedAt ? texts.revokeUsed(format.relative(dialog.key.lastUsedAt)) : texts.revokeUnused}{" "}
            {texts.revokeJobs}
          </Text>
        )}
      </Confirm>
      <ShownOnce secret={made} title={texts.made} label={texts.label} onDone={() => setMade(null)}>
        {texts.howToUse}
        <Group mt={4}>
          <Code>Authorization: Bearer {made?.slice(0, 12)}…</Code>
        </Group>
      </ShownOnce>
    </Page>
  );
}
