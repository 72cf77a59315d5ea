import {
  ActionIcon,
  Badge,
  Button,
  Code,
  Group,
  Modal,
  NumberInput,
  Paper,
  Radio,
  SimpleGrid,
  Stack,
  Switch,
  Text,
  TextInput,
} from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { createColumnHelper } from "@tanstack/react-table";
import { Pencil, Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { type AnswerOf, api } from "~/api/client";
import { columnsOf } from "~/components/columns";
import { DataTable } from "~/components/data-table";
import { ErrorAlert } from "~/components/error-view";
import { useFormMutation } from "~/components/form-mutation";
import { Page } from "~/components/page";
import { toast } from "~/components/toast";
import { useFormat } from "~/format/format";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { texts } from "./-currencies.texts";

export const Route = createFileRoute("/_console/c/$communityId/settings/currencies/")({ component: Currencies });

type Currency = AnswerOf<"get", "/v1/currencies">["data"][number];

function Currencies() {
  const { _id: community } = useCommunity();
  const format = useFormat();
  const [editing, setEditing] = useState<Currency | "new" | null>(null);
  const list = useQuery({
    queryKey: ["currencies", community],
    queryFn: ({ signal }) => api.get("/v1/currencies", { community, signal }),
    select: (answer) => answer.data,
  });
  const columns = useMemo(() => {
    const column = createColumnHelper<Currency>();
    return columnsOf<Currency>([
      column.accessor("name", {
        header: texts.name,
        cell: ({ getValue, row: { original } }) => (
          <Group gap="xs" wrap="nowrap">
            {original.icon && <span aria-hidden>{original.icon}</span>}
            <Text span fw={500}>
              {getValue()}
            </Text>
            {original.symbol && (
              <Text span c="dimmed">
                {original.symbol}
              </Text>
            )}
          </Group>
        ),
      }),
      column.accessor("code", {
        header: texts.code,
        cell: ({ getValue }) => <Code>{getValue()}</Code>,
        meta: { from: "sm" },
      }),
      column.accessor("kind", {
        header: texts.kind,
        cell: ({ getValue }) => texts.kinds[getValue()]?.[0] ?? getValue(),
        meta: { from: "md" },
      }),
      column.accessor("decimals", {
        header: texts.decimals,
        cell: ({ getValue }) => format.integer(getValue()),
        meta: { numeric: true, from: "md", width: 140 },
      }),
      column.accessor("isEnabled", {
        header: texts.enabled,
        cell: ({ getValue }) => <Badge color={getValue() ? "teal" : "gray"}>{getValue() ? texts.on : texts.off}</Badge>,
        meta: { width: 120 },
      }),
      column.display({
        id: "actions",
        meta: { name: texts.edit, width: 56 },
        cell: ({ row: { original } }) => (
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={texts.editLabel(original.name)}
            onClick={() => setEditing(original)}
          >
            <Pencil size={16} />
          </ActionIcon>
        ),
      }),
    ]);
  }, [format]);
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
      <Paper>
        <DataTable
          label={texts.title}
          columns={columns}
          rows={list.data}
          rowId={(row) => row.code}
          loading={list.isPending}
          error={list.error}
          retry={() => void list.refetch()}
          skeletonRows={3}
          empty={null}
        />
      </Paper>
      {editing && <CurrencyForm currency={editing === "new" ? undefined : editing} onClose={() => setEditing(null)} />}
    </Page>
  );
}

function CurrencyForm({ currency, onClose }: { currency?: Currency; onClose: () => void }) {
  const community = useCommunity();
  const queries = useQueryClient();
  const form = useForm({
    initialValues: {
      name: currency?.name ?? "",
      code: currency?.code ?? "",
      kind: (currency?.kind ?? "spendable") as Currency["kind"],
      symbol: currency?.symbol ?? "",
      icon: currency?.icon ?? "",
      decimals: (currency?.decimals ?? 0) as number | string,
      isEnabled: currency?.isEnabled ?? true,
      allowNegative: currency?.allowNegative ?? false,
    },
    validate: {
      name: isNotEmpty(texts.required),
      code: (value) => (/^[a-z][a-z0-9._-]{0,31}$/.test(value.trim()) ? null : texts.codeInvalid),
      decimals: (value) => (value === "" ? texts.required : null),
    },
  });
  const send = useFormMutation(form, {
    mutationFn: ({ code, kind, allowNegative, ...values }: typeof form.values) => {
      const body = {
        ...values,
        name: values.name.trim(),
        decimals: Number(values.decimals),
        // The owner's alone: others do not name it.
        ...(community.role === "COMMUNITY_OWNER" && allowNegative !== (currency?.allowNegative ?? false)
          ? { allowNegative }
          : {}),
      };
      return currency
        ? api.put("/v1/currencies/{code}", { path: { code: currency.code }, community: community._id, body })
        : api.post("/v1/currencies", { community: community._id, body: { ...body, code: code.trim(), kind } });
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["currencies", community._id] });
      toast.done(texts.saved);
      onClose();
    },
  });
  return (
    <Modal
      opened
      onClose={onClose}
      title={currency ? texts.editTitle(currency.name) : texts.createTitle}
      closeButtonProps={{ "aria-label": common.close }}
    >
      <form onSubmit={form.onSubmit((values) => send.mutate(values))} noValidate>
        <Stack>
          <ErrorAlert {...send.alert} />
          <TextInput label={texts.name} maxLength={50} data-autofocus {...form.getInputProps("name")} />
          {!currency && (
            <>
              <TextInput
                label={texts.code}
                description={texts.codeHint}
                maxLength={32}
                autoCapitalize="none"
                spellCheck={false}
                {...form.getInputProps("code")}
              />
              <Radio.Group label={texts.kind} description={texts.permanent} {...form.getInputProps("kind")}>
                <SimpleGrid cols={2} mt={6}>
                  {Object.entries(texts.kinds).map(([value, [label, description]]) => (
                    <Radio key={value} value={value} label={label} description={description} />
                  ))}
                </SimpleGrid>
              </Radio.Group>
            </>
          )}
          <SimpleGrid cols={2}>
            <TextInput
              label={texts.symbol}
              description={texts.symbolHint}
              maxLength={10}
              {...form.getInputProps("symbol")}
            />
            <TextInput label={texts.icon} description={texts.iconHint} maxLength={20} {...form.getInputProps("icon")} />
          </SimpleGrid>
          <NumberInput
            label={texts.decimals}
            description={texts.decimalsHint}
            min={0}
            max={6}
            allowDecimal={false}
            {...form.getInputProps("decimals")}
          />
          <Switch
            label={texts.enabled}
            description={texts.enabledHint}
            {...form.getInputProps("isEnabled", { type: "checkbox" })}
          />
          {currency?.code !== "xp" && (
            <Switch
              label={texts.negative}
              description={texts.negativeHint}
              disabled={community.role !== "COMMUNITY_OWNER"}
              {...form.getInputProps("allowNegative", { type: "checkbox" })}
            />
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {common.cancel}
            </Button>
            <Button type="submit" loading={send.isPending}>
              {currency ? common.save : texts.create}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
