import {
  Button,
  Checkbox,
  Group,
  MultiSelect,
  NativeSelect,
  SegmentedControl,
  Skeleton,
  Stack,
  TagsInput,
  Text,
  TextInput,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { useCommunity } from "~/session/community";
import { common } from "~/texts/common.texts";
import { everybody, rolesQuery, tagsQuery } from "../../-catalogue";
import { texts } from "../-members.texts";
import { readAmount } from "./amount";
import type { MemberColumn } from "./columns";
import { operatorText } from "./describe";
import { type Condition, isComplete, type Operator, operatorsOf } from "./filter-model";

const states = ["active", "suspended", "banned"] as const;

/** One condition of one column: how it is compared, and with what. */
export function ConditionForm({
  column,
  condition,
  onApply,
  onCancel,
}: {
  column: MemberColumn;
  condition: Condition | null;
  onApply: (condition: Condition) => void;
  onCancel: () => void;
}) {
  const operators = operatorsOf(column);
  const [draft, setDraft] = useState<Condition>(condition ?? { operator: operators[0]!, values: [] });
  const wrong =
    column.kind === "number" && draft.values.some((value) => value !== "" && typeof readAmount(value) !== "bigint");
  const ready = isComplete(draft) && !wrong;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // The form stands in the tree of the page's own forms, wherever it is shown.
    event.stopPropagation();
    if (ready) onApply({ ...draft, values: draft.values.map((value) => value.trim()) });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Text fw={600}>{column.label}</Text>
        {operators.length > 1 && (
          <NativeSelect
            aria-label={texts.filterBy}
            value={draft.operator}
            data={operators.map((operator) => ({ value: operator, label: operatorText(operator, column.kind) }))}
            onChange={(event) => {
              const operator = event.currentTarget.value as Operator;
              setDraft((old) => ({
                operator,
                values: operator === "empty" || operator === "notEmpty" ? [] : old.values,
              }));
            }}
          />
        )}
        <Values column={column} draft={draft} onChange={(values) => setDraft({ ...draft, values })} wrong={wrong} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onCancel}>
            {common.cancel}
          </Button>
          <Button type="submit" disabled={!ready}>
            {texts.apply}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Values({
  column,
  draft,
  onChange,
  wrong,
}: {
  column: MemberColumn;
  draft: Condition;
  onChange: (values: string[]) => void;
  wrong: boolean;
}) {
  const { kind } = column;
  const hintId = useId();
  if (draft.operator === "empty" || draft.operator === "notEmpty") return null;
  if (kind === "boolean")
    return (
      <SegmentedControl
        aria-label={texts.value}
        value={draft.values[0] ?? ""}
        onChange={(value) => onChange([value])}
        data={[
          { value: "true", label: texts.yes },
          { value: "false", label: texts.no },
        ]}
      />
    );
  if (kind === "status" || kind === "option") {
    const options =
      kind === "status"
        ? states.map((state) => ({ value: state, label: texts.statuses[state] }))
        : (column.options ?? []).map((option) => ({ value: option, label: option }));
    return <Choice options={options} values={draft.values} onChange={onChange} />;
  }
  if (kind === "role" || kind === "tag") return <NamedValues kind={kind} values={draft.values} onChange={onChange} />;

  const isDay = kind === "time" || kind === "date";
  const input = (index: number, label: string) => (
    <TextInput
      aria-label={label}
      placeholder={isDay ? undefined : label}
      type={isDay ? "date" : "text"}
      inputMode={kind === "number" ? "decimal" : undefined}
      value={isDay ? (draft.values[index] ?? "").slice(0, 10) : (draft.values[index] ?? "")}
      onChange={(event) => {
        const values = [draft.values[0] ?? "", draft.values[1] ?? ""];
        values[index] = event.currentTarget.value;
        onChange(draft.operator === "between" ? values : [values[0]!]);
      }}
      error={wrong && typeof readAmount(draft.values[index] ?? "") !== "bigint" && !!draft.values[index]}
      aria-describedby={hintId}
      maxLength={255}
      flex={1}
      autoFocus={index === 0}
    />
  );
  const hint =
    kind === "member"
      ? texts.memberHint
      : kind === "country"
        ? texts.countryHint
        : kind === "language"
          ? texts.languageHint
          : null;
  return (
    <Stack gap={4}>
      {draft.operator === "between" ? (
        <Group gap="xs" wrap="nowrap">
          {input(0, texts.from)}
          {input(1, texts.to)}
        </Group>
      ) : (
        input(0, texts.value)
      )}
      {(hint || wrong) && (
        <Text size="xs" c={wrong ? "red" : "dimmed"} id={hintId}>
          {wrong ? texts.numberWanted : hint}
        </Text>
      )}
    </Stack>
  );
}

/** So many are shown as boxes to tick; more are looked for by typing. */
const boxesMax = 10;

function Choice({
  options,
  values,
  onChange,
}: {
  options: { value: string; label: string }[];
  values: string[];
  onChange: (values: string[]) => void;
}) {
  if (options.length > boxesMax)
    return (
      <MultiSelect
        aria-label={texts.value}
        data={options}
        value={values}
        onChange={onChange}
        placeholder={values.length === 0 ? texts.value : undefined}
        comboboxProps={{ withinPortal: false }}
        searchable
        data-autofocus
      />
    );
  return (
    <Checkbox.Group value={values} onChange={onChange} aria-label={texts.value}>
      <Stack gap={8} py={2}>
        {options.map((option) => (
          <Checkbox key={option.value} value={option.value} label={option.label} />
        ))}
      </Stack>
    </Checkbox.Group>
  );
}

/** Roles or tags by name; any name can be typed, so that a list that does not come is no end. */
function NamedValues({
  kind,
  values,
  onChange,
}: {
  kind: "role" | "tag";
  values: string[];
  onChange: (values: string[]) => void;
}) {
  const { _id: community } = useCommunity();
  const roles = useQuery({ ...rolesQuery(community), enabled: kind === "role" });
  const tags = useQuery({ ...tagsQuery(community), enabled: kind === "tag" });
  const known = kind === "role" ? roles : tags;
  const names =
    (kind === "role"
      ? roles.data?.map((role) => role.title).filter((title) => title !== everybody)
      : tags.data?.map((tag) => tag.name)) ?? [];
  if (known.isPending) return <Skeleton height={36} />;
  if (names.length > 0 && names.length <= boxesMax)
    return (
      <Choice
        options={[...new Set([...names, ...values])].map((name) => ({ value: name, label: name }))}
        values={values}
        onChange={onChange}
      />
    );
  return (
    <TagsInput
      aria-label={texts.value}
      placeholder={values.length === 0 ? texts.value : undefined}
      data={names}
      value={values}
      onChange={onChange}
      splitChars={[","]}
      acceptValueOnBlur
      comboboxProps={{ withinPortal: false }}
      data-autofocus
    />
  );
}
