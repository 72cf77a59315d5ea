import {
  ActionIcon,
  Anchor,
  Button,
  Group,
  Popover,
  ScrollArea,
  Stack,
  Text,
  TextInput,
  UnstyledButton,
} from "@mantine/core";
import { ListFilter, Search, X } from "lucide-react";
import { useState } from "react";
import { useFormat } from "~/format/format";
import { texts } from "../-members.texts";
import type { Columns, MemberColumn } from "./columns";
import { ConditionForm } from "./condition-form";
import { describeValue } from "./describe";
import { conditionsMax, type Filter, fromFilter, toFilter } from "./filter-model";
import classes from "./members.module.css";

type Props = { columns: Columns; filter: Filter; onChange: (filter: Filter) => void };

/** The button that adds a condition: first the column, then what is asked of it. */
export function AddCondition({ columns, filter, onChange }: Props) {
  const [opened, setOpened] = useState(false);
  const [column, setColumn] = useState<MemberColumn | null>(null);
  const close = () => {
    setOpened(false);
    setColumn(null);
  };
  const full = Object.keys(filter).length >= conditionsMax;
  return (
    <Popover
      opened={opened}
      onChange={(open) => !open && close()}
      position="bottom-start"
      width={320}
      trapFocus
      returnFocus
      shadow="md"
    >
      <Popover.Target>
        <Button
          variant="default"
          leftSection={<ListFilter size={15} aria-hidden />}
          onClick={() => (opened ? close() : setOpened(true))}
          disabled={full}
          title={full ? texts.tooManyConditions : undefined}
        >
          {texts.filter}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={texts.addFilter}>
        {column ? (
          <ConditionForm
            column={column}
            condition={filter[column.name] === undefined ? null : fromFilter(filter[column.name]!, column.kind)}
            onApply={(condition) => {
              onChange({ ...filter, [column.name]: toFilter(condition, column.kind) });
              close();
            }}
            onCancel={() => setColumn(null)}
          />
        ) : (
          <ColumnChoice columns={columns} onChoose={setColumn} />
        )}
      </Popover.Dropdown>
    </Popover>
  );
}

function ColumnChoice({ columns, onChoose }: { columns: Columns; onChoose: (column: MemberColumn) => void }) {
  const [word, setWord] = useState("");
  const fits = columns.list.filter((column) => column.label.toLowerCase().includes(word.trim().toLowerCase()));
  const group = (title: string, list: MemberColumn[]) =>
    list.length > 0 && (
      <div>
        <Text size="xs" c="dimmed" fw={500} px={8} pb={2}>
          {title}
        </Text>
        {list.map((column) => (
          <Button
            key={column.name}
            variant="subtle"
            color="gray"
            c="inherit"
            justify="flex-start"
            fullWidth
            px={8}
            h={30}
            fw={400}
            onClick={() => onChoose(column)}
          >
            {column.label}
          </Button>
        ))}
      </div>
    );
  return (
    <Stack gap="xs">
      <TextInput
        aria-label={texts.findColumn}
        placeholder={texts.findColumn}
        leftSection={<Search size={15} aria-hidden />}
        value={word}
        onChange={(event) => setWord(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && fits[0]) {
            event.preventDefault();
            onChoose(fits[0]);
          }
        }}
        data-autofocus
      />
      <ScrollArea.Autosize mah="min(320px, 50vh)" type="auto">
        <Stack gap="sm">
          {fits.length === 0 && (
            <Text size="sm" c="dimmed" px={8}>
              {texts.noColumn}
            </Text>
          )}
          {group(
            texts.groupKept,
            fits.filter((column) => !column.custom),
          )}
          {group(
            texts.groupCustom,
            fits.filter((column) => column.custom),
          )}
        </Stack>
      </ScrollArea.Autosize>
    </Stack>
  );
}

/** What the list is narrowed to, one chip for each condition. */
export function FilterChips({ columns, filter, onChange }: Props) {
  const names = Object.keys(filter);
  if (names.length === 0) return null;
  const without = (name: string) => Object.fromEntries(Object.entries(filter).filter(([other]) => other !== name));
  return (
    <Group gap={6}>
      <Group component="ul" gap={6} m={0} p={0} aria-label={texts.filterBy}>
        {names.map((name) => (
          <Chip
            key={name}
            name={name}
            columns={columns}
            filter={filter}
            onChange={onChange}
            onRemove={() => onChange(without(name))}
          />
        ))}
      </Group>
      <Anchor component="button" type="button" size="sm" onClick={() => onChange({})} ml={4}>
        {texts.clearFilter}
      </Anchor>
    </Group>
  );
}

function Chip({ name, columns, filter, onChange, onRemove }: Props & { name: string; onRemove: () => void }) {
  const format = useFormat();
  const [opened, setOpened] = useState(false);
  const column = columns.find(name);
  const value = filter[name]!;
  const condition = column && fromFilter(value, column.kind);
  const words = describeValue(column, name, value, format);
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" width={320} trapFocus returnFocus shadow="md">
      <Popover.Target>
        <li className={classes.chip} data-problem={column ? undefined : true}>
          <UnstyledButton
            onClick={() => setOpened((open) => !open)}
            aria-label={texts.editCondition(words)}
            title={words}
          >
            {words}
          </UnstyledButton>
          <UnstyledButton onClick={onRemove} aria-label={texts.removeCondition(words)}>
            <X size={13} aria-hidden />
          </UnstyledButton>
        </li>
      </Popover.Target>
      <Popover.Dropdown aria-label={words}>
        {column && condition ? (
          <ConditionForm
            column={column}
            condition={condition}
            onApply={(changed) => {
              onChange({ ...filter, [name]: toFilter(changed, column.kind) });
              setOpened(false);
            }}
            onCancel={() => setOpened(false)}
          />
        ) : (
          <Group wrap="nowrap" align="flex-start">
            <Text size="sm">{column ? texts.notEditable : texts.unknownColumn}</Text>
            <ActionIcon variant="subtle" color="gray" onClick={onRemove} aria-label={texts.removeCondition(words)}>
              <X size={15} aria-hidden />
            </ActionIcon>
          </Group>
        )}
      </Popover.Dropdown>
    </Popover>
  );
}
