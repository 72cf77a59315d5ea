import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "~/api/client";
import { ErrorAlert } from "~/components/error-view";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { texts } from "../-members.texts";

/** No list shows deleted members: who is to come back is named. */
export function RestoreMember({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={texts.restoreTitle}
      closeButtonProps={{ "aria-label": common.close }}
    >
      <RestoreForm onClose={onClose} />
    </Modal>
  );
}

function RestoreForm({ onClose }: { onClose: () => void }) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const [who, setWho] = useState("");
  const restore = useMutation({
    mutationFn: (user: string) => api.post("/v1/users/manage", { community, body: { action: "restore", user } }),
    onSuccess: async (_, user) => {
      await queries.invalidateQueries({ queryKey: ["members", community] });
      toast.done(texts.restored(user));
      onClose();
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (who.trim()) restore.mutate(who.trim());
      }}
    >
      <Stack>
        <Text size="sm">{texts.restoreLead}</Text>
        <ErrorAlert error={restore.error} />
        <TextInput
          label={texts.restoreWho}
          description={texts.restoreWhoHint}
          value={who}
          onChange={(event) => setWho(event.currentTarget.value)}
          maxLength={320}
          autoComplete="off"
          data-autofocus
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {common.cancel}
          </Button>
          <Button type="submit" loading={restore.isPending} disabled={!who.trim()}>
            {texts.restoreDo}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
