import { Alert, Badge, Button, Group, Modal, Paper, Select, Stack, Text, TextInput } from "@mantine/core";
import { isEmail, useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { createColumnHelper } from "@tanstack/react-table";
import { Info, UserPlus } from "lucide-react";
import { useMemo, useState } from "react";
import { type AnswerOf, api } from "~/api/client";
import { columnsOf } from "~/components/columns";
import { Confirm } from "~/components/confirm";
import { DataTable } from "~/components/data-table";
import { ErrorAlert } from "~/components/error-view";
import { useFormMutation } from "~/components/form-mutation";
import { Page } from "~/components/page";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { administers, rolesQuery } from "../-roles";
import { texts } from "./-administrators.texts";

export const Route = createFileRoute("/_console/c/$communityId/settings/administrators/")({
  component: Administrators,
});

type Administrator = AnswerOf<"get", "/v1/communities/{communityId}/administrators">["data"][number];

function Administrators() {
  const community = useCommunity();
  const communityId = community._id;
  const queries = useQueryClient();
  const [inviting, setInviting] = useState(false);
  const [dismissing, setDismissing] = useState<Administrator | null>(null);
  const owner = community.role === "COMMUNITY_OWNER";
  const list = useQuery({
    queryKey: ["administrators", communityId],
    queryFn: ({ signal }) => api.get("/v1/communities/{communityId}/administrators", { path: { communityId }, signal }),
    select: (answer) => answer.data,
    enabled: owner,
  });
  const again = () => {
    void queries.invalidateQueries({ queryKey: ["roles", communityId] });
    void queries.invalidateQueries({ queryKey: ["members", communityId] });
    return queries.invalidateQueries({ queryKey: ["administrators", communityId] });
  };
  const dismiss = useMutation({
    mutationFn: ({ userId }: Administrator) =>
      api.delete("/v1/communities/{communityId}/administrators/{userId}", { path: { communityId, userId } }),
    onSuccess: () => {
      setDismissing(null);
      toast.done(texts.dismissed);
    },
    onSettled: again,
  });
  const columns = useMemo(() => {
    const column = createColumnHelper<Administrator>();
    return columnsOf<Administrator>([
      column.accessor("displayName", {
        header: texts.person,
        cell: ({ row: { original } }) => (
          <div>
            <Group gap="xs" wrap="nowrap">
              <Text fw={500} truncate>
                {original.displayName || original.username}
              </Text>
              {original.isOwner && <Badge>{texts.owner}</Badge>}
            </Group>
            <Text size="xs" c="dimmed" truncate>
              {original.email}
            </Text>
          </div>
        ),
      }),
      column.accessor("roles", {
        header: texts.roles,
        cell: ({ getValue }) =>
          getValue()
            .map((role: { title: string }) => role.title)
            .join(", "),
        meta: { from: "sm" },
      }),
      column.accessor("status", {
        header: texts.state,
        cell: ({ getValue, row: { original } }) => (
          <Badge color={getValue() === "active" && original.isClaimed ? "teal" : "yellow"}>
            {original.isClaimed ? (texts.states[getValue()] ?? getValue()) : texts.unclaimed}
          </Badge>
        ),
        meta: { from: "sm" },
      }),
      column.accessor("hasSecondFactor", {
        header: texts.factor,
        cell: ({ getValue }) => (getValue() ? texts.on : texts.off),
        meta: { from: "md" },
      }),
      column.display({
        id: "actions",
        meta: { name: texts.dismiss, width: 110 },
        cell: ({ row: { original } }) =>
          !original.isOwner && (
            <Button
              variant="default"
              size="xs"
              onClick={() => setDismissing(original)}
              aria-label={texts.dismissLabel(original.displayName || original.username)}
            >
              {texts.dismiss}
            </Button>
          ),
      }),
    ]);
  }, []);
  if (!owner)
    return (
      <Page title={texts.title} lead={texts.lead} width="form">
        <Alert icon={<Info size={18} aria-hidden />}>{texts.ownerOnly}</Alert>
      </Page>
    );
  return (
    <Page
      title={texts.title}
      lead={texts.lead}
      actions={
        <Button leftSection={<UserPlus size={16} aria-hidden />} onClick={() => setInviting(true)}>
          {texts.invite}
        </Button>
      }
    >
      <Paper>
        <DataTable
          label={texts.title}
          columns={columns}
          rows={list.data}
          rowId={(row) => row._id}
          loading={list.isPending}
          error={list.error}
          retry={() => void list.refetch()}
          skeletonRows={2}
          empty={null}
        />
      </Paper>
      {inviting && <Invite onClose={() => setInviting(false)} onDone={again} />}
      <Confirm
        opened={dismissing !== null}
        onClose={() => setDismissing(null)}
        title={dismissing ? texts.dismissTitle(dismissing.displayName || dismissing.username) : ""}
        action={texts.dismiss}
        onConfirm={() => dismissing && dismiss.mutate(dismissing)}
        pending={dismiss.isPending}
        error={dismiss.error}
      >
        <Text size="sm">{dismissing && texts.dismissText(dismissing.roles.map((role) => role.title).join(", "))}</Text>
      </Confirm>
    </Page>
  );
}

function Invite({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const { _id: communityId } = useCommunity();
  const roles = useQuery(rolesQuery(communityId));
  const form = useForm({ initialValues: { email: "", roleId: "" }, validate: { email: isEmail(texts.emailInvalid) } });
  const send = useFormMutation(form, {
    mutationFn: ({ email, roleId }: typeof form.values) =>
      api.post("/v1/communities/{communityId}/administrators", {
        path: { communityId },
        body: { email: email.trim(), roleId: roleId || null },
      }),
    onSuccess: ({ data }) => {
      onDone();
      toast.done(texts.mails[data.mail] ?? texts.mails.none!);
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} title={texts.inviteTitle} closeButtonProps={{ "aria-label": common.close }}>
      <form onSubmit={form.onSubmit((values) => send.mutate(values))} noValidate>
        <Stack>
          <ErrorAlert {...send.alert} />
          <Text size="sm">{texts.inviteText}</Text>
          <TextInput
            label={texts.email}
            type="email"
            autoComplete="off"
            data-autofocus
            {...form.getInputProps("email")}
          />
          <Select
            label={texts.role}
            description={texts.roleHint}
            placeholder={texts.roleDefault}
            data={(roles.data ?? []).filter(administers).map((role) => ({ value: role._id, label: role.title }))}
            clearable
            {...form.getInputProps("roleId")}
            onChange={(value) => form.setFieldValue("roleId", value ?? "")}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {common.cancel}
            </Button>
            <Button type="submit" loading={send.isPending}>
              {texts.send}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
