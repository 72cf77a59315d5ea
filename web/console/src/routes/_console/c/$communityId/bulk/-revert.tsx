import { Button, Group, List, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { api } from "~/api/client";
import { ErrorAlert } from "~/components/error-view";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { texts } from "./-bulk.texts";
import { newKey } from "./-upload";

const reasonMax = 500;

/** The reason that a trial was given, for the reversal that follows it. */
const reasons = new Map<string, string>();

/** Takes a job back, or tries it. `trial` is the trial run that this comes from. */
export function RevertDialog({
  job,
  trial,
  opened,
  onClose,
}: {
  job: string;
  trial?: string;
  opened: boolean;
  onClose: () => void;
}) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [reason, setReason] = useState(() => (trial && reasons.get(trial)) ?? "");
  const [missing, setMissing] = useState(false);
  // One key for as long as nothing else is asked for.
  const key = useRef({ key: "", of: "" });
  const revert = useMutation({
    mutationFn: async (dryRun: boolean) => {
      const of = JSON.stringify([dryRun, reason.trim()]);
      if (key.current.of !== of) key.current = { key: newKey(), of };
      const answer = await api.post("/v1/users/bulk-update/{id}/revert", {
        path: { id: job },
        body: { reason: reason.trim(), dry_run: dryRun },
        community,
        idempotencyKey: key.current.key,
      });
      return answer.data.id;
    },
    onSuccess: async (id) => {
      reasons.set(id, reason.trim());
      void queries.invalidateQueries({ queryKey: ["bulk-jobs", community] });
      onClose();
      await navigate({ to: `/c/${community}/bulk/${id}` as never });
    },
  });
  const start = (dryRun: boolean) => {
    if (reason.trim() === "") return setMissing(true);
    revert.mutate(dryRun);
  };
  return (
    <Modal
      opened={opened}
      onClose={() => !revert.isPending && onClose()}
      title={texts.revertTitle}
      size="lg"
      closeButtonProps={{ "aria-label": common.close }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          start(!trial);
        }}
      >
        <Stack>
          <Text size="sm">{texts.revertIntro}</Text>
          <List size="sm" spacing={4}>
            {texts.revertItems.map((item) => (
              <List.Item key={item}>{item}</List.Item>
            ))}
          </List>
          <Text size="sm">{texts.revertConflicts}</Text>
          <Textarea
            label={texts.reason}
            description={texts.reasonText}
            value={reason}
            onChange={(event) => {
              setReason(event.currentTarget.value);
              setMissing(false);
            }}
            error={missing && texts.reasonMissing}
            maxLength={reasonMax}
            autosize
            minRows={2}
            withAsterisk
            data-autofocus
          />
          <ErrorAlert error={revert.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose} disabled={revert.isPending}>
              {common.cancel}
            </Button>
            {trial ? (
              <Button
                type="submit"
                color="red"
                loading={revert.isPending}
                onClick={(event) => {
                  event.preventDefault();
                  start(false);
                }}
              >
                {texts.revertNow}
              </Button>
            ) : (
              <>
                <Button color="red" variant="light" onClick={() => start(false)} disabled={revert.isPending}>
                  {texts.revertNow}
                </Button>
                <Button type="submit" loading={revert.isPending}>
                  {texts.revertTry}
                </Button>
              </>
            )}
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
