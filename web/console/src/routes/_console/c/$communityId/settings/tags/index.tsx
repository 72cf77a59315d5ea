import { Button, Paper, Text, TextInput } from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Plus, Tag as TagIcon } from "lucide-react";
import { useState } from "react";
import { api } from "~/api/client";
import { Confirm, useConfirmed } from "~/components/confirm";
import { type Column, DataTable, listed } from "~/components/data-table";
import { EmptyView } from "~/components/error-view";
import { FormModal } from "~/components/form-modal";
import { useFormMutation } from "~/components/form-mutation";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { RowActions } from "~/components/row-actions";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { plural } from "~/texts/texts";
import { type Tag, tagsQuery } from "../../-catalogue";
import { texts } from "./-tags.texts";

export const Route = createFileRoute("/_console/c/$communityId/settings/tags/")({ component: Tags });

function Tags() {
  const { _id: communityId } = useCommunity();
  const format = useFormat();
  const queries = useQueryClient();
  const [editing, setEditing] = useState<Tag | "new" | null>(null);
  const list = useQuery(tagsQuery(communityId));
  const again = () => {
    void queries.invalidateQueries({ queryKey: ["members", communityId] });
    return queries.invalidateQueries({ queryKey: ["tags", communityId] });
  };
  const removal = useConfirmed({
    act: ({ _id }: Tag) =>
      api.delete("/v1/communities/{communityId}/tags/{tagId}", { path: { communityId, tagId: _id } }),
    onDone: () => toast.done(texts.deleted),
    onSettled: again,
  });
  const columns: Column<Tag>[] = [
    {
      id: "name",
      header: texts.name,
      cell: (row) => (
        <Text span fw={500}>
          {row.name}
        </Text>
      ),
    },
    {
      id: "memberCount",
      header: texts.members,
      width: 120,
      numeric: true,
      cell: (row) => format.integer(row.memberCount),
    },
    {
      id: "createdAt",
      header: texts.created,
      width: 160,
      from: "sm",
      cell: (row) => <Moment time={row.createdAt} as="date" />,
    },
    {
      id: "actions",
      header: texts.rename,
      hidden: true,
      width: 90,
      cell: (row) => (
        <RowActions
          edit={{ label: texts.renameLabel(row.name), onClick: () => setEditing(row) }}
          remove={{ label: texts.deleteLabel(row.name), onClick: () => removal.ask(row) }}
        />
      ),
    },
  ];
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
          {...listed(list, list.data)}
          rowId={(row) => row._id}
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
        {...removal.dialog}
        title={removal.item ? texts.deleteTitle(removal.item.name) : ""}
        action={common.delete}
      >
        <Text size="sm">
          {removal.item && removal.item.memberCount > 0
            ? texts.deleteText(plural(removal.item.memberCount, texts.one, texts.many))
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
    <FormModal
      title={tag ? texts.renameTitle(tag.name) : texts.create}
      onClose={onClose}
      form={form}
      send={send}
      action={tag ? texts.rename : texts.create}
    >
      {tag && <Text size="sm">{texts.renameText}</Text>}
      <TextInput
        label={texts.name}
        description={texts.nameHint}
        maxLength={50}
        autoComplete="off"
        data-autofocus
        {...form.getInputProps("name")}
      />
    </FormModal>
  );
}
