// What can be shown of members, filtered and exported: the columns that the program keeps, and the community's own fields.
import type { UserField } from "../../-catalogue";

export type ColumnKind =
  | "text"
  | "number"
  | "time"
  | "date"
  | "boolean"
  | "option"
  | "role"
  | "tag"
  | "status"
  | "country"
  | "language"
  | "member";

export type MemberColumn = {
  /** As users/filter names it. */
  name: string;
  label: string;
  kind: ColumnKind;
  custom: boolean;
  options?: string[];
  /** Everybody has one: there is no "is empty" for it. */
  always?: boolean;
  width: number;
};

const kept: [name: string, label: string, kind: ColumnKind, width: number, always?: boolean][] = [
  ["email", "Email", "text", 200, true],
  ["username", "Username", "text", 160, true],
  ["first_name", "First name", "text", 130],
  ["last_name", "Last name", "text", 130],
  ["display_name", "Display name", "text", 150],
  ["status", "Status", "status", 100, true],
  ["role", "Roles", "role", 150],
  ["tag", "Tags", "tag", 150],
  ["xp", "XP", "number", 96, true],
  ["coins", "Coins", "number", 96, true],
  ["premium_currency", "Premium currency", "number", 140, true],
  ["join_date", "Joined", "time", 120, true],
  ["last_online", "Last online", "time", 130],
  ["country", "Country", "country", 100],
  ["language", "Language", "language", 120],
  ["phone", "Phone", "text", 140],
  ["referred_by", "Referred by", "member", 120],
  ["user_id", "Id", "member", 90, true],
  ["_id", "Long id", "member", 220, true],
];
const keptNames = new Set(kept.map(([name]) => name));

/** The column of a field: its key, told apart where a column of the program has that name. */
export const columnOfField = (key: string) => (keptNames.has(key) ? `field:${key}` : key);

const kindOfType: Record<string, ColumnKind> = {
  "single-line-text": "text",
  text: "text",
  "multi-line-text": "text",
  numerical: "number",
  number: "number",
  date: "date",
  boolean: "boolean",
  select: "option",
};

export type Columns = { list: MemberColumn[]; find: (name: string) => MemberColumn | undefined };

/** `labels`: words for the program's own columns. */
export function columnsOf(fields: UserField[], labels: Record<string, string>): Columns {
  const list: MemberColumn[] = kept.map(([name, label, kind, width, always]) => ({
    name,
    label: labels[name] ?? label,
    kind,
    custom: false,
    always,
    width,
  }));
  for (const field of fields) {
    if (!field.isCustom) continue;
    const kind = kindOfType[field.type] ?? "text";
    list.push({
      name: columnOfField(field.field),
      label: field.name,
      kind,
      custom: true,
      options: field.options,
      width: kind === "number" || kind === "boolean" ? 130 : 160,
    });
  }
  // Filters may name a field by its key in any case, or with the prefix where none is needed.
  const byName = new Map(list.map((column) => [column.name, column]));
  const byKey = new Map(fields.filter((f) => f.isCustom).map((f) => [f.field.toLowerCase(), columnOfField(f.field)]));
  const find = (name: string) =>
    byName.get(name) ?? byName.get(byKey.get(name.replace(/^field:/, "").toLowerCase()) ?? "");
  return { list, find };
}

export const columnsAtFirst = ["email", "status", "role", "xp", "coins", "join_date"];
