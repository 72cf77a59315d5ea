import { Badge, Button, Group, Modal, SimpleGrid, Skeleton, Table, Text, TextInput } from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "~/api/client";
import { Confirm, useConfirmed } from "~/components/confirm";
import { ErrorView } from "~/components/error-view";
import { FormModal } from "~/components/form-modal";
import { useFormMutation } from "~/components/form-mutation";
import { Section } from "~/components/section";
import { toast } from "~/components/toast";
import { type Community, runs, sessionQuery, useMe } from "~/session/session";
import { pathIn } from "~/shell/navigation";
import { texts as shell } from "~/shell/shell.texts";
import { common } from "~/texts/common.texts";
import { texts } from "./-me.texts";

const stateColors: Record<string, string> = { active: "teal", invited: "blue", suspended: "yellow", banned: "red" };

/** The communities of who is signed in: his profile there, invitations, the way out. */
export function Memberships() {
  const me = useMe();
  const queries = useQueryClient();
  const [editing, setEditing] = useState<Community | null>(null);
  const again = () => queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
  const join = useMutation({
    mutationFn: ({ _id }: Community) => api.post("/communities/{communityId}/join", { path: { communityId: _id } }),
    onSuccess: async (_, community) => {
      await again();
      toast.done(texts.joined(community.title));
    },
    onError: (error) => toast.failed(error),
  });
  const leave = useConfirmed({
    act: ({ _id }: Community) => api.post("/communities/{communityId}/leave", { path: { communityId: _id } }),
    onDone: async (_, community) => {
      await again();
      toast.done(texts.left(community.title));
    },
  });
  return (
    <Section title={texts.communities} lead={texts.communitiesLead} flush={me.communities.length > 0}>
      {me.communities.length === 0 ? (
        <Text size="sm" c="dimmed">
          {texts.noCommunities}
        </Text>
      ) : (
        <Table>
          <Table.Tbody>
            {me.communities.map((community) => (
              <Table.Tr key={community._id}>
                <Table.Td miw={130}>
                  <Text fw={500}>{community.title}</Text>
                  <Text size="sm" c="dimmed">
                    {[community.displayName, community.role && shell.roles[community.role]].filter(Boolean).join(" · ")}
                  </Text>
                  {community.status !== "active" && (
                    <Badge color={stateColors[community.status] ?? "gray"} mt={4}>
                      {texts.states[community.status] ?? community.status}
                    </Badge>
                  )}
                </Table.Td>
                <Table.Td>
                  <Group gap="xs" justify="flex-end">
                    {community.status === "invited" && (
                      <Button
                        loading={join.isPending && join.variables._id === community._id}
                        onClick={() => join.mutate(community)}
                        aria-label={`${texts.join}: ${community.title}`}
                      >
                        {texts.join}
                      </Button>
                    )}
                    {community.status === "active" && (
                      <Button
                        variant="default"
                        onClick={() => setEditing(community)}
                        aria-label={`${texts.editProfile}: ${community.title}`}
                      >
                        {texts.editProfile}
                      </Button>
                    )}
                    {runs(community) && (
                      <Button component={Link} to={pathIn(community._id, "")} variant="default">
                        {texts.open}
                      </Button>
                    )}
                    {community.status === "active" && community.role !== "COMMUNITY_OWNER" && (
                      <Button
                        variant="subtle"
                        color="red"
                        onClick={() => leave.ask(community)}
                        aria-label={`${texts.leave}: ${community.title}`}
                      >
                        {texts.leave}
                      </Button>
                    )}
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {editing && <EditProfile community={editing} onClose={() => setEditing(null)} />}
      <Confirm {...leave.dialog} title={leave.item ? texts.leaveTitle(leave.item.title) : ""} action={texts.leave}>
        <Text size="sm">{texts.leaveText}</Text>
      </Confirm>
    </Section>
  );
}

type Names = { displayName: string; firstName: string; lastName: string };

function EditProfile({ community, onClose }: { community: Community; onClose: () => void }) {
  const me = useMe();
  const profile = useQuery({
    queryKey: ["profile", community._id, me._id],
    queryFn: ({ signal }) =>
      api.get("/v1/users/{userId}", { path: { userId: me._id }, community: community._id, signal }),
    select: (answer) => answer.data,
    staleTime: 0,
  });
  if (profile.data) {
    const { displayName, firstName, lastName } = profile.data;
    const names = { displayName: displayName ?? "", firstName: firstName ?? "", lastName: lastName ?? "" };
    return <ProfileForm community={community} onClose={onClose} names={names} />;
  }
  return (
    <Modal
      opened
      onClose={onClose}
      title={texts.profileIn(community.title)}
      closeButtonProps={{ "aria-label": common.close }}
    >
      {profile.error ? (
        <ErrorView error={profile.error} retry={() => void profile.refetch()} height={190} />
      ) : (
        <Skeleton height={190} />
      )}
    </Modal>
  );
}

function ProfileForm({ community, names, onClose }: { community: Community; names: Names; onClose: () => void }) {
  const me = useMe();
  const queries = useQueryClient();
  const form = useForm({ initialValues: names, validate: { displayName: isNotEmpty(texts.required) } });
  const send = useFormMutation(form, {
    mutationFn: (values: Names) =>
      api.patch("/v1/users/{userId}", {
        path: { userId: me._id },
        community: community._id,
        body: {
          displayName: values.displayName.trim(),
          firstName: values.firstName.trim() || null,
          lastName: values.lastName.trim() || null,
        },
      }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
      void queries.invalidateQueries({ queryKey: ["members", community._id] });
      toast.done(texts.saved);
      onClose();
    },
  });
  return (
    <FormModal title={texts.profileIn(community.title)} onClose={onClose} form={form} send={send} action={common.save}>
      <TextInput
        label={texts.displayName}
        description={texts.displayNameHint}
        maxLength={50}
        data-autofocus
        {...form.getInputProps("displayName")}
      />
      <SimpleGrid cols={2}>
        <TextInput label={texts.firstName} maxLength={50} {...form.getInputProps("firstName")} />
        <TextInput label={texts.lastName} maxLength={50} {...form.getInputProps("lastName")} />
      </SimpleGrid>
    </FormModal>
  );
}
