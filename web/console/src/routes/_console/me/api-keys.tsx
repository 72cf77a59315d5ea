import { Badge, Button, Checkbox, Code, Group, Paper, Select, Stack, Text, TextInput } from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { type AnswerOf, api } from "~/api/client";
import { Confirm, useConfirmed } from "~/components/confirm";
import { type Column, DataTable, listed } from "~/components/data-table";
import { EmptyView } from "~/components/error-view";
import { FormModal } from "~/components/form-modal";
import { useFormMutation } from "~/components/form-mutation";
import { Moment } from "~/components/moment";
import { Page } from "~/components/page";
import { ShownOnce } from "~/components/shown-once";
import { toast } from "~/components/toast";
import { useMe } from "~/session/session";
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
  const revocation = useConfirmed({
    act: (key: Key) =>
      api.delete("/v1/users/{userId}/api-keys/{apiKeyId}", { path: { userId: me._id, apiKeyId: key._id } }),
    onDone: () => toast.done(texts.revoked),
    onSettled: () => queries.invalidateQueries({ queryKey: ["own-keys"] }),
  });
  const columns: Column<Key>[] = [
    {
      id: "name",
      header: texts.keyName,
      cell: (row) => (
        <Group gap="xs" wrap="nowrap">
          <Text span fw={500} truncate>
            {row.name}
          </Text>
          <Code>{row.key}</Code>
        </Group>
      ),
    },
    {
      id: "communityId",
      header: texts.keyCommunity,
      from: "md",
      cell: (row) => me.communities.find((one) => one._id === row.communityId)?.title ?? row.communityId,
    },
    {
      id: "permissions",
      header: texts.keyPermissions,
      from: "lg",
      cell: (row) => (
        <Group gap={4} wrap="nowrap">
          {row.permissions.map((one: string) => (
            <Badge key={one} color="gray">
              {texts.permissions[one]?.[0] ?? one}
            </Badge>
          ))}
        </Group>
      ),
    },
    {
      id: "expireDate",
      header: texts.keyEnds,
      from: "md",
      cell: (row) => (row.expireDate ? <Moment time={row.expireDate} as="date" /> : texts.never),
    },
    {
      id: "lastUsedAt",
      header: texts.lastUsed,
      from: "sm",
      cell: (row) => (row.lastUsedAt ? <Moment time={row.lastUsedAt} /> : texts.neverUsed),
    },
    {
      id: "revoke",
      header: texts.revoke,
      hidden: true,
      width: 100,
      cell: (row) => (
        <Button
          variant="default"
          size="xs"
          onClick={() => revocation.ask(row)}
          aria-label={texts.revokeLabel(row.name)}
        >
          {texts.revoke}
        </Button>
      ),
    },
  ];
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
            {...listed(list, list.data)}
            rowId={(row) => row._id}
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
        {...revocation.dialog}
        title={revocation.item ? texts.revokeTitle(revocation.item.name) : ""}
        action={texts.revoke}
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
    <FormModal title={texts.newKeyTitle} onClose={onClose} form={form} send={send} action={texts.newKey}>
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
    </FormModal>
  );
}
