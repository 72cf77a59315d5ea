import { Badge, Button, Code, Group, List, Paper, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { ListChecks, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { api } from "~/api/client";
import { Confirm, useConfirmed } from "~/components/confirm";
import { type Column, DataTable } from "~/components/data-table";
import { EmptyView } from "~/components/error-view";
import { Page } from "~/components/page";
import { RowMenu } from "~/components/row-actions";
import { Section } from "~/components/section";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { type UserField as Field, fieldsQuery } from "../../-catalogue";
import { FieldForm } from "./-field-form";
import { texts } from "./-fields.texts";

export const Route = createFileRoute("/_console/c/$communityId/settings/fields/")({ component: Fields });

function Fields() {
  const { _id: communityId } = useCommunity();
  const queries = useQueryClient();
  const [editing, setEditing] = useState<Field | "new" | null>(null);
  const list = useQuery(fieldsQuery(communityId));
  const again = () => queries.invalidateQueries({ queryKey: ["user-fields", communityId] });
  const restore = useMutation({
    mutationFn: ({ _id }: Field) =>
      api.post("/v1/communities/{communityId}/user-fields/{fieldId}/restore", { path: { communityId, fieldId: _id } }),
    onSuccess: (_, field) => toast.done(texts.restored(field.name)),
    onError: (error) => toast.failed(error),
    onSettled: again,
  });
  const removal = useConfirmed({
    act: ({ _id }: Field) =>
      api.delete("/v1/communities/{communityId}/user-fields/{fieldId}", { path: { communityId, fieldId: _id } }),
    onDone: (_, field) => toast.done(texts.deleted(field.name), () => restore.mutate(field)),
    onSettled: again,
  });
  const custom: Column<Field>[] = [
    ...shared,
    {
      id: "visibility",
      header: texts.visibility,
      from: "md",
      cell: (row) => texts.visibilities[row.visibility]?.[0] ?? row.visibility,
    },
    {
      id: "marks",
      header: texts.marks.identifier,
      hidden: true,
      from: "md",
      cell: (row) => (
        <Group gap={4} wrap="nowrap">
          {row.identifier?.enabled && <Badge>{texts.marks.identifier}</Badge>}
          {row.required && <Badge color="gray">{texts.marks.required}</Badge>}
          {row.memberEditable && <Badge color="gray">{texts.marks.editable}</Badge>}
        </Group>
      ),
    },
    {
      id: "actions",
      header: common.edit,
      hidden: true,
      width: 56,
      cell: (row) => (
        <RowMenu
          label={texts.actions(row.name)}
          edit={() => setEditing(row)}
          remove={{ label: common.delete, icon: Trash2, onClick: () => removal.ask(row) }}
        />
      ),
    },
  ];
  const create = (
    <Button leftSection={<Plus size={16} aria-hidden />} onClick={() => setEditing("new")}>
      {texts.create}
    </Button>
  );
  const own = list.data?.filter((field) => field.isCustom);
  const table = { rowId: (row: Field) => row._id, loading: list.isPending, error: list.error };
  return (
    <Page title={texts.title} lead={texts.lead} actions={create}>
      <Paper mb="lg">
        <DataTable
          {...table}
          label={texts.custom}
          columns={custom}
          rows={own}
          retry={() => void list.refetch()}
          skeletonRows={4}
          empty={
            <EmptyView icon={ListChecks} title={texts.none} action={create} height={220}>
              {texts.noneText}
            </EmptyView>
          }
        />
      </Paper>
      {!list.error && (
        <Section title={texts.defaults} lead={texts.defaultsLead} flush>
          <DataTable
            {...table}
            label={texts.defaults}
            columns={shared}
            rows={list.data?.filter((field) => !field.isCustom)}
            skeletonRows={8}
            empty={null}
          />
        </Section>
      )}
      {editing && <FieldForm field={editing === "new" ? undefined : editing} onClose={() => setEditing(null)} />}
      <Confirm
        {...removal.dialog}
        title={removal.item ? texts.deleteTitle(removal.item.name) : ""}
        action={common.delete}
        typed={removal.item ? { word: removal.item.field, label: texts.deleteTyped(removal.item.field) } : undefined}
      >
        <List size="sm" spacing={4}>
          <List.Item>{texts.deleteText}</List.Item>
          <List.Item>{texts.deleteKept}</List.Item>
        </List>
      </Confirm>
    </Page>
  );
}

/** What both tables show. */
const shared: Column<Field>[] = [
  {
    id: "name",
    header: texts.name,
    cell: (row) => (
      <div>
        <Text fw={500} truncate>
          {row.name}
        </Text>
        {row.description && (
          <Text size="xs" c="dimmed" truncate>
            {row.description}
          </Text>
        )}
      </div>
    ),
  },
  { id: "field", header: texts.key, from: "sm", cell: (row) => <Code>{row.field}</Code> },
  { id: "type", header: texts.type, cell: (row) => texts.types[row.type]?.[0] ?? row.type },
];
