import { Badge, Button, Checkbox, Code, Group, Modal, Paper, Select, Stack, Text, TextInput } from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { createColumnHelper } from "@tanstack/react-table";
import { KeyRound, Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { type AnswerOf, api } from "~/api/client";
import { columnsOf } from "~/components/columns";
import { Confirm } from "~/components/confirm";
import { DataTable } from "~/components/data-table";
import { EmptyView, ErrorAlert } from "~/components/error-view";
import { useFormMutation } from "~/components/form-mutation";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { ShownOnce } from "~/components/shown-once";
import { toast } from "~/components/toast";
import { useMe } from "~/session/session";
import { common } from "~/texts/common.texts";
import { texts } from "./-me.texts";
import { ScopedNotice, useIsScoped } from "./-scoped";

export const Route = createFileRoute("/_console/me/api-keys")({ component: OwnKeys });

type Key = AnswerOf<"get", "/v1/users/{userId}/api-keys">["data"][number];

function OwnKeys() {
  const me = useMe();
  const scoped = useIsScoped();
  const queries = useQueryClient();
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const list = useQuery({
    queryKey: ["own-keys"],
    queryFn: ({ signal }) =>
      api.get("/v1/users/{userId}/api-keys", {
        path: { userId: me._id },
        query: { limit: 100, sort: "createdAt:desc" },
        signal,
      }),
    select: (answer) => answer.data,
    enabled: !scoped,
  });
  const revoke = useMutation({
    mutationFn: (key: Key) =>
      api.delete("/v1/users/{userId}/api-keys/{apiKeyId}", { path: { userId: me._id, apiKeyId: key._id } }),
    onSuccess: () => {
      setRevoking(null);
      toast.done(texts.revoked);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["own-keys"] }),
  });
  const columns = useMemo(() => {
    const column = createColumnHelper<Key>();
    return columnsOf<Key>([
      column.accessor("name", {
        header: texts.keyName,
        cell: ({ getValue, row }) => (
          <Group gap="xs" wrap="nowrap">
            <Text span fw={500} truncate>
              {getValue()}
            </Text>
            <Code>{row.original.key}</Code>
          </Group>
        ),
      }),
      column.accessor("communityId", {
        header: texts.keyCommunity,
        cell: ({ getValue }) => me.communities.find((one) => one._id === getValue())?.title ?? getValue(),
        meta: { from: "md" },
      }),
      column.accessor("permissions", {
        header: texts.keyPermissions,
        cell: ({ getValue }) => (
          <Group gap={4} wrap="nowrap">
            {getValue().map((one: string) => (
              <Badge key={one} color="gray">
                {texts.permissions[one]?.[0] ?? one}
              </Badge>
            ))}
          </Group>
        ),
        meta: { from: "lg" },
      }),
      column.accessor("expireDate", {
        header: texts.keyEnds,
        cell: ({ getValue }) => (getValue() ? <Moment time={getValue()} as="date" /> : texts.never),
        meta: { from: "md" },
      }),
      column.accessor("lastUsedAt", {
        header: texts.lastUsed,
        cell: ({ getValue }) => (getValue() ? <Moment time={getValue()} /> : texts.neverUsed),
        meta: { from: "sm" },
      }),
      column.display({
        id: "revoke",
        meta: { name: texts.revoke, width: 100 },
        cell: ({ row: { original } }) => (
          <Button
            variant="default"
            size="xs"
            onClick={() => setRevoking(original)}
            aria-label={texts.revokeLabel(original.name)}
          >
            {texts.revoke}
          </Button>
        ),
      }),
    ]);
  }, [me]);
  const create = (
    <Button leftSection={<Plus size={16} aria-hidden />} onClick={() => setCreating(true)}>
      {texts.newKey}
    </Button>
  );
  return (
    <Page title={texts.keys} lead={texts.keysLead} actions={!scoped && create}>
      {scoped ? (
        <ScopedNotice />
      ) : (
        <Paper>
          <DataTable
            label={texts.keys}
            columns={columns}
            rows={list.data}
            rowId={(row) => row._id}
            loading={list.isPending}
            error={list.error}
            retry={() => void list.refetch()}
            skeletonRows={3}
            empty={
              <EmptyView icon={KeyRound} title={texts.noKeys} action={create}>
                {texts.noKeysText}
              </EmptyView>
            }
          />
        </Paper>
      )}
      {creating && (
        <NewKey
          onClose={() => setCreating(false)}
          onMade={(key) => {
            setCreating(false);
            setMade(key);
          }}
        />
      )}
      <ShownOnce secret={made} title={texts.keyMade} label={texts.keyLabel} onDone={() => setMade(null)} />
      <Confirm
        opened={revoking !== null}
        onClose={() => setRevoking(null)}
        title={revoking ? texts.revokeTitle(revoking.name) : ""}
        action={texts.revoke}
        onConfirm={() => revoking && revoke.mutate(revoking)}
        pending={revoke.isPending}
        error={revoke.error}
      >
        <Text size="sm">{texts.revokeText}</Text>
      </Confirm>
    </Page>
  );
}

function NewKey({ onClose, onMade }: { onClose: () => void; onMade: (key: string) => void }) {
  const me = useMe();
  const queries = useQueryClient();
  const active = me.communities.filter((one) => one.status === "active");
  const form = useForm({
    initialValues: {
      name: "",
      communityId: active[0]?._id ?? "",
      permissions: [] as string[],
      expirePeriod: "90",
    },
    validate: {
      name: isNotEmpty(texts.required),
      communityId: isNotEmpty(texts.required),
      permissions: (value) => (value.length === 0 ? texts.choosePermission : null),
    },
  });
  const send = useFormMutation(form, {
    mutationFn: (values: typeof form.values) =>
      api.post("/v1/users/{userId}/api-keys", {
        path: { userId: me._id },
        body: { ...values, name: values.name.trim(), expirePeriod: Number(values.expirePeriod) },
      }),
    onSuccess: (answer) => {
      void queries.invalidateQueries({ queryKey: ["own-keys"] });
      onMade(answer.data.key);
    },
  });
  return (
    <Modal opened onClose={onClose} title={texts.newKeyTitle} closeButtonProps={{ "aria-label": common.close }}>
      <form onSubmit={form.onSubmit((values) => send.mutate(values))} noValidate>
        <Stack>
          <ErrorAlert {...send.alert} />
          <TextInput
            label={texts.keyName}
            description={texts.keyNameHint}
            maxLength={100}
            data-autofocus
            {...form.getInputProps("name")}
          />
          <Select
            label={texts.keyCommunity}
            data={active.map((one) => ({ value: one._id, label: one.title }))}
            allowDeselect={false}
            {...form.getInputProps("communityId")}
          />
          <Checkbox.Group label={texts.keyPermissions} {...form.getInputProps("permissions")}>
            <Stack gap="xs" mt={6}>
              {Object.entries(texts.permissions).map(([id, [label, description]]) => (
                <Checkbox key={id} value={id} label={label} description={description} />
              ))}
            </Stack>
          </Checkbox.Group>
          <Select
            label={texts.keyExpiry}
            data={["30", "90", "365", "0"].map((value) => ({ value, label: texts.expiries[value]! }))}
            allowDeselect={false}
            {...form.getInputProps("expirePeriod")}
          />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {common.cancel}
            </Button>
            <Button type="submit" loading={send.isPending}>
              {texts.newKey}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
