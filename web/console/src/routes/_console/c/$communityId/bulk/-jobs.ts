// Jobs as the pages see them: what they are called, how they are asked for, and how one is followed.
import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { type AnswerOf, api } from "~/api/client";
import { parseJson } from "~/api/json";
import type { Format } from "~/format/format";
import { texts } from "./-bulk.texts";
import { readEvents } from "./-events";
import type { JobType } from "./-names";
import { waitFor } from "./-upload";

export type JobSummary = AnswerOf<"get", "/v1/users/bulk-update">["data"][number];
export type Job = AnswerOf<"get", "/v1/users/bulk-update/{id}/status">["data"];
export const stateColors: Record<string, string> = {
  queued: "gray",
  processing: "blue",
  completed: "teal",
  failed: "red",
  cancelled: "gray",
  reverting: "blue",
  reverted: "grape",
};
export const outcomeColors: Record<string, string> = {
  updated: "teal",
  created: "teal",
  unchanged: "gray",
  failed: "red",
  not_processed: "yellow",
};

/** What a row's outcome is called in this job. */
export function outcomeName(job: { type: string }, outcome: string): string {
  const names: Record<string, string> = job.type === "revert" ? texts.revertOutcomes : texts.outcomes;
  return names[outcome] ?? outcome;
}

/** Waits or runs, or something else works on it. */
export const isOpen = (job: { status: string }) =>
  job.status === "queued" || job.status === "processing" || job.status === "reverting";
/** Its file and its rows are gone. */
export const isErased = (job: { expiresAt: string | null }) =>
  job.expiresAt !== null && Date.parse(job.expiresAt) <= Date.now();
/** Its rows have outcomes that stay. */
export const hasEnded = (job: { status: string }) => job.status !== "queued" && job.status !== "processing";

export function nameOf(
  job: { log_name: string; file_name?: string; file?: { name: string }; type: string; createdAt: string },
  format: Format,
): string {
  const file = job.file_name ?? job.file?.name ?? "";
  return (
    job.log_name || file || texts.unnamed(texts.types[job.type as JobType] ?? job.type, format.dateTime(job.createdAt))
  );
}

export const jobKey = (community: string, id: string) => ["bulk-jobs", community, "job", id] as const;

export const jobQuery = (community: string, id: string) =>
  queryOptions({
    queryKey: jobKey(community, id),
    queryFn: async ({ signal }) =>
      (await api.get("/v1/users/bulk-update/{id}/status", { path: { id }, community, signal })).data,
  });

/** What the address of a download is: the browser follows it by itself, so the community stands in it. */
export function downloadUrl(community: string, path: string, query: Record<string, string> = {}): string {
  return `/v1/users/bulk-update/${path}?${new URLSearchParams({ ...query, communityId: community })}`;
}

// ---- Following ----------------------------------------------------------------------------------------------------------

export type Connection = "live" | "away" | "asking" | "over";
export type Speed = { rowsPerSecond: number; secondsLeft: number } | null;

const firstWaitMs = 500;
const waitMsMax = 8_000;
/** Streams that do not come through are given up for asking now and then. */
const failuresMax = 4;
const askMs = 2_000;
const silenceMsMax = 30_000;
/** The speed is that of this time, so that it follows what the server does. */
const speedWindowMs = 12_000;
const speedWindowMsMin = 1_500;

/** The job, as it is now for as long as it changes: by its events, and by asking where they do not come through. */
export function useFollowedJob(community: string, id: string) {
  const queries = useQueryClient();
  const [connection, setConnection] = useState<Connection>("over");
  const query = useQuery({
    ...jobQuery(community, id),
    refetchInterval: ({ state }) => (state.data && isOpen(state.data) && connection === "asking" ? askMs : false),
  });
  const open = query.data !== undefined && isOpen(query.data);

  useEffect(() => {
    if (!open) return;
    const stop = new AbortController();
    const take = (change: Partial<Job>) =>
      queries.setQueryData<Job>(jobKey(community, id), (job) =>
        // An older state that comes late.
        !job || (change.processed !== undefined && change.processed < job.processed) ? job : { ...job, ...change },
      );
    const follow = async () => {
      let lastId = "";
      let failures = 0;
      let waitMs = firstWaitMs;
      while (!stop.signal.aborted) {
        try {
          const end = await readEvents(
            `/v1/users/bulk-update/${id}/events`,
            {
              community,
              lastId,
              signal: stop.signal,
              silenceMsMax,
              onOpen: () => {
                failures = 0;
                waitMs = firstWaitMs;
                setConnection("live");
              },
            },
            (event) => {
              lastId = event.id || lastId;
              take(parseJson(event.data) as Partial<Job>);
            },
          );
          if (end !== "closed") {
            // The status says the rest: how it ended, or why nobody may see it.
            await queries.invalidateQueries({ queryKey: jobKey(community, id), exact: true });
            return;
          }
        } catch {
          failures++;
        }
        if (stop.signal.aborted) return;
        setConnection(failures >= failuresMax ? "asking" : "away");
        await waitFor(waitMs, stop.signal);
        waitMs = Math.min(waitMs * 2, waitMsMax);
      }
    };
    // Stopped while it waited.
    follow().catch(() => {});
    return () => {
      stop.abort();
      setConnection("over");
    };
  }, [open, community, id, queries]);

  // Lists and rows show what has become of it.
  const wasOpen = useRef(false);
  useEffect(() => {
    if (wasOpen.current && !open && query.data) void queries.invalidateQueries({ queryKey: ["bulk-jobs", community] });
    wasOpen.current = open;
  }, [open, query.data, queries, community]);

  const speed = useSpeed(query.data);
  return { query, job: query.data, connection, speed };
}

function useSpeed(job: Job | undefined): Speed {
  const samples = useRef<{ at: number; processed: number }[]>([]);
  const running = job?.status === "processing";
  const processed = job?.processed ?? 0;
  const total = job?.total ?? 0;
  const [speed, setSpeed] = useState<Speed>(null);
  useEffect(() => {
    if (!running) {
      samples.current = [];
      setSpeed(null);
      return;
    }
    const at = performance.now();
    samples.current = [...samples.current.filter((one) => at - one.at <= speedWindowMs), { at, processed }];
    const first = samples.current[0]!;
    if (at - first.at < speedWindowMsMin) return;
    const rowsPerSecond = ((processed - first.processed) * 1000) / (at - first.at);
    setSpeed(rowsPerSecond > 0 ? { rowsPerSecond, secondsLeft: (total - processed) / rowsPerSecond } : null);
  }, [running, processed, total]);
  return speed;
}
