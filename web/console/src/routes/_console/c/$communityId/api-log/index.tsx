import {
  ActionIcon,
  Anchor,
  Badge,
  Button,
  Drawer,
  Group,
  Paper,
  Progress,
  SegmentedControl,
  Select,
  Stack,
  Text,
  TextInput,
  Tooltip,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { createFileRoute, Link, useNavigate } from "@tanstack/react-router";
import { type ColumnDef, createColumnHelper } from "@tanstack/react-table";
import { RefreshCw, ScrollText, Search } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { request, urlOf } from "~/api/client";
import { CopyText } from "~/components/copy-text";
import { DataTable, PageBar } from "~/components/data-table";
import { EmptyView, ErrorView } from "~/components/error-view";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { type Format, useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import bulkClasses from "../bulk/-bulk.module.css";
import { texts as bulk } from "../bulk/-bulk.texts";
import { isOpen, type JobState, type JobType, stateColors, states } from "../bulk/-jobs";
import { texts } from "./-api-log.texts";

type LogJob = {
  id: string;
  type: string;
  status: string;
  total: number;
  processed: number;
  success: number;
  failed: number;
};
type LogEntry = {
  _id: string;
  kind: "request" | "bulk_job";
  createdAt: string;
  requestId?: string;
  method?: string;
  path?: string;
  operation?: string;
  status?: number;
  code?: string;
  durationMs?: number;
  requestBytes?: number;
  responseBytes?: number;
  key: { prefix: string; name: string; kind: string };
  userId?: string;
  ip?: string;
  userAgent?: string;
  errors: { field: string; code: string }[];
  log_name?: string;
  job?: LogJob;
};
type LogPage = { data: LogEntry[]; pagination: { total: number } };

const kinds = ["request", "bulk_job"] as const;
const methods = ["POST", "PUT", "PATCH", "DELETE", "GET"];
const statuses = Object.keys(texts.statuses) as (keyof typeof texts.statuses)[];
const periods = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 } as const;
type Period = keyof typeof periods;

type Filter = {
  kind?: (typeof kinds)[number];
  status?: string;
  method?: string;
  find?: string;
  since?: Period;
  page?: number;
  /** The entry that is open beside the list. */
  entry?: string;
};

const textOf = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
// Digits alone in an address are read as a number.
const wordOf = (value: unknown) => (typeof value === "number" ? String(value) : textOf(value));

export const Route = createFileRoute("/_console/c/$communityId/api-log/")({
  validateSearch: (search: Record<string, unknown>): Filter => ({
    kind: kinds.find((kind) => kind === search.kind),
    status: [...statuses, ...states].find((one) => one === wordOf(search.status)),
    method: methods.find((method) => method === search.method),
    find: wordOf(search.find),
    since: (Object.keys(periods) as Period[]).find((period) => period === search.since),
    page: Number.isInteger(search.page) && (search.page as number) > 1 ? (search.page as number) : undefined,
    entry: textOf(search.entry),
  }),
  component: ApiLog,
});

const limit = 50;
/** The server counts and pages no further than this. */
const countedMax = 10_000;
const openMs = 2_000;
const typingMs = 300;
/** A period that slides with every second would be another question each time. */
const periodStepMs = 60_000;

/** What was typed is a path, the public part of a key, or the id of a request. */
function findAs(kind: Filter["kind"], text: string | undefined): Record<string, string> {
  if (!text) return {};
  if (kind === "bulk_job") return { log_name: text };
  if (text.startsWith("/")) return { path: text };
  return /^(f[a-z]_|user:)/.test(text) ? { key: text } : { requestId: text };
}

function useLog(community: string, filter: Filter) {
  const since =
    filter.since &&
    new Date(Math.floor(Date.now() / periodStepMs) * periodStepMs - periods[filter.since]).toISOString();
  const query = {
    limit,
    page: filter.page ?? 1,
    kind: filter.kind,
    status: filter.status,
    method: filter.kind === "bulk_job" ? undefined : filter.method,
    startDate: since,
    ...findAs(filter.kind, filter.find),
  };
  return useQuery({
    queryKey: ["api-log", community, query],
    queryFn: async ({ signal }) =>
      (await request("get", urlOf("/v1/api-logs", {}, query), { community, signal })) as LogPage,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.data.some((entry) => entry.job && isOpen(entry.job)) ? openMs : false),
  });
}

function ApiLog() {
  const { _id: community } = useCommunity();
  const format = useFormat();
  const filter = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  const log = useLog(community, filter);
  const change = (what: Partial<Filter>) =>
    void navigate({ search: (before) => ({ ...before, page: undefined, entry: undefined, ...what }), replace: true });
  const [find, setFind] = useState(filter.find ?? "");
  const [typed] = useDebouncedValue(find, typingMs);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what was typed asks anew
  useEffect(() => {
    if ((typed.trim() || undefined) !== filter.find) change({ find: typed.trim() || undefined });
  }, [typed]);

  const open = (entry: string | undefined) =>
    void navigate({ search: (before) => ({ ...before, entry }), replace: true, resetScroll: false });
  const columns = useMemo(
    () =>
      logColumns(format, (entry) =>
        navigate({ search: (before) => ({ ...before, entry }), replace: true, resetScroll: false }),
      ),
    [format, navigate],
  );
  const filtered = filter.kind || filter.status || filter.method || filter.find || filter.since;
  const total = log.data?.pagination.total ?? 0;
  return (
    <Page
      title={texts.title}
      lead={texts.lead}
      actions={
        <Tooltip label={texts.refresh}>
          <ActionIcon
            variant="default"
            size={36}
            aria-label={texts.refresh}
            loading={log.isRefetching && !log.isPlaceholderData}
            onClick={() => void log.refetch()}
          >
            <RefreshCw size={16} />
          </ActionIcon>
        </Tooltip>
      }
    >
      <Group gap="xs" mb="sm">
        <SegmentedControl
          aria-label={texts.kind}
          data={[
            { value: "", label: texts.everything },
            { value: "request", label: texts.requests },
            { value: "bulk_job", label: texts.jobs },
          ]}
          value={filter.kind ?? ""}
          onChange={(kind) => {
            setFind("");
            change({
              kind: (kind || undefined) as Filter["kind"],
              status: undefined,
              method: undefined,
              find: undefined,
            });
          }}
          w={{ base: "100%", xs: "auto" }}
        />
        <TextInput
          type="search"
          aria-label={filter.kind === "bulk_job" ? texts.findJob : texts.find}
          placeholder={filter.kind === "bulk_job" ? texts.findJob : texts.find}
          leftSection={<Search size={15} aria-hidden />}
          value={find}
          onChange={(event) => setFind(event.currentTarget.value)}
          maxLength={200}
          w={{ base: "100%", xs: 250 }}
        />
        <Select
          aria-label={texts.status}
          placeholder={texts.anyStatus}
          data={[
            ...(filter.kind === "bulk_job" ? [] : statuses.map((value) => ({ value, label: texts.statuses[value] }))),
            ...(filter.kind === "bulk_job" ? states.map((value) => ({ value, label: bulk.states[value] })) : []),
          ]}
          value={filter.status ?? null}
          onChange={(status) => change({ status: status ?? undefined })}
          clearable
          flex={{ base: "1 1 150px", xs: "0 0 auto" }}
          w={{ xs: 160 }}
        />
        {filter.kind !== "bulk_job" && (
          <Select
            aria-label={texts.method}
            placeholder={texts.anyMethod}
            data={methods}
            value={filter.method ?? null}
            onChange={(method) => change({ method: method ?? undefined })}
            clearable
            flex={{ base: "1 1 150px", xs: "0 0 auto" }}
            w={{ xs: 150 }}
          />
        )}
        <Select
          aria-label={texts.since}
          data={[
            ...(Object.keys(periods) as Period[]).map((value) => ({
              value: value as string,
              label: texts.periods[value],
            })),
            { value: "", label: texts.periods.all },
          ]}
          value={filter.since ?? ""}
          onChange={(since) => change({ since: (since || undefined) as Period | undefined })}
          allowDeselect={false}
          flex={{ base: "1 1 150px", xs: "0 0 auto" }}
          w={{ xs: 160 }}
        />
      </Group>
      <Paper style={{ overflow: "hidden" }}>
        <DataTable
          label={texts.title}
          columns={columns}
          rows={log.data?.data}
          rowId={(entry) => entry._id}
          loading={log.isPending || log.isPlaceholderData}
          error={log.error}
          retry={() => void log.refetch()}
          empty={
            filtered ? (
              <EmptyView
                icon={Search}
                title={texts.nothingFound}
                action={
                  <Button
                    variant="default"
                    onClick={() => {
                      setFind("");
                      void navigate({ search: {}, replace: true });
                    }}
                  >
                    {texts.showAll}
                  </Button>
                }
              >
                {texts.nothingFoundText}
              </EmptyView>
            ) : (
              <EmptyView icon={ScrollText} title={texts.empty}>
                {texts.emptyText}
              </EmptyView>
            )
          }
          footer={
            log.data && (
              <>
                {total >= countedMax && (
                  <Text size="xs" c="dimmed" px="md" pt="sm">
                    {texts.limited}
                  </Text>
                )}
                <PageBar
                  page={filter.page ?? 1}
                  limit={limit}
                  total={total}
                  onPage={(next) =>
                    void navigate({ search: (before) => ({ ...before, page: next > 1 ? next : undefined }) })
                  }
                />
              </>
            )
          }
        />
      </Paper>
      <EntryDrawer
        community={community}
        id={filter.entry}
        known={log.data?.data.find((entry) => entry._id === filter.entry)}
        onClose={() => open(undefined)}
      />
    </Page>
  );
}

const statusColor = (status: number) => (status >= 500 ? "red" : status >= 400 ? "yellow" : "teal");
const callerOf = (entry: LogEntry) => entry.key.name || entry.key.prefix || common.none;
const whatOf = (entry: LogEntry) =>
  entry.job ? entry.log_name || texts.unnamed : `${entry.method ?? ""} ${entry.path ?? ""}`.trim();

function StatusBadge({ entry, short }: { entry: LogEntry; short?: boolean }) {
  if (entry.job)
    return (
      <Badge color={stateColors[entry.job.status] ?? "gray"}>
        {bulk.states[entry.job.status as JobState] ?? entry.job.status}
      </Badge>
    );
  return (
    <Group gap={8} wrap="nowrap">
      <Badge color={statusColor(entry.status ?? 0)}>{entry.status}</Badge>
      {entry.code && (
        <Text span size="xs" c="dimmed" ff="monospace" visibleFrom={short ? "sm" : undefined}>
          {entry.code}
        </Text>
      )}
    </Group>
  );
}

function logColumns(format: Format, open: (entry: string) => void): ColumnDef<LogEntry, unknown>[] {
  const column = createColumnHelper<LogEntry>();
  return [
    column.display({
      id: "what",
      header: texts.what,
      cell: ({ row: { original: entry } }) => (
        <Stack gap={0}>
          <Anchor
            component="button"
            type="button"
            size="sm"
            ff={entry.job ? undefined : "monospace"}
            fw={entry.job ? 500 : undefined}
            c="var(--mantine-color-text)"
            ta="start"
            truncate
            aria-haspopup="dialog"
            onClick={() => open(entry._id)}
          >
            {whatOf(entry)}
          </Anchor>
          {entry.job && (
            <Text size="xs" c="dimmed">
              {bulk.types[entry.job.type as JobType] ?? entry.job.type}
            </Text>
          )}
        </Stack>
      ),
    }),
    column.display({
      id: "status",
      header: texts.status,
      cell: ({ row: { original: entry } }) => <StatusBadge entry={entry} short />,
    }),
    column.display({
      id: "duration",
      header: texts.duration,
      meta: { numeric: true, from: "md" },
      cell: ({ row: { original: entry } }) =>
        entry.job ? (
          entry.job.status === "processing" ? (
            <Progress
              value={entry.job.total === 0 ? 100 : (100 * entry.job.processed) / entry.job.total}
              w={90}
              ml="auto"
              aria-label={texts.progressOf(whatOf(entry))}
            />
          ) : (
            texts.rows(format.integer(entry.job.processed), format.integer(entry.job.total))
          )
        ) : (
          texts.milliseconds(format.amount(entry.durationMs))
        ),
    }),
    column.display({
      id: "caller",
      header: texts.caller,
      meta: { from: "md" },
      cell: ({ row: { original: entry } }) => callerOf(entry),
    }),
    column.accessor("createdAt", {
      header: texts.time,
      meta: { from: "sm", width: 150 },
      cell: ({ getValue }) => <Moment time={getValue()} />,
    }),
  ] as ColumnDef<LogEntry, unknown>[];
}

function EntryDrawer({
  community,
  id,
  known,
  onClose,
}: {
  community: string;
  id: string | undefined;
  known: LogEntry | undefined;
  onClose: () => void;
}) {
  const entry = useQuery({
    queryKey: ["api-log", community, "entry", id],
    queryFn: async ({ signal }) =>
      (
        (await request("get", urlOf("/v1/api-logs/{logId}", { logId: id }), { community, signal })) as {
          data: LogEntry;
        }
      ).data,
    enabled: id !== undefined && known === undefined,
  });
  // What was open stays while the drawer closes.
  const kept = useRef<LogEntry | null>(null);
  const now = known ?? (id === undefined ? undefined : entry.data);
  if (now) kept.current = now;
  const shown = now ?? (id === undefined ? kept.current : null);
  return (
    <Drawer
      opened={id !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={<Text fw={600}>{shown?.job ? texts.job : texts.request}</Text>}
      closeButtonProps={{ "aria-label": common.close }}
    >
      {shown ? (
        <Entry entry={shown} community={community} />
      ) : (
        entry.error && <ErrorView error={entry.error} retry={() => void entry.refetch()} />
      )}
    </Drawer>
  );
}

function Entry({ entry, community }: { entry: LogEntry; community: string }) {
  const format = useFormat();
  const facts: [string, ReactNode][] = [
    [texts.time, format.exact(entry.createdAt)],
    [texts.status, <StatusBadge key="status" entry={entry} />],
    ...(entry.job
      ? ([
          [texts.what, entry.log_name || texts.unnamed],
          [texts.succeeded, format.integer(entry.job.success)],
          [texts.refused, format.integer(entry.job.failed)],
          [texts.duration, texts.rows(format.integer(entry.job.processed), format.integer(entry.job.total))],
        ] as [string, ReactNode][])
      : ([
          [texts.path, <Text key="path" span ff="monospace" size="sm">{`${entry.method} ${entry.path}`}</Text>],
          [texts.operation, entry.operation],
          ...(entry.requestId ? [[texts.requestId, <CopyText key="id" text={entry.requestId} />]] : []),
          [texts.duration, texts.milliseconds(format.amount(entry.durationMs))],
          [texts.sizes, texts.sizesText(format.bytes(entry.requestBytes ?? 0), format.bytes(entry.responseBytes ?? 0))],
        ] as [string, ReactNode][])),
    [texts.key, [entry.key.name, entry.key.prefix].filter(Boolean).join(" · ") || common.none],
    ...(entry.ip ? ([[texts.address, entry.ip]] as [string, ReactNode][]) : []),
    ...(entry.userAgent ? ([[texts.client, entry.userAgent]] as [string, ReactNode][]) : []),
  ];
  return (
    <Stack gap="md">
      <dl className={bulkClasses.facts}>
        {facts.map(([name, value]) => (
          <Fact key={name} name={name} value={value} />
        ))}
      </dl>
      {entry.job && (
        <Button component={Link} to={`/c/${community}/bulk/${entry.job.id}` as never} variant="default">
          {texts.seeJob}
        </Button>
      )}
      {!entry.job && (entry.status ?? 0) >= 400 && (
        <section>
          <Text size="sm" fw={600} mb={4}>
            {texts.problems}
          </Text>
          {entry.errors.length === 0 ? (
            <Text size="sm" c="dimmed">
              {texts.noProblems}
            </Text>
          ) : (
            <Stack gap={4}>
              {entry.errors.map((problem) => (
                <Text key={`${problem.field} ${problem.code}`} size="sm" ff="monospace">
                  {[problem.field, problem.code].filter(Boolean).join(" · ")}
                </Text>
              ))}
            </Stack>
          )}
        </section>
      )}
      {!entry.job && (
        <Text size="xs" c="dimmed">
          {texts.privacy}
        </Text>
      )}
    </Stack>
  );
}

function Fact({ name, value }: { name: string; value: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
