import { ActionIcon, Anchor, Checkbox, Group, Popover, ScrollArea, Stack, Text, Tooltip } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { Columns3 } from "lucide-react";
import { texts } from "../-members.texts";
import { type Columns, columnsAtFirst } from "./columns";

/** Which columns the table has; kept in this browser, for each community by itself. */
export function useShownColumns(communityId: string) {
  return useLocalStorage<string[]>({
    key: `fealty-members-columns-${communityId}`,
    defaultValue: columnsAtFirst,
    getInitialValueInEffect: false,
    deserialize: (text) => {
      try {
        const value: unknown = JSON.parse(text ?? "");
        return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : columnsAtFirst;
      } catch {
        return columnsAtFirst;
      }
    },
  });
}

export function ColumnPicker({
  columns,
  shown,
  onChange,
}: {
  columns: Columns;
  shown: string[];
  onChange: (shown: string[]) => void;
}) {
  const toggle = (name: string) =>
    onChange(
      shown.includes(name)
        ? shown.filter((other) => other !== name)
        : // In the order in which they are offered, whenever they were ticked.
          columns.list.map((column) => column.name).filter((other) => other === name || shown.includes(other)),
    );
  return (
    <Popover position="bottom-end" width={260} trapFocus returnFocus shadow="md">
      <Popover.Target>
        <Tooltip label={texts.chooseColumns}>
          <ActionIcon variant="default" size={36} aria-label={texts.chooseColumns}>
            <Columns3 size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label={texts.chooseColumns}>
        <Group justify="space-between" mb="xs">
          <Text fw={600}>{texts.columns}</Text>
          <Anchor component="button" type="button" size="sm" onClick={() => onChange(columnsAtFirst)}>
            {texts.resetColumns}
          </Anchor>
        </Group>
        <ScrollArea.Autosize mah="min(360px, 55vh)" type="auto">
          <Stack gap={10} py={4}>
            {columns.list.map((column) => (
              <Checkbox
                key={column.name}
                label={column.label}
                checked={shown.includes(column.name)}
                onChange={() => toggle(column.name)}
              />
            ))}
          </Stack>
        </ScrollArea.Autosize>
      </Popover.Dropdown>
    </Popover>
  );
}
