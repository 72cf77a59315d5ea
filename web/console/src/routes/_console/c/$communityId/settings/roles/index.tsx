import { ActionIcon, Badge, Button, ColorSwatch, Group, Menu, Paper, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { createColumnHelper } from "@tanstack/react-table";
import { Ellipsis, Pencil, Plus, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { api } from "~/api/client";
import { columnsOf } from "~/components/columns";
import { Confirm } from "~/components/confirm";
import { DataTable } from "~/components/data-table";
import { Page } from "~/components/page";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { plural } from "~/texts/texts";
import { administers, everybody, type Role, rolesQuery } from "../-roles";
import { Matrix } from "./-matrix";
import { RoleForm } from "./-role-form";
import { texts } from "./-roles.texts";

export const Route = createFileRoute("/_console/c/$communityId/settings/roles/")({ component: Roles });

/** Above the highest one that does not administrate, where there is room for more. */
const rankStep = 10;

function Roles() {
  const { _id: communityId } = useCommunity();
  const format = useFormat();
  const queries = useQueryClient();
  const [editing, setEditing] = useState<Role | "new" | null>(null);
  const [removing, setRemoving] = useState<Role | null>(null);
  const list = useQuery(rolesQuery(communityId));
  const remove = useMutation({
    mutationFn: ({ _id }: Role) => api.delete("/roles/{userId}", { path: { userId: _id }, community: communityId }),
    onSuccess: () => {
      setRemoving(null);
      toast.done(texts.deleted);
    },
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["access-levels", communityId] });
      void queries.invalidateQueries({ queryKey: ["members", communityId] });
      return queries.invalidateQueries({ queryKey: ["roles", communityId] });
    },
  });
  const columns = useMemo(() => {
    const column = createColumnHelper<Role>();
    return columnsOf<Role>([
      column.accessor("title", {
        header: texts.name,
        cell: ({ getValue, row: { original } }) => (
          <div>
            <Group gap="xs" wrap="nowrap">
              <ColorSwatch color={original.class || "var(--border-strong)"} size={12} withShadow={false} aria-hidden />
              <Text span fw={500} truncate>
                {getValue()}
              </Text>
              {administers(original) && <Badge>{texts.administrates}</Badge>}
              {getValue() === everybody && <Badge color="gray">{texts.base}</Badge>}
            </Group>
            {original.description && (
              <Text size="xs" c="dimmed" truncate pl={22}>
                {original.description}
              </Text>
            )}
          </div>
        ),
      }),
      column.accessor("order", {
        header: texts.rank,
        cell: ({ getValue }) => format.integer(getValue()),
        meta: { numeric: true, from: "sm", width: 110 },
      }),
      column.accessor("memberCount", {
        header: texts.members,
        cell: ({ getValue }) => format.integer(getValue()),
        meta: { numeric: true, width: 110 },
      }),
      column.display({
        id: "actions",
        meta: { name: texts.edit, width: 56 },
        cell: ({ row: { original } }) => (
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" aria-label={texts.actions(original.title)}>
                <Ellipsis size={17} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<Pencil size={15} aria-hidden />} onClick={() => setEditing(original)}>
                {common.edit}
              </Menu.Item>
              {original.title !== everybody && (
                <>
                  <Menu.Divider />
                  <Menu.Item
                    color="red"
                    leftSection={<Trash2 size={15} aria-hidden />}
                    onClick={() => setRemoving(original)}
                  >
                    {common.delete}
                  </Menu.Item>
                </>
              )}
            </Menu.Dropdown>
          </Menu>
        ),
      }),
    ]);
  }, [format]);
  const highest = Math.max(0, ...(list.data ?? []).filter((role) => !administers(role)).map((role) => role.order));
  return (
    <Page
      title={texts.title}
      lead={texts.lead}
      actions={
        <Button leftSection={<Plus size={16} aria-hidden />} onClick={() => setEditing("new")}>
          {texts.create}
        </Button>
      }
    >
      <Paper mb="lg">
        <DataTable
          label={texts.title}
          columns={columns}
          rows={list.data}
          rowId={(row) => row._id}
          loading={list.isPending}
          error={list.error}
          retry={() => void list.refetch()}
          skeletonRows={4}
          empty={null}
        />
      </Paper>
      {list.data && <Matrix roles={list.data} />}
      {editing && (
        <RoleForm
          role={editing === "new" ? undefined : editing}
          highest={highest + rankStep}
          onClose={() => setEditing(null)}
        />
      )}
      <Confirm
        opened={removing !== null}
        onClose={() => setRemoving(null)}
        title={removing ? texts.deleteTitle(removing.title) : ""}
        action={common.delete}
        onConfirm={() => removing && remove.mutate(removing)}
        pending={remove.isPending}
        error={remove.error}
        typed={
          removing && removing.memberCount > 0
            ? { word: removing.title, label: texts.deleteTyped(removing.title) }
            : undefined
        }
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
