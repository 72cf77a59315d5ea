import { Alert, Anchor, Badge, Group, Paper, Progress, Stack, Text, Title } from "@mantine/core";
import { createFileRoute, Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError } from "~/api/errors";
import { CopyText } from "~/components/copy-text";
import { ErrorView } from "~/components/error-view";
import { LoadingPage } from "~/components/loading";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { type Format, useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import classes from "./-bulk.module.css";
import { texts } from "./-bulk.texts";
import { Ending } from "./-ending";
import { JobActions } from "./-job-actions";
import {
  type Connection,
  hasEnded,
  type Job,
  nameOf,
  outcomeName,
  type Speed,
  stateColors,
  useFollowedJob,
} from "./-jobs";
import { keptFile } from "./-kept-files";
import { type JobState, type JobType, type Outcome, outcomes } from "./-names";
import { Results, type RowFilter } from "./-results";
import { Summary, useReasons } from "./-summary";

const textOf = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

export const Route = createFileRoute("/_console/c/$communityId/bulk/$jobId")({
  validateSearch: (search: Record<string, unknown>): RowFilter => ({
    outcome: outcomes.find((one) => one === search.outcome),
    reason: textOf(search.reason),
    key: textOf(search.key),
  }),
  component: JobPage,
});

function JobPage() {
  const { _id: community } = useCommunity();
  const { jobId } = Route.useParams();
  const followed = useFollowedJob(community, jobId);
  if (followed.query.isPending) return <LoadingPage />;
  if (!followed.job)
    return (
      <Page title={texts.title}>
        <ErrorView
          error={
            followed.query.error instanceof ApiError && followed.query.error.status === 404
              ? new ApiError(texts.notFound, 404, followed.query.error.code, [], followed.query.error.requestId)
              : followed.query.error
          }
          retry={() => void followed.query.refetch()}
        />
      </Page>
    );
  return <JobView key={jobId} job={followed.job} connection={followed.connection} speed={followed.speed} />;
}

function JobView({ job, connection, speed }: { job: Job; connection: Connection; speed: Speed }) {
  const { _id: community } = useCommunity();
  const format = useFormat();
  const filter = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  const { reasons, counted } = useReasons(job);
  // A trial is repeated as often as one likes.
  const duplicateOf = job.dry_run ? null : keptFile(job._id)?.duplicateOf;
  const setFilter = (next: RowFilter) => void navigate({ search: next, replace: true, resetScroll: false });
  const type = texts.types[job.type as JobType] ?? job.type;
  const lead = job.type === "revert" ? texts.reversalOf : texts.jobLead;
  return (
    <Page
      title={nameOf(job, format)}
      lead={lead(type, format.relative(job.createdAt), job.created_by.name)}
      actions={<JobActions job={job} />}
    >
      <Stack gap="lg">
        <Group gap={8} mt={-8}>
          <Anchor component={Link} to={`/c/${community}/bulk` as never} size="sm" c="dimmed">
            <Group gap={4} component="span">
              <ArrowLeft size={14} aria-hidden /> {texts.allJobs}
            </Group>
          </Anchor>
          <Badge color={stateColors[job.status] ?? "gray"}>{texts.states[job.status as JobState] ?? job.status}</Badge>
          {job.dry_run && (
            <Badge color="gray" variant="outline">
              {texts.trial}
            </Badge>
          )}
          {job.revert_of && (
            <Anchor component={Link} to={`/c/${community}/bulk/${job.revert_of}` as never} size="sm">
              {texts.seeOriginal}
            </Anchor>
          )}
          {job.reverted_by && (
            <Anchor component={Link} to={`/c/${community}/bulk/${job.reverted_by}` as never} size="sm">
              {texts.seeRevert}
            </Anchor>
          )}
        </Group>
        {duplicateOf && (
          <Alert color="yellow" icon={<TriangleAlert size={18} aria-hidden />}>
            {texts.duplicateOf}{" "}
            <Anchor
              component={Link}
              to={`/c/${community}/bulk/${duplicateOf}` as never}
              size="sm"
              c="inherit"
              underline="always"
            >
              {texts.duplicateLink}
            </Anchor>
          </Alert>
        )}
        <Paper style={{ overflow: "hidden" }}>
          {hasEnded(job) ? <Ending job={job} /> : <Running job={job} connection={connection} speed={speed} />}
          <Figures job={job} />
        </Paper>
        <Summary
          job={job}
          reasons={reasons}
          counted={counted}
          onReason={(reason) => {
            setFilter({ outcome: "failed", reason });
            document.getElementById("bulk-results")?.scrollIntoView({ block: "start" });
          }}
        />
        <Results job={job} filter={filter} onFilter={setFilter} reasons={reasons} />
        <Facts job={job} />
      </Stack>
    </Page>
  );
}

// ---- While it waits and runs --------------------------------------------------------------------------------------------

const connectionColors: Record<Connection, string> = { live: "teal", away: "yellow", asking: "yellow", over: "gray" };

function Running({ job, connection, speed }: { job: Job; connection: Connection; speed: Speed }) {
  const format = useFormat();
  const share = job.total === 0 ? 1 : job.processed / job.total;
  const waiting = job.status === "queued";
  const line = waiting
    ? texts.position(format.integer(job.queue_position ?? 1))
    : texts.rowsDone(format.integer(job.processed), format.integer(job.total));
  const details = waiting
    ? texts.positionText
    : job.cancel_requested
      ? texts.cancelling
      : speed && connection === "live"
        ? [
            texts.perSecond(format.integer(speed.rowsPerSecond)),
            speed.secondsLeft >= 1 ? texts.left(format.duration(speed.secondsLeft)) : texts.justDone,
          ].join(" · ")
        : "\u00a0";
  return (
    <Stack gap={8} p="md">
      <Group justify="space-between" gap="xs">
        <Text fw={600} className="numeric">
          {line}
        </Text>
        <Badge color={connectionColors[connection]} variant="dot" role="status">
          {texts.connections[connection]}
        </Badge>
      </Group>
      <Progress.Root size="lg">
        <Progress.Section
          value={100 * share}
          aria-label={texts.progress}
          animated={!waiting && connection === "live"}
        />
      </Progress.Root>
      <Text size="sm" c="dimmed" className="numeric">
        {details}
      </Text>
    </Stack>
  );
}

function Figures({ job }: { job: Job }) {
  const format = useFormat();
  const figures: [Outcome, number][] = (["updated", "created", "unchanged", "failed", "not_processed"] as const).map(
    (outcome) => [outcome, job[outcome]],
  );
  return (
    <div className={classes.figures}>
      {figures.map(([outcome, value]) => (
        <div key={outcome} className={classes.figure}>
          <Text size="xs" c="dimmed">
            {outcomeName(job, outcome)}
          </Text>
          <Text
            fz={20}
            fw={600}
            className="numeric"
            c={outcome === "failed" && value > 0 ? "var(--mantine-color-error)" : value === 0 ? "dimmed" : undefined}
          >
            {format.integer(value)}
          </Text>
        </div>
      ))}
    </div>
  );
}

// ---- What else is known -------------------------------------------------------------------------------------------------

function took(from: string, to: string, format: Format): string {
  const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
  return seconds < 1 ? texts.tookNothing : format.duration(seconds);
}

function Facts({ job }: { job: Job }) {
  const format = useFormat();
  const facts: [string, ReactNode][] = [
    [texts.jobId, <CopyText key="id" text={job._id} />],
    ...(job.type === "revert"
      ? []
      : ([
          [texts.fileName, job.file.name],
          [texts.size, format.bytes(job.file.size)],
          [texts.separator, texts.delimiters[job.file.delimiter] ?? job.file.delimiter],
          [
            texts.fingerprint,
            <CopyText key="hash" text={`${job.file.sha256.slice(0, 16)}…`} value={job.file.sha256} />,
          ],
        ] as [string, ReactNode][])),
    [job.type === "revert" ? texts.askedBy : texts.createdBy, job.created_by.name || job.created_by.id],
    [
      job.type === "revert" ? texts.askedAt : texts.createdAt,
      <Moment key="created" time={job.createdAt} as="dateTime" />,
    ],
    [texts.startedAt, <Moment key="started" time={job.startedAt} as="dateTime" />],
    [texts.finishedAt, <Moment key="finished" time={job.finishedAt} as="dateTime" />],
    ...(job.startedAt && job.finishedAt
      ? ([[texts.took, took(job.startedAt, job.finishedAt, format)]] as [string, ReactNode][])
      : []),
    ...(job.expiresAt
      ? ([[texts.expiresAt, <Moment key="expires" time={job.expiresAt} as="dateTime" />]] as [string, ReactNode][])
      : []),
    ...(job.max_errors !== null ? ([[texts.maxErrors, format.integer(job.max_errors)]] as [string, ReactNode][]) : []),
  ];
  return (
    <section aria-labelledby="bulk-facts">
      <Title order={2} id="bulk-facts" mb="xs">
        {texts.facts}
      </Title>
      <Paper p="md">
        <dl className={classes.facts}>
          {facts.map(([name, value]) => (
            <FactLine key={name} name={name} value={value} />
          ))}
        </dl>
      </Paper>
    </section>
  );
}

function FactLine({ name, value }: { name: string; value: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
