import { Button, Group, Text, ThemeIcon } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { CircleAlert, CircleCheck, Download, FlaskConical, Play, Undo2 } from "lucide-react";
import type { ReactNode } from "react";
import { type Format, useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { texts } from "./-bulk.texts";
import { downloadUrl, isErased, type Job } from "./-jobs";
import { RevertDialog } from "./-revert";
import { RunDialog } from "./-run-again";

type Tone = "good" | "some" | "bad" | "plain";
const tones: Record<Tone, { color: string; icon: ReactNode }> = {
  good: { color: "teal", icon: <CircleCheck size={18} aria-hidden /> },
  some: { color: "yellow", icon: <CircleAlert size={18} aria-hidden /> },
  bad: { color: "red", icon: <CircleAlert size={18} aria-hidden /> },
  plain: { color: "blue", icon: <Undo2 size={18} aria-hidden /> },
};

function headlineOf(job: Job, format: Format): { tone: Tone; line: string; next?: string } {
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
      line: words.reverted(job.reverted_rows),
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

/** How a job ended, and what to do next. */
export function Ending({ job }: { job: Job }) {
  const { _id: community } = useCommunity();
  const format = useFormat();
  const [running, run] = useDisclosure(false);
  const [reverting, revert] = useDisclosure(false);
  const { tone, line, next } = headlineOf(job, format);
  const trialToRun = job.dry_run && job.status === "completed" && job.success > 0;
  const erased = isErased(job);
  return (
    <Group p="md" gap="sm" wrap="nowrap" align="flex-start">
      <ThemeIcon variant="light" color={tones[tone].color} size={34} radius="xl">
        {trialToRun && tone === "good" ? <FlaskConical size={18} aria-hidden /> : tones[tone].icon}
      </ThemeIcon>
      <div style={{ minWidth: 0, paddingTop: 5 }}>
        <Text fw={600} role="status">
          {line}
        </Text>
        {next && (
          <Text size="sm" c="dimmed" maw={680}>
            {next}
          </Text>
        )}
        {job.skipped > 0 && (
          <Text size="sm" c="dimmed" mt={4}>
            {texts.skippedRows(format.integer(job.skipped))}
          </Text>
        )}
        {!erased && (trialToRun || job.failed > 0 || job.not_processed > 0) && (
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
      </div>
      <RunDialog job={job} opened={running} onClose={run.close} />
      {job.revert_of && <RevertDialog job={job.revert_of} trial={job._id} opened={reverting} onClose={revert.close} />}
    </Group>
  );
}
