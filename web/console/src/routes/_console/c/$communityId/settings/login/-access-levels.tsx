import {
  ActionIcon,
  Badge,
  Button,
  Group,
  Modal,
  MultiSelect,
  NumberInput,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { isInRange, isNotEmpty, useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createColumnHelper } from "@tanstack/react-table";
import { Pencil, Plus, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { type AnswerOf, api } from "~/api/client";
import { columnsOf } from "~/components/columns";
import { Confirm } from "~/components/confirm";
import { DataTable } from "~/components/data-table";
import { ErrorAlert } from "~/components/error-view";
import { useFormMutation } from "~/components/form-mutation";
import { Section } from "~/components/section";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { administers, everybody, rolesQuery } from "../-roles";
import { texts } from "./-login.texts";

type Level = AnswerOf<"get", "/v1/communities/{communityId}/access-levels">["data"][number];

export function AccessLevels() {
  const { _id: communityId } = useCommunity();
  const format = useFormat();
  const queries = useQueryClient();
  const [editing, setEditing] = useState<Level | "new" | null>(null);
  const [removing, setRemoving] = useState<Level | null>(null);
  const list = useQuery({
    queryKey: ["access-levels", communityId],
    queryFn: ({ signal }) => api.get("/v1/communities/{communityId}/access-levels", { path: { communityId }, signal }),
    select: (answer) => answer.data,
  });
  const remove = useMutation({
    mutationFn: ({ number }: Level) =>
      api.delete("/v1/communities/{communityId}/access-levels/{number}", {
        path: { communityId, number: String(number) },
      }),
    onSuccess: () => {
      setRemoving(null);
      toast.done(texts.deleted);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["access-levels", communityId] }),
  });
  const columns = useMemo(() => {
    const column = createColumnHelper<Level>();
    return columnsOf<Level>([
      column.accessor("number", {
        header: texts.number,
        cell: ({ getValue }) => format.integer(getValue()),
        meta: { numeric: true, width: 100 },
      }),
      column.accessor("name", {
        header: texts.name,
        cell: ({ getValue, row }) => (
          <Group gap="xs">
            <Text span fw={500}>
              {getValue()}
            </Text>
            {row.original.number === 0 && <Badge color="gray">{texts.fixed}</Badge>}
          </Group>
        ),
      }),
      column.accessor("roles", {
        header: texts.roles,
        cell: ({ getValue }) => getValue().join(", "),
        meta: { from: "sm" },
      }),
      column.display({
        id: "actions",
        meta: { name: common.edit, width: 90 },
        cell: ({ row: { original } }) =>
          original.number !== 0 && (
            <Group gap={4} wrap="nowrap" justify="flex-end">
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={texts.editLabel(original.name)}
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
  return (
    <Section
      title={texts.levels}
      lead={texts.levelsLead}
      flush
      actions={
        <Button variant="default" leftSection={<Plus size={16} aria-hidden />} onClick={() => setEditing("new")}>
          {texts.newLevel}
        </Button>
      }
    >
      <DataTable
        label={texts.levels}
        columns={columns}
        rows={list.data}
        rowId={(row) => String(row.number)}
        loading={list.isPending}
        error={list.error}
        retry={() => void list.refetch()}
        skeletonRows={2}
        empty={null}
      />
      {editing && <EditLevel level={editing === "new" ? null : editing} onClose={() => setEditing(null)} />}
      <Confirm
        opened={removing !== null}
        onClose={() => setRemoving(null)}
        title={removing ? texts.deleteTitle(removing.name) : ""}
        action={common.delete}
        onConfirm={() => removing && remove.mutate(removing)}
        pending={remove.isPending}
        error={remove.error}
      >
        <Text size="sm">{texts.deleteText}</Text>
      </Confirm>
    </Section>
  );
}

function EditLevel({ level, onClose }: { level: Level | null; onClose: () => void }) {
  const { _id: communityId } = useCommunity();
  const format = useFormat();
  const queries = useQueryClient();
  const roles = useQuery(rolesQuery(communityId));
  const offered = (roles.data ?? [])
    .filter((role) => role.title !== everybody && !administers(role))
    .map((role) => role.title);
  const form = useForm({
    initialValues: {
      number: level?.number ?? ("" as number | string),
      name: level?.name ?? "",
      roles: (level?.roles ?? []).filter((role) => role !== everybody),
    },
    validate: {
      number: isInRange({ min: 1, max: 1_000_000 }, texts.numberInvalid),
      name: isNotEmpty(texts.required),
    },
  });
  const send = useFormMutation(form, {
    mutationFn: (values: typeof form.values) => {
      const body = { name: values.name.trim(), roles: values.roles };
      return level
        ? api.put("/v1/communities/{communityId}/access-levels/{number}", {
            path: { communityId, number: String(level.number) },
            body,
          })
        : api.post("/v1/communities/{communityId}/access-levels", {
            path: { communityId },
            body: { ...body, number: Number(values.number) },
          });
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["access-levels", communityId] });
      toast.done(texts.saved);
      onClose();
    },
  });
  return (
    <Modal
      opened
      onClose={onClose}
      title={level ? texts.editLevel(format.integer(level.number)) : texts.newLevel}
      closeButtonProps={{ "aria-label": common.close }}
    >
      <form onSubmit={form.onSubmit((values) => send.mutate(values))} noValidate>
        <Stack>
          <ErrorAlert {...send.alert} />
          {!level && (
            <NumberInput
              label={texts.number}
              description={texts.numberHint}
              allowDecimal={false}
              allowNegative={false}
              max={1_000_000}
              data-autofocus
              {...form.getInputProps("number")}
            />
          )}
          <TextInput
            label={texts.name}
            maxLength={100}
            data-autofocus={level ? true : undefined}
            {...form.getInputProps("name")}
          />
          <MultiSelect
            label={texts.roles}
            description={texts.rolesHint}
            data={[...new Set([...offered, ...form.values.roles])]}
            searchable
            {...form.getInputProps("roles")}
            error={Object.entries(form.errors).find(([name]) => name.startsWith("roles"))?.[1]}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {common.cancel}
            </Button>
            <Button type="submit" loading={send.isPending}>
              {level ? common.save : texts.create}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
