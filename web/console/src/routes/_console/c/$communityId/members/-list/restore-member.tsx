import { Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "~/api/client";
import { FormDialog } from "~/components/form-modal";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { texts } from "../-members.texts";
import { membersChanged } from "./members-data";

/** No list shows deleted members: who is to come back is named. */
export function RestoreMember({ onClose }: { onClose: () => void }) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const [who, setWho] = useState("");
  const restore = useMutation({
    mutationFn: (user: string) => api.post("/v1/users/manage", { community, body: { action: "restore", user } }),
    onSuccess: async (_, user) => {
      await membersChanged(queries, community);
      toast.done(texts.restored(user));
      onClose();
    },
  });
  return (
    <FormDialog
      title={texts.restoreTitle}
      onClose={onClose}
      onSubmit={(event) => {
        event.preventDefault();
        if (who.trim()) restore.mutate(who.trim());
      }}
      dirty={who !== ""}
      pending={restore.isPending}
      disabled={!who.trim()}
      alert={{ error: restore.error }}
      action={texts.restoreDo}
    >
      <Text size="sm">{texts.restoreLead}</Text>
      <TextInput
        label={texts.restoreWho}
        description={texts.restoreWhoHint}
        value={who}
        onChange={(event) => setWho(event.currentTarget.value)}
        maxLength={320}
        autoComplete="off"
        data-autofocus
      />
    </FormDialog>
  );
}
