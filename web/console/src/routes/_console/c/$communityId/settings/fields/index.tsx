import { ActionIcon, Badge, Button, Code, Group, List, Menu, Paper, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { createColumnHelper } from "@tanstack/react-table";
import { Ellipsis, ListChecks, Pencil, Plus, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { api, request } from "~/api/client";
import { columnsOf } from "~/components/columns";
import { Confirm } from "~/components/confirm";
import { DataTable } from "~/components/data-table";
import { EmptyView } from "~/components/error-view";
import { Page } from "~/components/page";
import { Section } from "~/components/section";
import { toast } from "~/components/toast";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { type Field, FieldForm } from "./-field-form";
import { texts } from "./-fields.texts";

export const Route = createFileRoute("/_console/c/$communityId/settings/fields/")({ component: Fields });

/** All pages of the list: a page has 100 at most. */
async function allFields(communityId: string, signal: AbortSignal): Promise<Field[]> {
  const all: Field[] = [];
  for (let page = 1; ; page++) {
    const answer = await api.get("/v1/communities/{communityId}/user-fields", {
      path: { communityId },
      query: { page, limit: 100, sort: "createdAt:asc" },
      signal,
    });
    all.push(...(answer.data as Field[]));
    if (all.length >= (answer.meta.total ?? 0) || answer.data.length === 0) return all;
  }
}

function Fields() {
  const { _id: communityId } = useCommunity();
  const queries = useQueryClient();
  const [editing, setEditing] = useState<Field | "new" | null>(null);
  const [removing, setRemoving] = useState<Field | null>(null);
  const list = useQuery({
    queryKey: ["fields", communityId, "all"],
    queryFn: ({ signal }) => allFields(communityId, signal),
  });
  const restore = useMutation({
    mutationFn: ({ _id }: Field) => request("post", `/v1/communities/${communityId}/user-fields/${_id}/restore`),
    onSuccess: (_, field) => toast.done(texts.restored(field.name)),
    onError: (error) => toast.failed(error),
    onSettled: () => queries.invalidateQueries({ queryKey: ["fields", communityId] }),
  });
  const remove = useMutation({
    mutationFn: ({ _id }: Field) =>
      api.delete("/v1/communities/{communityId}/user-fields/{fieldId}", { path: { communityId, fieldId: _id } }),
    onSuccess: (_, field) => {
      setRemoving(null);
      toast.done(texts.deleted(field.name), () => restore.mutate(field));
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["fields", communityId] }),
  });
  const custom = useMemo(() => {
    const column = createColumnHelper<Field>();
    return columnsOf<Field>([
      ...shared(),
      column.accessor("visibility", {
        header: texts.visibility,
        cell: ({ getValue }) => texts.visibilities[getValue()]?.[0] ?? getValue(),
        meta: { from: "md" },
      }),
      column.display({
        id: "marks",
        header: "",
        meta: { name: texts.marks.identifier, from: "md" },
        cell: ({ row: { original } }) => (
          <Group gap={4} wrap="nowrap">
            {original.identifier?.enabled && <Badge>{texts.marks.identifier}</Badge>}
            {original.required && <Badge color="gray">{texts.marks.required}</Badge>}
            {original.memberEditable && <Badge color="gray">{texts.marks.editable}</Badge>}
          </Group>
        ),
      }),
      column.display({
        id: "actions",
        meta: { name: common.edit, width: 56 },
        cell: ({ row: { original } }) => (
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" aria-label={texts.actions(original.name)}>
                <Ellipsis size={17} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<Pencil size={15} aria-hidden />} onClick={() => setEditing(original)}>
                {common.edit}
              </Menu.Item>
              <Menu.Divider />
              <Menu.Item
                color="red"
                leftSection={<Trash2 size={15} aria-hidden />}
                onClick={() => setRemoving(original)}
              >
                {common.delete}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        ),
      }),
    ]);
  }, []);
  const defaults = useMemo(() => columnsOf<Field>(shared()), []);
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
            columns={defaults}
            rows={list.data?.filter((field) => !field.isCustom)}
            skeletonRows={8}
            empty={null}
          />
        </Section>
      )}
      {editing && <FieldForm field={editing === "new" ? undefined : editing} onClose={() => setEditing(null)} />}
      <Confirm
        opened={removing !== null}
        onClose={() => setRemoving(null)}
        title={removing ? texts.deleteTitle(removing.name) : ""}
        action={common.delete}
        onConfirm={() => removing && remove.mutate(removing)}
        pending={remove.isPending}
        error={remove.error}
        typed={removing ? { word: removing.field, label: texts.deleteTyped(removing.field) } : undefined}
      >
        <List size="sm" spacing={4}>
          <List.Item>{texts.deleteText}</List.Item>
          <List.Item>{texts.deleteKept}</List.Item>
        </List>
      </Confirm>
    </Page>
  );
}

function shared() {
  const column = createColumnHelper<Field>();
  return columnsOf<Field>([
    column.accessor("name", {
      header: texts.name,
      cell: ({ getValue, row }) => (
        <div>
          <Text fw={500} truncate>
            {getValue()}
          </Text>
          {row.original.description && (
            <Text size="xs" c="dimmed" truncate>
              {row.original.description}
            </Text>
          )}
        </div>
      ),
    }),
    column.accessor("field", {
      header: texts.key,
      cell: ({ getValue }) => <Code>{getValue()}</Code>,
      meta: { from: "sm" },
    }),
    column.accessor("type", { header: texts.type, cell: ({ getValue }) => texts.types[getValue()]?.[0] ?? getValue() }),
  ]);
}
