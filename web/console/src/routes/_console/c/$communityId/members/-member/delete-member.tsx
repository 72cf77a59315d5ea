import { Text } from "@mantine/core";
import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api } from "~/api/client";
import { Confirm } from "~/components/confirm";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { byId, type Member, membersChanged } from "../-list/members-data";
import { texts } from "../-member.texts";
import { nameOf } from "./header";

const manage = (community: string, action: "delete" | "restore", id: string) =>
  api.post("/v1/users/manage", { community, body: { action, user: byId(id) } });

async function restore(queries: QueryClient, community: string, member: Member) {
  try {
    await manage(community, "restore", member.userId);
    await membersChanged(queries, community);
    toast.done(texts.restored(nameOf(member)));
  } catch (error) {
    toast.failed(error);
  }
}

export function DeleteMember({ member, opened, onClose }: { member: Member; opened: boolean; onClose: () => void }) {
  const { _id: community } = useCommunity();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => manage(community, "delete", member.userId),
    onSuccess: async () => {
      // The page of who is gone has nothing to show: it is left before its data is asked for again.
      await navigate({ to: "/c/$communityId/members", params: { communityId: community } });
      await membersChanged(queries, community, member.userId);
      toast.done(texts.deleted(nameOf(member)), () => void restore(queries, community, member));
    },
  });
  return (
    <Confirm
      opened={opened}
      onClose={() => {
        remove.reset();
        onClose();
      }}
      title={texts.deleteTitle(nameOf(member))}
      action={texts.delete}
      onConfirm={() => remove.mutate()}
      pending={remove.isPending}
      error={remove.error}
    >
      <Text size="sm">{texts.deleteText}</Text>
    </Confirm>
  );
}
