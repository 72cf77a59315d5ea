// The rows of a job and what became of them: filtered by the server, loaded as one scrolls, never more in the document than are seen.
import {
  Badge,
  Chip,
  Drawer,
  Group,
  Loader,
  Paper,
  Select,
  Stack,
  Table,
  Text,
  TextInput,
  Title,
  UnstyledButton,
} from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ListFilter, Rows3, Search } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { api } from "~/api/client";
import { ApiError } from "~/api/errors";
import type { Amount } from "~/api/json";
import { EmptyView, ErrorView } from "~/components/error-view";
import { useSearchText } from "~/components/search-text";
import { type Format, useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { millionths } from "./-amounts";
import classes from "./-bulk.module.css";
import { texts } from "./-bulk.texts";
import { hasEnded, isErased, type Job, outcomeColors, outcomeName } from "./-jobs";
import type { Outcome } from "./-names";
import type { Change, Reason, Row } from "./-tally";

export type RowFilter = { outcome?: Outcome; reason?: string; key?: string };

const pageRows = 200;
/** Rows that are asked for before they are seen. */
const aheadRows = 40;
const rowHeight = { wide: 45, narrow: 65 };
const wideFromPx = 992;

/** The rows of a job that has ended stay as they are: what changes the list of jobs does not ask for them again. */
export const rowsKey = (community: string, job: string) => ["bulk-rows", community, job] as const;

export async function fetchRows(
  community: string,
  id: string,
  query: { status?: string; key?: string; after_row?: number; limit: number },
  signal: AbortSignal,
): Promise<Row[]> {
  const answer = await api.get("/v1/users/bulk-update/{id}/details", { path: { id }, query, community, signal });
  return answer.data.rows as Row[];
}

export const valueText = (value: unknown, format: Format): string => {
  if (value === null || value === undefined || value === "") return common.none;
  if (Array.isArray(value))
    return value.length === 0 ? common.none : value.map((one) => valueText(one, format)).join(", ");
  if (typeof value === "boolean") return String(value);
  // A number that came as text because it is long is one; a text of digits, such as a phone number, has no other look either way.
  if (typeof value === "number" && millionths(value) !== null) return format.amount(value as Amount);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

const changeText = (change: Change, format: Format) =>
  texts.change(change.field, valueText(change.before, format), valueText(change.after, format));

export const rowText = (row: Row, format: Format): string =>
  row.errors.length > 0
    ? row.errors.map((error) => error.message).join(" ")
    : row.changes.map((change) => changeText(change, format)).join(" · ");

export function Results({
  job,
  filter,
  onFilter,
  reasons,
}: {
  job: Job;
  filter: RowFilter;
  onFilter: (filter: RowFilter) => void;
  /** Those that are known, to choose from. */
  reasons: Reason[];
}) {
  const { _id: community } = useCommunity();
  const format = useFormat();
  const [opened, setOpened] = useState<Row | null>(null);
  const outcome = filter.reason ? "failed" : filter.outcome;
  const counts: [Outcome, number][] = [
    ["updated", job.updated],
    ["created", job.created],
    ["unchanged", job.unchanged],
    ["failed", job.failed],
    ["not_processed", job.not_processed],
  ];
  const rows = useInfiniteQuery({
    queryKey: [...rowsKey(community, job._id), outcome ?? "", filter.key ?? ""],
    queryFn: ({ pageParam, signal }) =>
      fetchRows(
        community,
        job._id,
        { limit: pageRows, status: outcome, key: filter.key, after_row: pageParam || undefined },
        signal,
      ),
    initialPageParam: 0,
    getNextPageParam: (last) => (last.length === pageRows ? last.at(-1)!.row : undefined),
    enabled: hasEnded(job) && !isErased(job),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const found = useMemo(() => {
    const all = rows.data?.pages.flat() ?? [];
    return filter.reason ? all.filter((row) => row.errors.some((error) => error.code === filter.reason)) : all;
  }, [rows.data, filter.reason]);

  const [key, setKey] = useSearchText(filter.key, (text) => onFilter({ ...filter, key: text }));

  const expired = isErased(job) || (rows.error instanceof ApiError && rows.error.code === "results_expired");
  const total = outcome ? (counts.find(([one]) => one === outcome)?.[1] ?? 0) : job.processed + job.not_processed;
  return (
    <section aria-labelledby="bulk-results">
      <Title order={2} id="bulk-results" mb="xs">
        {texts.results}
      </Title>
      <Paper style={{ overflow: "hidden" }}>
        {!hasEnded(job) ? (
          <EmptyView icon={Rows3} title={texts.resultsLater} height={140} />
        ) : expired ? (
          <EmptyView icon={Rows3} title={texts.resultsExpired} height={180}>
            {texts.resultsExpiredText}
          </EmptyView>
        ) : (
          <>
            <div className={classes.bar}>
              <Chip.Group
                value={filter.outcome ?? ""}
                onChange={(value) =>
                  onFilter({ key: filter.key, outcome: value === "" ? undefined : (value as Outcome) })
                }
              >
                <Group gap={6} role="radiogroup" aria-label={texts.filterOutcome}>
                  <Chip size="xs" value="">
                    {texts.all}
                  </Chip>
                  {counts
                    .filter(([one, count]) => count > 0 || one === filter.outcome)
                    .map(([one, count]) => (
                      <Chip key={one} size="xs" value={one}>
                        {outcomeName(job, one)} {format.integer(count)}
                      </Chip>
                    ))}
                </Group>
              </Chip.Group>
              {job.failed > 0 && (
                <Select
                  size="xs"
                  aria-label={texts.filterReason}
                  placeholder={texts.anyReason}
                  leftSection={<ListFilter size={14} aria-hidden />}
                  data={[
                    ...new Set([...reasons.map((reason) => reason.code), ...(filter.reason ? [filter.reason] : [])]),
                  ]}
                  value={filter.reason ?? null}
                  onChange={(reason) =>
                    onFilter({
                      key: filter.key,
                      outcome: reason ? "failed" : filter.outcome,
                      reason: reason ?? undefined,
                    })
                  }
                  clearable
                  searchable
                  w={200}
                />
              )}
              <TextInput
                type="search"
                size="xs"
                aria-label={texts.findKey}
                placeholder={texts.findKey}
                title={texts.findKeyText}
                leftSection={<Search size={14} aria-hidden />}
                value={key}
                onChange={(event) => setKey(event.currentTarget.value)}
                w={230}
              />
            </div>
            {rows.error && !rows.data ? (
              <ErrorView error={rows.error} retry={() => void rows.refetch()} />
            ) : (
              <RowList
                job={job}
                rows={found}
                loading={rows.isPending || rows.isFetchingNextPage}
                more={rows.hasNextPage && !rows.isFetchNextPageError}
                loadMore={() => !rows.isFetching && void rows.fetchNextPage()}
                onOpen={setOpened}
                label={texts.results}
              />
            )}
            <div className={classes.bar} style={{ borderTop: "1px solid var(--border)" }}>
              <Text size="sm" c="dimmed" className="numeric" role="status">
                {rows.isPending || rows.isFetchingNextPage
                  ? texts.loadingMore
                  : filter.key || filter.reason
                    ? texts.rowsOf(found.length)
                    : texts.shownRows(format.integer(found.length), format.integer(total))}
              </Text>
            </div>
          </>
        )}
      </Paper>
      <RowDrawer job={job} row={opened} onClose={() => setOpened(null)} />
    </section>
  );
}

function RowList({
  job,
  rows,
  loading,
  more,
  loadMore,
  onOpen,
  label,
}: {
  job: Job;
  rows: Row[];
  loading: boolean;
  more: boolean;
  loadMore: () => void;
  onOpen: (row: Row) => void;
  label: string;
}) {
  const format = useFormat();
  const scroll = useRef<HTMLDivElement>(null);
  const [wide, setWide] = useState(true);
  useEffect(() => {
    const query = window.matchMedia(`(min-width: ${wideFromPx}px)`);
    const look = () => setWide(query.matches);
    look();
    query.addEventListener("change", look);
    return () => query.removeEventListener("change", look);
  }, []);
  const height = wide ? rowHeight.wide : rowHeight.narrow;
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => height,
    overscan: 8,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another height of all rows
  useEffect(() => list.measure(), [height]);
  const items = list.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (more && !loading && last >= rows.length - aheadRows) loadMore();
  });

  const move = (event: KeyboardEvent, index: number) => {
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 10, PageUp: -10 }[event.key];
    const next =
      event.key === "Home" ? 0 : event.key === "End" ? rows.length - 1 : step === undefined ? -1 : index + step;
    if (next < 0 || next >= rows.length) return;
    event.preventDefault();
    list.scrollToIndex(next);
    // The row may come into the document only now.
    requestAnimationFrame(() => scroll.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus());
  };

  if (rows.length === 0 && !loading && !more) return <EmptyView icon={Search} title={texts.noRows} height={200} />;
  return (
    <>
      <div className={classes.headRow} aria-hidden>
        <span>{texts.row}</span>
        <span>{texts.member}</span>
        <span>{texts.outcome}</span>
        <span>{texts.changes}</span>
      </div>
      <div
        ref={scroll}
        className={classes.rows}
        style={{ height: loading && rows.length === 0 ? 200 : Math.min(620, Math.max(rows.length, 1) * height) }}
      >
        {loading && rows.length === 0 && (
          <Group justify="center" h="100%">
            <Loader size="sm" aria-label={common.loading} />
          </Group>
        )}
        <ul
          aria-label={label}
          style={{ position: "relative", height: list.getTotalSize(), margin: 0, padding: 0, listStyle: "none" }}
        >
          {items.map((item) => {
            const row = rows[item.index]!;
            return (
              <li key={row.row} aria-posinset={item.index + 1} aria-setsize={more ? -1 : rows.length}>
                <UnstyledButton
                  className={classes.row}
                  data-index={item.index}
                  style={{ transform: `translateY(${item.start}px)`, top: 0 }}
                  onClick={() => onOpen(row)}
                  onKeyDown={(event) => move(event, item.index)}
                >
                  <Text span size="sm" c="dimmed" className={`numeric ${classes.number}`}>
                    {format.integer(row.row)}
                  </Text>
                  <Text span size="sm" className={classes.cell}>
                    {row.key || row.email || common.none}
                  </Text>
                  <span>
                    <Badge color={outcomeColors[row.status] ?? "gray"}>{outcomeName(job, row.status)}</Badge>
                  </span>
                  <Text span size="sm" c="dimmed" className={`${classes.cell} ${classes.what}`}>
                    {rowText(row, format)}
                  </Text>
                </UnstyledButton>
              </li>
            );
          })}
        </ul>
      </div>
    </>
  );
}

function RowDrawer({ job, row, onClose }: { job: Job; row: Row | null; onClose: () => void }) {
  const format = useFormat();
  // What was open stays while the drawer closes.
  const kept = useRef<Row | null>(null);
  if (row) kept.current = row;
  const shown = row ?? kept.current;
  return (
    <Drawer
      opened={row !== null}
      onClose={onClose}
      position="right"
      size="lg"
      title={shown ? <Text fw={600}>{texts.rowDetail(format.integer(shown.row))}</Text> : null}
      closeButtonProps={{ "aria-label": common.close }}
    >
      {shown && (
        <Stack gap="md">
          <dl className={classes.facts}>
            <dt>{texts.member}</dt>
            <dd>
              {[shown.key, shown.email !== shown.key ? shown.email : null].filter(Boolean).join(" · ") || common.none}
            </dd>
            <dt>{texts.outcome}</dt>
            <dd>
              <Badge color={outcomeColors[shown.status] ?? "gray"}>{outcomeName(job, shown.status)}</Badge>
            </dd>
            <dt>{texts.row}</dt>
            <dd>{shown.line > 0 ? texts.line(format.integer(shown.line)) : format.integer(shown.row)}</dd>
          </dl>
          {shown.errors.map((error) => (
            <Paper key={`${error.column} ${error.code}`} p="sm">
              <Text size="sm">{error.message}</Text>
              <Text size="xs" c="dimmed" ff="monospace" mt={2}>
                {[error.column, error.code].filter(Boolean).join(" · ")}
              </Text>
            </Paper>
          ))}
          {shown.changes.length > 0 && (
            <Table verticalSpacing={6}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{texts.field}</Table.Th>
                  <Table.Th>{texts.operator}</Table.Th>
                  <Table.Th>{texts.before}</Table.Th>
                  <Table.Th>{texts.after}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {shown.changes.map((change) => (
                  <Table.Tr key={change.field}>
                    <Table.Td>{change.field}</Table.Td>
                    <Table.Td>{change.op ?? common.none}</Table.Td>
                    <Table.Td style={{ overflowWrap: "anywhere" }}>{valueText(change.before, format)}</Table.Td>
                    <Table.Td style={{ overflowWrap: "anywhere" }}>{valueText(change.after, format)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </Stack>
      )}
    </Drawer>
  );
}
