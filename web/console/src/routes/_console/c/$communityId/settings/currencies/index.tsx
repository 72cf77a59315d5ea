import {
  Badge,
  Button,
  Code,
  Group,
  NumberInput,
  Paper,
  Radio,
  SimpleGrid,
  Switch,
  Text,
  TextInput,
} from "@mantine/core";
import { isNotEmpty, useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useState } from "react";
import { type AnswerOf, api } from "~/api/client";
import { type Column, DataTable, listed } from "~/components/data-table";
import { FormModal } from "~/components/form-modal";
import { useFormMutation } from "~/components/form-mutation";
import { Page } from "~/components/page";
import { RowActions } from "~/components/row-actions";
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
  const columns: Column<Currency>[] = [
    {
      id: "name",
      header: texts.name,
      cell: (row) => (
        <Group gap="xs" wrap="nowrap">
          {row.icon && <span aria-hidden>{row.icon}</span>}
          <Text span fw={500}>
            {row.name}
          </Text>
          {row.symbol && (
            <Text span c="dimmed">
              {row.symbol}
            </Text>
          )}
        </Group>
      ),
    },
    { id: "code", header: texts.code, from: "sm", cell: (row) => <Code>{row.code}</Code> },
    { id: "kind", header: texts.kind, from: "md", cell: (row) => texts.kinds[row.kind]?.[0] ?? row.kind },
    {
      id: "decimals",
      header: texts.decimals,
      width: 140,
      from: "md",
      numeric: true,
      cell: (row) => format.integer(row.decimals),
    },
    {
      id: "isEnabled",
      header: texts.enabled,
      width: 120,
      cell: (row) => <Badge color={row.isEnabled ? "teal" : "gray"}>{row.isEnabled ? texts.on : texts.off}</Badge>,
    },
    {
      id: "actions",
      header: texts.edit,
      hidden: true,
      width: 56,
      cell: (row) => <RowActions edit={{ label: texts.editLabel(row.name), onClick: () => setEditing(row) }} />,
    },
  ];
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
          {...listed(list, list.data)}
          rowId={(row) => row.code}
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
    <FormModal
      title={currency ? texts.editTitle(currency.name) : texts.createTitle}
      onClose={onClose}
      form={form}
      send={send}
      action={currency ? common.save : texts.create}
    >
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
    </FormModal>
  );
}
