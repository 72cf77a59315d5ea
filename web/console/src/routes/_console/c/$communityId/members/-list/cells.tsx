import { Avatar, Badge, Text } from "@mantine/core";
import { Moment } from "~/components/moment";
import type { Format } from "~/format/format";
import { common } from "~/texts/common.texts";
import { texts } from "../-members.texts";
import type { MemberColumn } from "./columns";
import classes from "./members.module.css";
import type { Cell, MemberRow } from "./members-data";

/** As the API shows what a member hides. */
export const hiddenText = "---";

const statusColors: Record<string, string> = { active: "teal", suspended: "orange", banned: "red", invited: "blue" };
export function StatusBadge({ status }: { status: string }) {
  return (
    <Badge color={statusColors[status] ?? "gray"}>
      {texts.statuses[status as keyof typeof texts.statuses] ?? status}
    </Badge>
  );
}

export function MemberAvatar({ name, src, size = 28 }: { name: string; src: string | null; size?: number }) {
  return <Avatar src={src} name={name} alt="" size={size} radius="50%" color="initials" aria-hidden />;
}

// So many of the names stand in a cell without being cut off; a letter of a badge is about seven pixels wide.
function fitting(names: string[], width: number): number {
  const letterPx = 7;
  const aroundPx = 26;
  let left = width - 50;
  const count = names.findIndex((name) => {
    left -= name.length * letterPx + aroundPx;
    return left < 0;
  });
  return count < 0 ? names.length : Math.max(1, count);
}

export function CellValue({
  column,
  value,
  format,
}: {
  column: MemberColumn;
  value: Cell | undefined;
  format: Format;
}) {
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0))
    return <span className={classes.quiet}>{common.none}</span>;
  if (value === hiddenText)
    return (
      <span className={classes.quiet} title={texts.hidden}>
        {value}
      </span>
    );
  if (Array.isArray(value)) {
    const room = fitting(value, column.width);
    return (
      <span title={value.join(", ")}>
        {value.slice(0, room).map((one) => (
          <Badge key={one} color="gray" mr={4}>
            {one}
          </Badge>
        ))}
        {value.length > room && (
          <Text span size="xs" c="dimmed">
            +{value.length - room}
          </Text>
        )}
      </span>
    );
  }
  switch (column.kind) {
    case "number":
      return <span>{format.amount(value as string | number)}</span>;
    case "time":
      return <Moment time={String(value)} as="date" />;
    case "date": {
      const text = String(value);
      return <span>{text.length === 10 ? format.day(text) : format.dateTime(text)}</span>;
    }
    case "boolean":
      return <span>{value ? texts.yes : texts.no}</span>;
    case "status":
      return <StatusBadge status={String(value)} />;
    default:
      return <span title={String(value)}>{String(value)}</span>;
  }
}

export function MemberName({ row }: { row: MemberRow }) {
  return (
    <>
      <MemberAvatar name={row.name} src={row.avatar} />
      <span className={classes.names}>
        <Text span size="sm" fw={500}>
          {row.name}
        </Text>
        {row.username !== row.name && (
          <Text span size="xs" c="dimmed">
            {row.username}
          </Text>
        )}
      </span>
    </>
  );
}
