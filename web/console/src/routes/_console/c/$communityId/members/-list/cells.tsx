import { Badge } from "@mantine/core";
import type { CSSProperties } from "react";
import type { Format } from "~/format/format";
import { common } from "~/texts/common.texts";
import { texts } from "../-members.texts";
import type { MemberColumn } from "./columns";
import classes from "./members.module.css";
import type { Cell, MemberRow } from "./members-data";

/** As the API shows what a member hides. */
export const hiddenText = "---";

const statusColors: Record<string, string> = { active: "teal", suspended: "orange", banned: "red", invited: "blue" };
const statusText = (status: string) => texts.statuses[status as keyof typeof texts.statuses] ?? status;

export function StatusBadge({ status }: { status: string }) {
  return <Badge color={statusColors[status] ?? "gray"}>{statusText(status)}</Badge>;
}

// In the table badges and pictures are plain elements: there are hundreds of them, and they come and go while one scrolls.
const tinted = (color: string): CSSProperties => ({
  background: `var(--mantine-color-${color}-light)`,
  color: `var(--mantine-color-${color}-light-color)`,
});

function Tag({ text, color = "gray" }: { text: string; color?: string }) {
  return (
    <span className={classes.tag} style={tinted(color)}>
      {text}
    </span>
  );
}

const avatarColors = ["blue", "cyan", "grape", "green", "indigo", "lime", "orange", "pink", "red", "teal", "violet"];

/** The picture, or the first letters of the name on a colour that is always the same one. */
export function MemberAvatar({ name, src, size = 28 }: { name: string; src: string | null; size?: number }) {
  const place = { width: size, height: size };
  if (src) return <img src={src} alt="" className={classes.avatar} style={place} loading="lazy" />;
  const words = name.split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [...words[0]!][0]! + [...words.at(-1)!][0]! : [...name].slice(0, 2).join("");
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)!) >>> 0;
  const color = avatarColors[hash % avatarColors.length]!;
  return (
    // The letters are an ornament: what readers say, and what names a button around it, has none of them.
    <span
      className={classes.avatar}
      style={{ ...place, fontSize: size * 0.38, ...tinted(color) }}
      data-letters={letters.toUpperCase()}
      aria-hidden
    />
  );
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
          <Tag key={one} text={one} />
        ))}
        {value.length > room && <span className={classes.quiet}>+{value.length - room}</span>}
      </span>
    );
  }
  switch (column.kind) {
    case "number":
      return <span>{format.amount(value as string | number)}</span>;
    case "time":
      return (
        <time dateTime={String(value)} title={format.exact(String(value))}>
          {format.date(String(value))}
        </time>
      );
    case "date": {
      const text = String(value);
      return <span>{text.length === 10 ? format.day(text) : format.dateTime(text)}</span>;
    }
    case "boolean":
      return <span>{value ? texts.yes : texts.no}</span>;
    case "status":
      return <Tag text={statusText(String(value))} color={statusColors[String(value)]} />;
    default:
      return <span title={String(value)}>{String(value)}</span>;
  }
}

export function MemberName({ row }: { row: MemberRow }) {
  return (
    <>
      <MemberAvatar name={row.name} src={row.avatar} />
      <span className={classes.names}>
        <span className={classes.name}>{row.name}</span>
        {row.username !== row.name && <span className={classes.second}>{row.username}</span>}
      </span>
    </>
  );
}
