import { Anchor, Button, Group, Paper, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { ScrollText, Search, SearchX } from "lucide-react";
import { useMemo, useState } from "react";
import { api } from "~/api/client";
import { type Column, DataTable, listed } from "~/components/data-table";
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
  const columns: Column<Entry>[] = [
    { id: "createdAt", header: texts.when, width: 190, cell: (row) => <Moment time={row.createdAt} as="dateTime" /> },
    {
      id: "action",
      header: texts.action,
      cell: (row) => (
        <Anchor
          component="button"
          type="button"
          size="sm"
          onClick={() => setEntry(row)}
          aria-label={texts.open(row.action)}
        >
          {row.action}
        </Anchor>
      ),
    },
    {
      id: "actor",
      header: texts.actor,
      from: "sm",
      cell: (row) => (
        <span>
          {whoOf(row)}{" "}
          <Text span c="dimmed" size="xs">
            {texts.kinds[row.actor.kind] ?? row.actor.kind}
          </Text>
        </span>
      ),
    },
    { id: "target", header: texts.target, from: "md", cell: (row) => row.target.id || "—" },
    { id: "ip", header: texts.address, from: "lg", cell: (row) => row.ip ?? "—" },
  ];
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
            flex="100 1 220px"
          />
          <Select
            label={texts.area}
            placeholder={texts.anyArea}
            data={Object.entries(texts.areas).map(([value, label]) => ({ value, label }))}
            value={filters.area ?? null}
            onChange={(area) => set({ area: area ?? undefined })}
            clearable
            searchable
            flex="1 1 190px"
          />
          <TextInput
            type="date"
            label={texts.from}
            flex="1 1 125px"
            value={filters.from ?? ""}
            max={filters.to}
            onChange={(event) => set({ from: event.currentTarget.value || undefined })}
          />
          <TextInput
            type="date"
            label={texts.to}
            flex="1 1 125px"
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
          {...listed(list, rows)}
          rowId={(row) => row._id}
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
