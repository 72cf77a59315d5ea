import { Alert, Anchor, Badge, Button, Group, Menu, Paper, Progress, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { createFileRoute, Link, useNavigate } from "@tanstack/react-router";
import {
  ArrowLeft,
  ChevronDown,
  CircleAlert,
  CircleCheck,
  Download,
  Ellipsis,
  FlaskConical,
  Play,
  Undo2,
  X,
} from "lucide-react";
import type { ReactNode } from "react";
import { api } from "~/api/client";
import { ApiError } from "~/api/errors";
import { Confirm } from "~/components/confirm";
import { CopyText } from "~/components/copy-text";
import { ErrorView } from "~/components/error-view";
import { LoadingPage } from "~/components/loading";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import classes from "./-bulk.module.css";
import { texts } from "./-bulk.texts";
import {
  type Connection,
  downloadUrl,
  hasEnded,
  type Job,
  type JobState,
  type JobType,
  jobKey,
  nameOf,
  type Speed,
  stateColors,
  useFollowedJob,
} from "./-jobs";
import { type Outcome, Results, type RowFilter } from "./-results";
import { RevertDialog } from "./-revert";
import { RunDialog } from "./-run-again";
import { Summary, useReasons } from "./-summary";

const outcomes = Object.keys(texts.outcomes) as Outcome[];
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
  const setFilter = (next: RowFilter) => void navigate({ search: next, replace: true, resetScroll: false });
  const type = texts.types[job.type as JobType] ?? job.type;
  const lead = job.type === "revert" ? texts.reversalOf : texts.jobLead;
  return (
    <Page
      title={nameOf(job, format)}
      lead={lead(type, format.relative(job.createdAt), job.created_by.name)}
      actions={<Actions job={job} />}
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
            {texts.outcomes[outcome]}
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

// ---- When it has ended --------------------------------------------------------------------------------------------------

type Tone = "good" | "some" | "bad" | "plain";
const tones: Record<Tone, { color: string; icon: ReactNode }> = {
  good: { color: "teal", icon: <CircleCheck size={18} aria-hidden /> },
  some: { color: "yellow", icon: <CircleAlert size={18} aria-hidden /> },
  bad: { color: "red", icon: <CircleAlert size={18} aria-hidden /> },
  plain: { color: "blue", icon: <Undo2 size={18} aria-hidden /> },
};

function headlineOf(job: Job, format: ReturnType<typeof useFormat>): { tone: Tone; line: string; next?: string } {
  const refused = texts.rowsOf(job.failed);
  const words = texts.headlines;
  if (job.status === "failed")
    return { tone: "bad", line: job.error?.message ?? texts.states.failed, next: texts.nextStopped };
  if (job.status === "cancelled")
    return {
      tone: "some",
      line: words.cancelled(format.integer(job.processed), format.integer(job.total)),
      next: job.not_processed > 0 && job.type !== "revert" ? texts.nextStopped : undefined,
    };
  if (job.status === "reverting") return { tone: "plain", line: words.reverting };
  if (job.status === "reverted")
    return {
      tone: "plain",
      line: words.reverted(texts.rowsOf(job.reverted_rows)),
      next: job.conflicts > 0 ? words.conflicts(job.conflicts) : undefined,
    };
  if (job.type === "revert") {
    if (job.dry_run)
      return job.failed === 0
        ? { tone: "good", line: words.revertTrialGood }
        : { tone: "some", line: words.revertTrialSome(refused) };
    return job.failed === 0
      ? { tone: "good", line: words.revertGood }
      : { tone: "some", line: words.revertSome(refused) };
  }
  const none = job.success === 0 && job.failed > 0;
  if (job.dry_run) {
    if (none) return { tone: "bad", line: words.trialNone, next: texts.nextRefused };
    return job.failed === 0
      ? { tone: "good", line: words.trialGood, next: texts.nextTrial }
      : { tone: "some", line: words.trialSome(refused), next: texts.nextTrial };
  }
  if (none) return { tone: "bad", line: words.none, next: texts.nextRefused };
  return job.failed === 0
    ? { tone: "good", line: words.good }
    : { tone: "some", line: words.some(refused), next: texts.nextRefused };
}

function Ending({ job }: { job: Job }) {
  const { _id: community } = useCommunity();
  const format = useFormat();
  const [running, run] = useDisclosure(false);
  const [reverting, revert] = useDisclosure(false);
  const { tone, line, next } = headlineOf(job, format);
  const trialToRun = job.dry_run && job.status === "completed" && job.success > 0;
  const erased = job.expiresAt !== null && Date.parse(job.expiresAt) <= Date.now();
  return (
    <Alert
      color={tones[tone].color}
      icon={trialToRun && tone === "good" ? <FlaskConical size={18} aria-hidden /> : tones[tone].icon}
      title={line}
      radius={0}
      role="status"
    >
      {next && (
        <Text size="sm" maw={680}>
          {next}
        </Text>
      )}
      {job.skipped > 0 && (
        <Text size="sm" c="dimmed" mt={4}>
          {texts.skippedRows(format.integer(job.skipped))}
        </Text>
      )}
      {!erased && (
        <Group gap="xs" mt="sm">
          {trialToRun && job.type !== "revert" && (
            <Button size="xs" leftSection={<Play size={14} aria-hidden />} onClick={run.open}>
              {texts.runThis}
            </Button>
          )}
          {trialToRun && job.type === "revert" && job.revert_of && (
            <Button size="xs" color="red" leftSection={<Undo2 size={14} aria-hidden />} onClick={revert.open}>
              {texts.takeBackNow}
            </Button>
          )}
          {job.failed > 0 && (
            <Button
              component="a"
              href={downloadUrl(community, `${job._id}/results`, { status: "failed" })}
              download
              size="xs"
              variant="default"
              leftSection={<Download size={14} aria-hidden />}
            >
              {texts.downloadRefused}
            </Button>
          )}
          {job.not_processed > 0 && job.type !== "revert" && (
            <Button
              component="a"
              href={downloadUrl(community, `${job._id}/results`, { status: "not_processed" })}
              download
              size="xs"
              variant="default"
              leftSection={<Download size={14} aria-hidden />}
            >
              {texts.downloadNotReached}
            </Button>
          )}
        </Group>
      )}
      <RunDialog job={job} opened={running} onClose={run.close} />
      {job.revert_of && <RevertDialog job={job.revert_of} trial={job._id} opened={reverting} onClose={revert.close} />}
    </Alert>
  );
}

// ---- What can be done with it -------------------------------------------------------------------------------------------

function Actions({ job }: { job: Job }) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const [cancelling, cancelDialog] = useDisclosure(false);
  const [erasing, eraseDialog] = useDisclosure(false);
  const [reverting, revertDialog] = useDisclosure(false);
  const cancel = useMutation({
    mutationFn: () => api.post("/v1/users/bulk-update/{id}/cancel", { path: { id: job._id }, community }),
    onSuccess: ({ data }) => {
      queries.setQueryData<Job>(jobKey(community, job._id), data);
      cancelDialog.close();
    },
    onError: (error) => {
      // It ended while the question stood there: the page shows how.
      if (!(error instanceof ApiError) || error.code !== "job_finished") return;
      cancelDialog.close();
      void queries.invalidateQueries({ queryKey: ["bulk-jobs", community] });
    },
  });
  const erase = useMutation({
    mutationFn: () => api.delete("/v1/users/bulk-update/{id}/files", { path: { id: job._id }, community }),
    onSuccess: async () => {
      eraseDialog.close();
      toast.done(texts.erased);
      await queries.invalidateQueries({ queryKey: ["bulk-jobs", community] });
    },
  });

  const ended = hasEnded(job);
  const erased = job.expiresAt !== null && Date.parse(job.expiresAt) <= Date.now();
  const mayRevert =
    ended &&
    !erased &&
    !job.dry_run &&
    job.type !== "revert" &&
    job.status !== "reverting" &&
    job.updated + job.created > 0 &&
    (job.status !== "reverted" || job.conflicts > 0);
  const link = (path: string, label: string, query: Record<string, string> = {}) => (
    <Menu.Item component="a" href={downloadUrl(community, path, query)} download>
      {label}
    </Menu.Item>
  );
  return (
    <>
      {!ended && (
        <Button
          variant="default"
          leftSection={<X size={16} aria-hidden />}
          onClick={cancelDialog.open}
          disabled={job.cancel_requested}
        >
          {texts.cancelJob}
        </Button>
      )}
      {mayRevert && (
        <Button variant="default" leftSection={<Undo2 size={16} aria-hidden />} onClick={revertDialog.open}>
          {texts.revert}
        </Button>
      )}
      {!erased && (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" rightSection={<ChevronDown size={16} aria-hidden />}>
              {texts.download}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {ended && link(`${job._id}/results`, texts.downloadAll)}
            {ended && job.failed > 0 && link(`${job._id}/results`, texts.downloadRefused, { status: "failed" })}
            {ended &&
              job.not_processed > 0 &&
              link(`${job._id}/results`, texts.downloadNotReached, { status: "not_processed" })}
            {job.type !== "revert" && link(`${job._id}/source`, texts.downloadSource)}
          </Menu.Dropdown>
        </Menu>
      )}
      {ended && !erased && job.status !== "reverting" && (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" px={10} aria-label={texts.actions}>
              <Ellipsis size={16} aria-hidden />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item color="red" onClick={eraseDialog.open}>
              {texts.erase}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}

      <Confirm
        opened={cancelling && !ended}
        onClose={cancelDialog.close}
        title={texts.cancelTitle}
        action={texts.cancelJob}
        onConfirm={() => cancel.mutate()}
        pending={cancel.isPending}
        error={cancel.error}
      >
        <Text size="sm">
          {job.dry_run
            ? texts.cancelTrialText
            : job.status === "queued"
              ? texts.cancelWaitingText
              : job.type === "revert"
                ? texts.cancelRevertText(texts.rowsOf(job.processed))
                : texts.cancelText(texts.rowsOf(job.processed))}
        </Text>
      </Confirm>
      <Confirm
        opened={erasing}
        onClose={eraseDialog.close}
        title={texts.eraseTitle}
        action={texts.eraseAction}
        onConfirm={() => erase.mutate()}
        pending={erase.isPending}
        error={erase.error}
      >
        <Text size="sm">{texts.eraseText}</Text>
      </Confirm>
      <RevertDialog job={job._id} opened={reverting} onClose={revertDialog.close} />
    </>
  );
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
    [texts.createdBy, job.created_by.name || job.created_by.id],
    [texts.createdAt, <Moment key="created" time={job.createdAt} as="dateTime" />],
    [texts.startedAt, <Moment key="started" time={job.startedAt} as="dateTime" />],
    [texts.finishedAt, <Moment key="finished" time={job.finishedAt} as="dateTime" />],
    ...(job.startedAt && job.finishedAt
      ? ([[texts.took, format.duration((Date.parse(job.finishedAt) - Date.parse(job.startedAt)) / 1000)]] as [
          string,
          ReactNode,
        ][])
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
