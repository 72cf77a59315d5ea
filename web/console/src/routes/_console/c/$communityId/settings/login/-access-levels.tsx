import { Badge, Button, Group, MultiSelect, NumberInput, Text, TextInput } from "@mantine/core";
import { isInRange, isNotEmpty, useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { type AnswerOf, api } from "~/api/client";
import { Confirm, useConfirmed } from "~/components/confirm";
import { type Column, DataTable, listed } from "~/components/data-table";
import { FormModal } from "~/components/form-modal";
import { useFormMutation } from "~/components/form-mutation";
import { RowActions } from "~/components/row-actions";
import { Section } from "~/components/section";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { administers, everybody, rolesQuery } from "../../-catalogue";
import { texts } from "./-login.texts";

type Level = AnswerOf<"get", "/v1/communities/{communityId}/access-levels">["data"][number];

export function AccessLevels() {
  const { _id: communityId } = useCommunity();
  const format = useFormat();
  const queries = useQueryClient();
  const [editing, setEditing] = useState<Level | "new" | null>(null);
  const list = useQuery({
    queryKey: ["access-levels", communityId],
    queryFn: ({ signal }) => api.get("/v1/communities/{communityId}/access-levels", { path: { communityId }, signal }),
    select: (answer) => answer.data,
  });
  const removal = useConfirmed({
    act: ({ number }: Level) =>
      api.delete("/v1/communities/{communityId}/access-levels/{number}", {
        path: { communityId, number: String(number) },
      }),
    onDone: () => toast.done(texts.deleted),
    onSettled: () => queries.invalidateQueries({ queryKey: ["access-levels", communityId] }),
  });
  const columns: Column<Level>[] = [
    { id: "number", header: texts.number, width: 100, numeric: true, cell: (row) => format.integer(row.number) },
    {
      id: "name",
      header: texts.name,
      cell: (row) => (
        <Group gap="xs">
          <Text span fw={500}>
            {row.name}
          </Text>
          {row.number === 0 && <Badge color="gray">{texts.fixed}</Badge>}
        </Group>
      ),
    },
    { id: "roles", header: texts.roles, from: "sm", cell: (row) => row.roles.join(", ") },
    {
      id: "actions",
      header: common.edit,
      hidden: true,
      width: 90,
      cell: (row) =>
        row.number !== 0 && (
          <RowActions
            edit={{ label: texts.editLabel(row.name), onClick: () => setEditing(row) }}
            remove={{ label: texts.deleteLabel(row.name), onClick: () => removal.ask(row) }}
          />
        ),
    },
  ];
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
        {...listed(list, list.data)}
        rowId={(row) => String(row.number)}
        skeletonRows={2}
        empty={null}
      />
      {editing && <EditLevel level={editing === "new" ? null : editing} onClose={() => setEditing(null)} />}
      <Confirm
        {...removal.dialog}
        title={removal.item ? texts.deleteTitle(removal.item.name) : ""}
        action={common.delete}
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
    <FormModal
      title={level ? texts.editLevel(format.integer(level.number)) : texts.newLevel}
      onClose={onClose}
      form={form}
      send={send}
      action={level ? common.save : texts.create}
    >
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
    </FormModal>
  );
}
