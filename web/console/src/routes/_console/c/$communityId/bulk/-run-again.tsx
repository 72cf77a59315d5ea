// What was tried is run: the same bytes, from this visit or from the server, and the same options.
import { Progress, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { ApiError, errorOf } from "~/api/errors";
import { Confirm } from "~/components/confirm";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { texts } from "./-bulk.texts";
import type { Kind } from "./-csv";
import { downloadUrl, type Job } from "./-jobs";
import { keepFile, keptFile } from "./-kept-files";
import { newKey, type UploadProgress, upload } from "./-upload";

const kindOf: Record<string, Kind> = {
  bulk_update: "update",
  bulk_update_premium_currency: "premium",
  bulk_import: "import",
};

async function sourceOf(community: string, job: Job, signal: AbortSignal): Promise<Blob> {
  const kept = keptFile(job._id);
  if (kept) return kept.file;
  const response = await fetch(downloadUrl(community, `${job._id}/source`), { signal, credentials: "same-origin" });
  if (!response.ok) throw errorOf(response, await response.json().catch(() => null));
  return response.blob();
}

export function RunDialog({ job, opened, onClose }: { job: Job; opened: boolean; onClose: () => void }) {
  const { _id: community } = useCommunity();
  const format = useFormat();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [progress, setProgress] = useState<UploadProgress | null>(null);
  const [error, setError] = useState<unknown>(null);
  const key = useRef(newKey());
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  const run = async () => {
    const mine = new AbortController();
    stop.current = mine;
    setError(null);
    setProgress({ sent: 0, total: job.file.size, waiting: false });
    try {
      const file = await sourceOf(community, job, mine.signal);
      const made = await upload({
        kind: kindOf[job.type]!,
        community,
        file,
        fileName: job.file.name,
        options: { logName: job.log_name, dryRun: false, maxErrors: job.max_errors },
        key: key.current,
        signal: mine.signal,
        onProgress: setProgress,
      });
      keepFile(made.id, { file, fileName: job.file.name, duplicateOf: made.duplicate_of });
      void queries.invalidateQueries({ queryKey: ["bulk-jobs", community] });
      onClose();
      await navigate({ to: `/c/${community}/bulk/${made.id}` as never });
    } catch (failure) {
      if (!mine.signal.aborted)
        setError(failure instanceof DOMException ? new ApiError(texts.fileChanged, 0, "file_changed") : failure);
    }
    setProgress(null);
  };
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={texts.runThisTitle}
      action={texts.runNow}
      onConfirm={() => void run()}
      pending={progress !== null}
      error={error}
      harmless
    >
      <Stack gap="xs">
        <Text size="sm">{texts.runThisText(texts.rowsOf(job.success), job.failed)}</Text>
        <Text size="sm">{texts.runThisUndo}</Text>
        {progress && (
          <>
            <Text size="sm" c="dimmed" role="status" className="numeric">
              {progress.waiting
                ? texts.waiting
                : progress.sent >= progress.total
                  ? texts.checking
                  : texts.uploading(format.bytes(progress.sent), format.bytes(progress.total))}
            </Text>
            <Progress
              value={progress.total === 0 ? 0 : (100 * progress.sent) / progress.total}
              aria-label={texts.progress}
            />
          </>
        )}
      </Stack>
    </Confirm>
  );
}
