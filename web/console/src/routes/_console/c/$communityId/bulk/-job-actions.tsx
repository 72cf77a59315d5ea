import { Button, Menu, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ChevronDown, Ellipsis, Undo2, X } from "lucide-react";
import { api } from "~/api/client";
import { ApiError } from "~/api/errors";
import { Confirm } from "~/components/confirm";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { texts } from "./-bulk.texts";
import { downloadUrl, hasEnded, isErased, type Job, jobKey } from "./-jobs";
import { rowsKey } from "./-results";
import { RevertDialog } from "./-revert";

/** What can be done with a job at the top of its page. */
export function JobActions({ job }: { job: Job }) {
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
    // Sums that are being counted would be told that the rows are gone.
    onMutate: () => queries.cancelQueries({ queryKey: rowsKey(community, job._id) }),
    onSuccess: async ({ data }) => {
      // From now on nobody asks for its rows.
      queries.setQueryData<Job>(jobKey(community, job._id), data);
      eraseDialog.close();
      toast.done(texts.erased);
      await queries.invalidateQueries({ queryKey: ["bulk-jobs", community, "list"] });
    },
  });

  const ended = hasEnded(job);
  const erased = isErased(job);
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
