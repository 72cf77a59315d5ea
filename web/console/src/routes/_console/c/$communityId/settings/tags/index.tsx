import { ActionIcon, Button, Group, Modal, Paper, Stack, Text, TextInput } from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { createColumnHelper } from "@tanstack/react-table";
import { Pencil, Plus, Tag as TagIcon, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { type AnswerOf, api } from "~/api/client";
import { columnsOf } from "~/components/columns";
import { Confirm } from "~/components/confirm";
import { DataTable } from "~/components/data-table";
import { EmptyView, ErrorAlert } from "~/components/error-view";
import { useFormMutation } from "~/components/form-mutation";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { plural } from "~/texts/texts";
import { texts } from "./-tags.texts";

export const Route = createFileRoute("/_console/c/$communityId/settings/tags/")({ component: Tags });

type Tag = AnswerOf<"get", "/v1/communities/{communityId}/tags">["data"][number];

function Tags() {
  const { _id: communityId } = useCommunity();
  const format = useFormat();
  const queries = useQueryClient();
  const [editing, setEditing] = useState<Tag | "new" | null>(null);
  const [removing, setRemoving] = useState<Tag | null>(null);
  const list = useQuery({
    queryKey: ["tags", communityId],
    queryFn: ({ signal }) => api.get("/v1/communities/{communityId}/tags", { path: { communityId }, signal }),
    select: (answer) => answer.data,
  });
  const again = () => {
    void queries.invalidateQueries({ queryKey: ["members", communityId] });
    return queries.invalidateQueries({ queryKey: ["tags", communityId] });
  };
  const remove = useMutation({
    mutationFn: ({ _id }: Tag) =>
      api.delete("/v1/communities/{communityId}/tags/{tagId}", { path: { communityId, tagId: _id } }),
    onSuccess: () => {
      setRemoving(null);
      toast.done(texts.deleted);
    },
    onSettled: again,
  });
  const columns = useMemo(() => {
    const column = createColumnHelper<Tag>();
    return columnsOf<Tag>([
      column.accessor("name", {
        header: texts.name,
        cell: ({ getValue }) => (
          <Text span fw={500}>
            {getValue()}
          </Text>
        ),
      }),
      column.accessor("memberCount", {
        header: texts.members,
        cell: ({ getValue }) => format.integer(getValue()),
        meta: { numeric: true, width: 120 },
      }),
      column.accessor("createdAt", {
        header: texts.created,
        cell: ({ getValue }) => <Moment time={getValue()} as="date" />,
        meta: { from: "sm", width: 160 },
      }),
      column.display({
        id: "actions",
        meta: { name: texts.rename, width: 90 },
        cell: ({ row: { original } }) => (
          <Group gap={4} wrap="nowrap" justify="flex-end">
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={texts.renameLabel(original.name)}
              onClick={() => setEditing(original)}
            >
              <Pencil size={16} />
            </ActionIcon>
            <ActionIcon
              variant="subtle"
              color="red"
              aria-label={texts.deleteLabel(original.name)}
              onClick={() => setRemoving(original)}
            >
              <Trash2 size={16} />
            </ActionIcon>
          </Group>
        ),
      }),
    ]);
  }, [format]);
  const create = (
    <Button leftSection={<Plus size={16} aria-hidden />} onClick={() => setEditing("new")}>
      {texts.create}
    </Button>
  );
  return (
    <Page title={texts.title} lead={texts.lead} actions={create}>
      <Paper>
        <DataTable
          label={texts.title}
          columns={columns}
          rows={list.data}
          rowId={(row) => row._id}
          loading={list.isPending}
          error={list.error}
          retry={() => void list.refetch()}
          skeletonRows={4}
          empty={
            <EmptyView icon={TagIcon} title={texts.none} action={create}>
              {texts.noneText}
            </EmptyView>
          }
        />
      </Paper>
      {editing && <EditTag tag={editing === "new" ? null : editing} onClose={() => setEditing(null)} onSaved={again} />}
      <Confirm
        opened={removing !== null}
        onClose={() => setRemoving(null)}
        title={removing ? texts.deleteTitle(removing.name) : ""}
        action={common.delete}
        onConfirm={() => removing && remove.mutate(removing)}
        pending={remove.isPending}
        error={remove.error}
      >
        <Text size="sm">
          {removing && removing.memberCount > 0
            ? texts.deleteText(plural(removing.memberCount, texts.one, texts.many))
            : texts.deleteUnused}
        </Text>
      </Confirm>
    </Page>
  );
}

function EditTag({ tag, onClose, onSaved }: { tag: Tag | null; onClose: () => void; onSaved: () => void }) {
  const { _id: communityId } = useCommunity();
  const form = useForm({ initialValues: { name: tag?.name ?? "" }, validate: { name: isNotEmpty(texts.required) } });
  const send = useFormMutation(form, {
    mutationFn: ({ name }: { name: string }) => {
      const body = { name: name.trim() };
      return tag
        ? api.put("/v1/communities/{communityId}/tags/{tagId}", { path: { communityId, tagId: tag._id }, body })
        : api.post("/v1/communities/{communityId}/tags", { path: { communityId }, body });
    },
    onSuccess: () => {
      onSaved();
      toast.done(texts.saved);
      onClose();
    },
  });
  return (
    <Modal
      opened
      onClose={onClose}
      title={tag ? texts.renameTitle(tag.name) : texts.create}
      closeButtonProps={{ "aria-label": common.close }}
    >
      <form onSubmit={form.onSubmit((values) => send.mutate(values))} noValidate>
        <Stack>
          <ErrorAlert {...send.alert} />
          {tag && <Text size="sm">{texts.renameText}</Text>}
          <TextInput
            label={texts.name}
            description={texts.nameHint}
            maxLength={50}
            autoComplete="off"
            data-autofocus
            {...form.getInputProps("name")}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {common.cancel}
            </Button>
            <Button type="submit" loading={send.isPending}>
              {tag ? texts.rename : texts.create}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
