// What a job comes to: sums of each currency, fields, and why rows were refused.
import { Anchor, Button, Group, Paper, Skeleton, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Format } from "~/format/format";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { amountOf } from "./-amounts";
import classes from "./-bulk.module.css";
import { texts } from "./-bulk.texts";
import { hasEnded, isErased, type Job } from "./-jobs";
import { fetchRows, rowsKey } from "./-results";
import { count, emptyTally, type Reason, type Tally } from "./-tally";

/** Rows that are counted without being asked: some forty quick requests. */
const countedMax = 20_000;
const pageRows = 500;

async function countRows(
  community: string,
  job: string,
  status: string | undefined,
  most: number,
  signal: AbortSignal,
  onPage?: (rows: number) => void,
): Promise<Tally> {
  const tally = emptyTally();
  for (let after: number | undefined; tally.rows < most; ) {
    const rows = await fetchRows(community, job, { status, after_row: after, limit: pageRows }, signal);
    count(tally, rows);
    onPage?.(tally.rows);
    if (rows.length < pageRows) break;
    after = rows.at(-1)!.row;
  }
  return tally;
}

/** The reasons of refused rows, most frequent first. */
export function useReasons(job: Job | undefined): { reasons: Reason[]; counted: number } {
  const { _id: community } = useCommunity();
  const query = useQuery({
    queryKey: [...rowsKey(community, job?._id ?? ""), "reasons"],
    queryFn: ({ signal }) => countRows(community, job!._id, "failed", countedMax, signal),
    enabled: job !== undefined && hasEnded(job) && !isErased(job) && job.failed > 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const reasons = query.data ? [...query.data.reasons.values()].sort((a, b) => b.rows - a.rows) : [];
  return { reasons, counted: query.data?.rows ?? 0 };
}

export function Summary({
  job,
  reasons,
  counted,
  onReason,
}: {
  job: Job;
  reasons: Reason[];
  counted: number;
  onReason: (code: string) => void;
}) {
  const { _id: community } = useCommunity();
  const format = useFormat();
  const [all, setAll] = useState(false);
  const [progress, setProgress] = useState(0);
  const changing = hasEnded(job) && !isErased(job) && job.updated + job.created > 0;
  const sums = useQuery({
    queryKey: [...rowsKey(community, job._id), "sums", all],
    queryFn: ({ signal }) =>
      countRows(community, job._id, undefined, all ? Number.POSITIVE_INFINITY : countedMax, signal, setProgress),
    enabled: changing,
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: (before) => before,
  });
  const rowCount = job.processed + job.not_processed;
  const trial = job.dry_run;
  const title =
    job.type === "revert"
      ? trial
        ? texts.summaryRevertTrial
        : texts.summaryRevert
      : trial
        ? texts.summaryTrial
        : texts.summary;

  return (
    <>
      {changing && !sums.isError && (
        <section aria-labelledby="bulk-summary">
          <Title order={2} id="bulk-summary" mb="xs">
            {title}
          </Title>
          {sums.data ? (
            <Stack gap="sm">
              <Sums tally={sums.data} format={format} />
              {(sums.data.rows < rowCount || sums.isPlaceholderData) && (
                <Group gap="sm">
                  <Text size="sm" c="dimmed" className="numeric" role="status">
                    {sums.isFetching
                      ? texts.counting(format.integer(progress))
                      : texts.partly(format.integer(sums.data.rows), format.integer(rowCount))}
                  </Text>
                  {!all && (
                    <Button variant="default" size="xs" onClick={() => setAll(true)}>
                      {texts.countAll}
                    </Button>
                  )}
                </Group>
              )}
            </Stack>
          ) : (
            <div className={classes.sums}>
              <Skeleton height={104} radius="lg" />
            </div>
          )}
        </section>
      )}
      {!isErased(job) && reasons.length > 0 && (
        <section aria-labelledby="bulk-reasons">
          <Title order={2} id="bulk-reasons" mb="xs">
            {trial ? texts.reasonsTrial : texts.reasons}
          </Title>
          <Paper style={{ overflow: "hidden" }}>
            <ul className={classes.list}>
              {reasons.map((reason, index) => (
                <li key={reason.code} className={classes.reason} style={index === 0 ? { border: 0 } : undefined}>
                  <div style={{ minWidth: 0 }}>
                    <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                      {reason.message}
                    </Text>
                    <Text size="xs" c="dimmed" ff="monospace">
                      {[reason.column, reason.code].filter(Boolean).join(" · ")}
                    </Text>
                  </div>
                  <Anchor
                    component="button"
                    type="button"
                    size="sm"
                    onClick={() => onReason(reason.code)}
                    className="numeric"
                  >
                    {texts.showRows(reason.rows)}
                  </Anchor>
                </li>
              ))}
            </ul>
            {counted < job.failed && (
              <Text size="xs" c="dimmed" px="md" pb="sm">
                {texts.reasonsPartly(format.integer(counted))}
              </Text>
            )}
          </Paper>
        </section>
      )}
    </>
  );
}

function Sums({ tally, format }: { tally: Tally; format: Format }) {
  const currencies = [...tally.currencies.values()];
  const fields = [...tally.fields].sort((a, b) => b[1] - a[1]);
  if (currencies.length === 0 && fields.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {texts.nothingChanged}
      </Text>
    );
  return (
    <div className={classes.sums}>
      {currencies.map((sum) => (
        <Paper key={sum.name} p="md">
          <Group justify="space-between" gap="xs" mb={6}>
            <Text fw={600} size="sm">
              {sum.name}
            </Text>
            <Text size="xs" c="dimmed">
              {texts.inRows(sum.rows)}
            </Text>
          </Group>
          <dl className={classes.facts} style={{ rowGap: 2 }}>
            <Amount name={texts.given} value={sum.added} sign="+" format={format} />
            <Amount name={texts.taken} value={sum.taken} sign="−" format={format} />
            <Amount
              name={texts.net}
              value={sum.added >= sum.taken ? sum.added - sum.taken : sum.taken - sum.added}
              sign={sum.added >= sum.taken ? "+" : "−"}
              format={format}
              strong
            />
          </dl>
        </Paper>
      ))}
      {fields.length > 0 && (
        <Paper p="md">
          <Text fw={600} size="sm" mb={6}>
            {texts.fields}
          </Text>
          <dl className={classes.facts} style={{ rowGap: 2 }}>
            {fields.map(([name, rows]) => (
              <FieldCount key={name} name={name} rows={rows} />
            ))}
          </dl>
        </Paper>
      )}
    </div>
  );
}

function Amount(props: { name: string; value: bigint; sign: string; format: Format; strong?: boolean }) {
  const { name, value, sign, format, strong } = props;
  return (
    <>
      <dt>{name}</dt>
      <dd className="numeric" style={{ textAlign: "right", fontWeight: strong ? 600 : undefined }}>
        {value === 0n ? format.amount(0) : `${sign}${format.amount(amountOf(value))}`}
      </dd>
    </>
  );
}

function FieldCount({ name, rows }: { name: string; rows: number }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="numeric" style={{ textAlign: "right" }}>
        {texts.rowsOf(rows)}
      </dd>
    </>
  );
}
