import { ActionIcon, Group, Menu } from "@mantine/core";
import { Ellipsis, type LucideIcon, Pencil, Trash2 } from "lucide-react";
import { common } from "~/texts/common.texts";

type Act = {
  /** Names the row too: readers hear it away from its row. */
  label: string;
  onClick: () => void;
};

/** The pencil and the bin at the end of a row. */
export function RowActions({ edit, remove }: { edit: Act; remove?: Act }) {
  return (
    <Group gap={4} wrap="nowrap" justify="flex-end">
      <ActionIcon variant="subtle" color="gray" aria-label={edit.label} onClick={edit.onClick}>
        <Pencil size={16} />
      </ActionIcon>
      {remove && (
        <ActionIcon
          variant="subtle"
          color="red"
          c="var(--mantine-color-red-text)"
          aria-label={remove.label}
          onClick={remove.onClick}
        >
          <Trash2 size={16} />
        </ActionIcon>
      )}
    </Group>
  );
}

/** More than two things to do with a row, or one that is better not a click away: a menu. What takes it away stands last. */
export function RowMenu({
  label,
  edit,
  more = [],
  remove,
}: {
  label: string;
  edit: () => void;
  more?: (Act & { icon: LucideIcon })[];
  remove?: Act & { icon: LucideIcon };
}) {
  const item = ({ label: text, icon: Icon, onClick }: Act & { icon: LucideIcon }, color?: string) => (
    <Menu.Item key={text} color={color} leftSection={<Icon size={15} aria-hidden />} onClick={onClick}>
      {text}
    </Menu.Item>
  );
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={label}>
          <Ellipsis size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {item({ label: common.edit, icon: Pencil, onClick: edit })}
        {more.map((one) => item(one))}
        {remove && <Menu.Divider />}
        {remove && item(remove, "red")}
      </Menu.Dropdown>
    </Menu>
  );
}
