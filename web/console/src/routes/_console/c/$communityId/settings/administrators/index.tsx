import { Alert, Badge, Button, Group, Paper, Select, Text, TextInput } from "@mantine/core";
import { isEmail, useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Info, UserPlus } from "lucide-react";
import { useState } from "react";
import { type AnswerOf, api } from "~/api/client";
import { Confirm, useConfirmed } from "~/components/confirm";
import { type Column, DataTable, listed } from "~/components/data-table";
import { FormModal } from "~/components/form-modal";
import { useFormMutation } from "~/components/form-mutation";
import { Page } from "~/components/page";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { administers, rolesQuery } from "../../-catalogue";
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
  const dismissal = useConfirmed({
    act: ({ userId }: Administrator) =>
      api.delete("/v1/communities/{communityId}/administrators/{userId}", { path: { communityId, userId } }),
    onDone: () => toast.done(texts.dismissed),
    onSettled: again,
  });
  const columns: Column<Administrator>[] = [
    {
      id: "displayName",
      header: texts.person,
      cell: (row) => (
        <div>
          <Group gap="xs" wrap="nowrap">
            <Text fw={500} truncate>
              {row.displayName || row.username}
            </Text>
            {row.isOwner && <Badge>{texts.owner}</Badge>}
          </Group>
          <Text size="xs" c="dimmed" truncate>
            {row.email}
          </Text>
        </div>
      ),
    },
    {
      id: "roles",
      header: texts.roles,
      from: "sm",
      cell: (row) => row.roles.map((role: { title: string }) => role.title).join(", "),
    },
    {
      id: "status",
      header: texts.state,
      from: "sm",
      cell: (row) => (
        <Badge color={row.status === "active" && row.isClaimed ? "teal" : "yellow"}>
          {row.isClaimed ? (texts.states[row.status] ?? row.status) : texts.unclaimed}
        </Badge>
      ),
    },
    {
      id: "hasSecondFactor",
      header: texts.factor,
      from: "md",
      cell: (row) => (row.hasSecondFactor ? texts.on : texts.off),
    },
    {
      id: "actions",
      header: texts.dismiss,
      hidden: true,
      width: 110,
      cell: (row) =>
        !row.isOwner && (
          <Button
            variant="default"
            size="xs"
            onClick={() => dismissal.ask(row)}
            aria-label={texts.dismissLabel(row.displayName || row.username)}
          >
            {texts.dismiss}
          </Button>
        ),
    },
  ];
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
          {...listed(list, list.data)}
          rowId={(row) => row._id}
          skeletonRows={2}
          empty={null}
        />
      </Paper>
      {inviting && <Invite onClose={() => setInviting(false)} onDone={again} />}
      <Confirm
        {...dismissal.dialog}
        title={dismissal.item ? texts.dismissTitle(dismissal.item.displayName || dismissal.item.username) : ""}
        action={texts.dismiss}
      >
        <Text size="sm">
          {dismissal.item && texts.dismissText(dismissal.item.roles.map((role) => role.title).join(", "))}
        </Text>
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
    <FormModal title={texts.inviteTitle} onClose={onClose} form={form} send={send} action={texts.send}>
      <Text size="sm">{texts.inviteText}</Text>
      <TextInput label={texts.email} type="email" autoComplete="off" data-autofocus {...form.getInputProps("email")} />
      <Select
        label={texts.role}
        description={texts.roleHint}
        placeholder={texts.roleDefault}
        data={(roles.data ?? []).filter(administers).map((role) => ({ value: role._id, label: role.title }))}
        clearable
        {...form.getInputProps("roleId")}
        onChange={(value) => form.setFieldValue("roleId", value ?? "")}
      />
    </FormModal>
  );
}
