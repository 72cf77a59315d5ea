import { Badge, Button, Drawer, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useRef } from "react";
import { type AnswerOf, api } from "~/api/client";
import { CopyText } from "~/components/copy-text";
import { ErrorView } from "~/components/error-view";
import { useFormat } from "~/format/format";
import { common } from "~/texts/common.texts";
import bulkClasses from "../bulk/-bulk.module.css";
import { texts as bulk } from "../bulk/-bulk.texts";
import { stateColors } from "../bulk/-jobs";
import type { JobState } from "../bulk/-names";
import { texts } from "./-api-log.texts";

type ApiEntry = AnswerOf<"get", "/v1/api-logs">["data"][number];
export type LogEntry = Omit<ApiEntry, "errors"> & { errors: { field: string; code: string }[] };

const statusColor = (status: number) => (status >= 500 ? "red" : status >= 400 ? "yellow" : "teal");
export const callerOf = (entry: LogEntry) => entry.key.name || entry.key.prefix || common.none;
export const whatOf = (entry: LogEntry) =>
  entry.job ? entry.log_name || texts.unnamed : `${entry.method ?? ""} ${entry.path ?? ""}`.trim();

export function StatusBadge({ entry, short }: { entry: LogEntry; short?: boolean }) {
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

/** One entry beside the list; from the list, or asked for when the list does not have it. */
export function EntryDrawer({
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
      (await api.get("/v1/api-logs/{logId}", { path: { logId: id! }, community, signal })).data as LogEntry,
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
