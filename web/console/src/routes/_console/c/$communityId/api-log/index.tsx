import {
  ActionIcon,
  Anchor,
  Button,
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
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { RefreshCw, ScrollText, Search } from "lucide-react";
import { api } from "~/api/client";
import { type Column, DataTable, listed, PageBar } from "~/components/data-table";
import { EmptyView } from "~/components/error-view";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { useSearchText } from "~/components/search-text";
import { type Format, useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { texts as bulk } from "../bulk/-bulk.texts";
import { isOpen } from "../bulk/-jobs";
import { type JobType, states } from "../bulk/-names";
import { texts } from "./-api-log.texts";
import { callerOf, EntryDrawer, type LogEntry, StatusBadge, whatOf } from "./-entry";

const kinds = ["request", "bulk_job"] as const;
const methods = ["POST", "PUT", "PATCH", "DELETE", "GET"];
const statuses = ["2xx", "4xx", "429", "5xx"] as const;
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
    queryFn: ({ signal }) => api.get("/v1/api-logs", { query, community, signal }),
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
  // What was typed is asked for a moment later: an entry that was opened meanwhile stays open.
  const [find, setFind] = useSearchText(
    filter.find,
    (text) => void navigate({ search: (before) => ({ ...before, page: undefined, find: text }), replace: true }),
  );

  const open = (entry: string | undefined) =>
    void navigate({ search: (before) => ({ ...before, entry }), replace: true, resetScroll: false });
  const columns = logColumns(format, open);
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
          {...listed(log, log.data?.data as LogEntry[] | undefined)}
          rowId={(entry) => entry._id}
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
        known={log.data?.data.find((entry) => entry._id === filter.entry) as LogEntry | undefined}
        onClose={() => open(undefined)}
      />
    </Page>
  );
}

function logColumns(format: Format, open: (entry: string) => void): Column<LogEntry>[] {
  return [
    {
      id: "what",
      header: texts.what,
      cell: (entry) => (
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
    },
    { id: "status", header: texts.status, cell: (entry) => <StatusBadge entry={entry} short /> },
    {
      id: "duration",
      header: texts.duration,
      from: "md",
      numeric: true,
      cell: (entry) =>
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
    },
    { id: "caller", header: texts.caller, from: "md", cell: (entry) => callerOf(entry) },
    { id: "createdAt", header: texts.time, width: 150, from: "sm", cell: (row) => <Moment time={row.createdAt} /> },
  ];
}
