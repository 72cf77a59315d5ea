import { Badge, Button, ColorSwatch, Group, Paper, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { api } from "~/api/client";
import { Confirm, useConfirmed } from "~/components/confirm";
import { type Column, DataTable, listed } from "~/components/data-table";
import { Page } from "~/components/page";
import { RowMenu } from "~/components/row-actions";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { plural } from "~/texts/texts";
import { administers, everybody, type Role, rolesQuery } from "../../-catalogue";
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
  const list = useQuery(rolesQuery(communityId));
  const removal = useConfirmed({
    act: ({ _id }: Role) => api.delete("/roles/{userId}", { path: { userId: _id }, community: communityId }),
    onDone: () => toast.done(texts.deleted),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["access-levels", communityId] });
      void queries.invalidateQueries({ queryKey: ["members", communityId] });
      return queries.invalidateQueries({ queryKey: ["roles", communityId] });
    },
  });
  const columns: Column<Role>[] = [
    {
      id: "title",
      header: texts.name,
      cell: (row) => (
        <div>
          <Group gap="xs" wrap="nowrap">
            <ColorSwatch color={row.class || "var(--border-strong)"} size={12} withShadow={false} aria-hidden />
            <Text span fw={500} truncate>
              {row.title}
            </Text>
            {administers(row) && <Badge>{texts.administrates}</Badge>}
            {row.title === everybody && <Badge color="gray">{texts.base}</Badge>}
          </Group>
          {row.description && (
            <Text size="xs" c="dimmed" truncate pl={22}>
              {row.description}
            </Text>
          )}
        </div>
      ),
    },
    {
      id: "order",
      header: texts.rank,
      width: 110,
      from: "sm",
      numeric: true,
      cell: (row) => format.integer(row.order),
    },
    {
      id: "memberCount",
      header: texts.members,
      width: 110,
      numeric: true,
      cell: (row) => format.integer(row.memberCount),
    },
    {
      id: "actions",
      header: texts.edit,
      hidden: true,
      width: 56,
      cell: (row) => (
        <RowMenu
          label={texts.actions(row.title)}
          edit={() => setEditing(row)}
          remove={
            row.title === everybody
              ? undefined
              : { label: common.delete, icon: Trash2, onClick: () => removal.ask(row) }
          }
        />
      ),
    },
  ];
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
          {...listed(list, list.data)}
          rowId={(row) => row._id}
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
        {...removal.dialog}
        title={removal.item ? texts.deleteTitle(removal.item.title) : ""}
        action={common.delete}
        typed={
          removal.item && removal.item.memberCount > 0
            ? { word: removal.item.title, label: texts.deleteTyped(removal.item.title) }
            : undefined
        }
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
