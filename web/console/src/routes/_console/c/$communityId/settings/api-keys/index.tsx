import { Badge, Button, Code, Group, Paper, Text, Tooltip } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Ban, KeyRound, Plus, Power, RefreshCw } from "lucide-react";
import { useState } from "react";
import { api } from "~/api/client";
import { Confirm, useConfirmed } from "~/components/confirm";
import { type Column, DataTable, listed, PageBar, type Sort, sortText } from "~/components/data-table";
import { EmptyView } from "~/components/error-view";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { RowMenu } from "~/components/row-actions";
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

type Dialog = { kind: "create" } | { kind: "edit" | "rotate"; key: ApiKey };

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
  const revocation = useConfirmed({
    act: (key: ApiKey) =>
      api.delete("/v1/communities/{communityId}/api-keys/{apiKeyId}", { path: { communityId, apiKeyId: key._id } }),
    onDone: ({ data }) => {
      const jobs = data.activeJobs?.length ?? 0;
      toast.done(jobs > 0 ? texts.jobsGoOn(format.integer(jobs)) : texts.revoked);
    },
    onSettled: again,
  });
  const close = () => setDialog(null);
  const { mutate: turnKey } = turn;
  const columns: Column<ApiKey>[] = [
    {
      id: "name",
      header: texts.name,
      sortKey: "name",
      cell: (row) => (
        <div>
          <Text fw={500} truncate>
            {row.name}
          </Text>
          <Code>{row.key}</Code>
        </div>
      ),
    },
    {
      id: "state",
      header: texts.state,
      cell: (row) => {
        const state = stateOf(row);
        return <Badge color={state.color}>{state.label}</Badge>;
      },
    },
    {
      id: "permissions",
      header: texts.permissionsCount,
      from: "md",
      cell: (row) => (
        <Tooltip
          multiline
          maw={320}
          label={row.permissions.map((one: string) => texts.permission[one]?.[0] ?? one).join(", ")}
        >
          <span>
            {row.permissions
              .slice(0, 2)
              .map((one: string) => texts.permission[one]?.[0] ?? one)
              .join(", ")}
            {row.permissions.length > 2 && ` +${row.permissions.length - 2}`}
          </span>
        </Tooltip>
      ),
    },
    {
      id: "allowedIps",
      header: texts.addresses,
      from: "lg",
      cell: (row) => (row.allowedIps.length === 0 ? texts.anywhere : row.allowedIps.join(", ")),
    },
    {
      id: "expireDate",
      header: texts.ends,
      from: "md",
      cell: (row) => (row.expireDate ? <Moment time={row.expireDate} as="date" /> : texts.never),
    },
    {
      id: "lastUsedAt",
      header: texts.lastUsed,
      from: "sm",
      sortKey: "lastUsedAt",
      cell: (row) => (row.lastUsedAt ? <Moment time={row.lastUsedAt} /> : texts.neverUsed),
    },
    {
      id: "createdAt",
      header: texts.createdBy,
      from: "lg",
      sortKey: "createdAt",
      cell: (row) => <Moment time={row.createdAt} as="date" />,
    },
    {
      id: "actions",
      header: texts.edit,
      hidden: true,
      width: 56,
      cell: (key) => (
        <RowMenu
          label={texts.actions(key.name)}
          edit={() => setDialog({ kind: "edit", key })}
          more={[
            { label: texts.rotate, icon: RefreshCw, onClick: () => setDialog({ kind: "rotate", key }) },
            {
              label: key.isActive ? texts.switchOff : texts.switchOn,
              icon: Power,
              onClick: () => turnKey({ key, on: !key.isActive }),
            },
          ]}
          remove={{ label: texts.revoke, icon: Ban, onClick: () => revocation.ask(key) }}
        />
      ),
    },
  ];
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
          {...listed(list, list.data?.data)}
          rowId={(row) => row._id}
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
        {...revocation.dialog}
        title={revocation.item ? texts.revokeTitle(revocation.item.name) : ""}
        action={texts.revoke}
      >
        {revocation.item && (
          <Text size="sm">
            {texts.revokeText}{" "}
            {revocation.item.lastUsedAt
              ? texts.revokeUsed(format.relative(revocation.item.lastUsedAt))
              : texts.revokeUnused}{" "}
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
