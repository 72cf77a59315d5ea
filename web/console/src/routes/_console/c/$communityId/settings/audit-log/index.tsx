import { Anchor, Button, Group, Paper, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { createColumnHelper } from "@tanstack/react-table";
import { ScrollText, Search, SearchX } from "lucide-react";
import { useMemo, useState } from "react";
import { api } from "~/api/client";
import { columnsOf } from "~/components/columns";
import { DataTable } from "~/components/data-table";
import { EmptyView } from "~/components/error-view";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { useCommunity } from "~/session/community";
import { texts } from "./-audit-log.texts";
import { type Entry, EntryDrawer, whoOf } from "./-entry";

const limit = 50;
const searchMs = 300;

type Filters = { search?: string; area?: string; actor?: string; from?: string; to?: string };
const names = ["search", "area", "actor", "from", "to"] as const;

export const Route = createFileRoute("/_console/c/$communityId/settings/audit-log/")({
  validateSearch: (search): Filters =>
    Object.fromEntries(
      names
        .filter((name) => search[name] !== undefined && search[name] !== "")
        .map((name) => [name, String(search[name])]),
    ),
  component: AuditLog,
});

function AuditLog() {
  const { _id: community } = useCommunity();
  const filters = Route.useSearch();
  const navigate = Route.useNavigate();
  const [text, setText] = useState(filters.search ?? "");
  const [entry, setEntry] = useState<Entry | null>(null);
  const set = (change: Partial<Record<keyof Filters, string | undefined>>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const search = useDebouncedCallback((value: string) => set({ search: value.trim() || undefined }), searchMs);
  const list = useInfiniteQuery({
    queryKey: ["audit-log", community, filters],
    queryFn: ({ signal, pageParam }) =>
      api.get("/v1/audit-logs", {
        community,
        query: {
          limit,
          cursor: pageParam,
          search: filters.search && `keyword:${filters.search}`,
          action: filters.area && `${filters.area}.*`,
          actor: filters.actor,
          startDate: filters.from,
          endDate: filters.to,
        },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) =>
      (last.pagination as { nextCursor?: string | null } | undefined)?.nextCursor ?? undefined,
    placeholderData: keepPreviousData,
  });
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.data), [list.data]);
  const columns = useMemo(() => {
    const column = createColumnHelper<Entry>();
    return columnsOf<Entry>([
      column.accessor("createdAt", {
        header: texts.when,
        cell: ({ getValue }) => <Moment time={getValue()} as="dateTime" />,
        meta: { width: 190 },
      }),
      column.accessor("action", {
        header: texts.action,
        cell: ({ getValue, row: { original } }) => (
          <Anchor
            component="button"
            type="button"
            size="sm"
            onClick={() => setEntry(original)}
            aria-label={texts.open(getValue())}
          >
            {getValue()}
          </Anchor>
        ),
      }),
      column.display({
        id: "actor",
        header: texts.actor,
        cell: ({ row: { original } }) => (
          <span>
            {whoOf(original)}{" "}
            <Text span c="dimmed" size="xs">
              {texts.kinds[original.actor.kind] ?? original.actor.kind}
            </Text>
          </span>
        ),
        meta: { from: "sm" },
      }),
      column.accessor("target", {
        header: texts.target,
        cell: ({ getValue }) => getValue().id || "—",
        meta: { from: "md" },
      }),
      column.accessor("ip", { header: texts.address, cell: ({ getValue }) => getValue() ?? "—", meta: { from: "lg" } }),
    ]);
  }, []);
  const filtered = names.some((name) => filters[name]);
  return (
    <Page title={texts.title} lead={texts.lead}>
      <Paper>
        <Group p="md" gap="sm" align="flex-end">
          <TextInput
            label={texts.search}
            placeholder={texts.searchHint}
            leftSection={<Search size={16} aria-hidden />}
            value={text}
            onChange={(event) => {
              setText(event.currentTarget.value);
              search(event.currentTarget.value);
            }}
            flex={1}
            miw={200}
          />
          <Select
            label={texts.area}
            placeholder={texts.anyArea}
            data={Object.entries(texts.areas).map(([value, label]) => ({ value, label }))}
            value={filters.area ?? null}
            onChange={(area) => set({ area: area ?? undefined })}
            clearable
            searchable
            w={170}
          />
          <TextInput
            type="date"
            label={texts.from}
            value={filters.from ?? ""}
            max={filters.to}
            onChange={(event) => set({ from: event.currentTarget.value || undefined })}
          />
          <TextInput
            type="date"
            label={texts.to}
            value={filters.to ?? ""}
            min={filters.from}
            onChange={(event) => set({ to: event.currentTarget.value || undefined })}
          />
          {filtered && (
            <Button
              variant="subtle"
              onClick={() => {
                setText("");
                void navigate({ search: {}, replace: true });
              }}
            >
              {texts.clear}
            </Button>
          )}
        </Group>
        <DataTable
          label={texts.title}
          columns={columns}
          rows={rows}
          rowId={(row) => row._id}
          loading={list.isPending || list.isPlaceholderData}
          error={list.error}
          retry={() => void list.refetch()}
          skeletonRows={12}
          empty={
            filtered ? (
              <EmptyView icon={SearchX} title={texts.none}>
                {texts.noneText}
              </EmptyView>
            ) : (
              <EmptyView icon={ScrollText} title={texts.empty}>
                {texts.emptyText}
              </EmptyView>
            )
          }
          footer={
            list.hasNextPage && (
              <Group justify="center" p="sm">
                <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                  {texts.older}
                </Button>
              </Group>
            )
          }
        />
      </Paper>
      <EntryDrawer entry={entry} onClose={() => setEntry(null)} />
    </Page>
  );
}
