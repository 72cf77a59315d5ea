// What the console can say about a CSV file before anything of it is sent: its first 64 KiB are read, so that a file of hundreds of
// megabytes is looked at as quickly as a small one. The server checks the whole file again, by the same rules (docs/bulk.md).
import Papa from "papaparse";
import { ledgerColumns } from "./-amounts";

export const previewBytes = 64 * 1024;
export const previewRows = 20;

export type Kind = "update" | "premium" | "import";
export type Encoding = "utf-8" | "utf-8-mark" | "utf-16le" | "utf-16be";
export type Refusal = "empty" | "noRows" | "xlsx" | "xls" | "packed" | "binary" | "encoding" | "headerTooLong";

export type Preview = {
  encoding: Encoding;
  delimiter: string;
  /** Names without the blanks around them; empty ones at the end are left out, as the server does. */
  header: string[];
  rows: string[][];
  /** Rows of the file: counted when the whole file was read, else estimated from its size. */
  rowCount: number;
  exact: boolean;
  /** Where the header's record lies in the file, with its line end. */
  headerBytes: { from: number; to: number };
  lineEnd: string;
};

/** The columns that files of one kind can have in this community. */
export type Catalogue = {
  /** In the order of the template. */
  columns: string[];
  /** Those that may have an operator column. */
  numerical: Set<string>;
  /** Stored keys of custom fields, which people sometimes take for their names. */
  fieldKeys: Map<string, string>;
};

export type ColumnRole = "key" | "value" | "operator" | "ignored" | "wrong";
export type ColumnProblem =
  | "unknown"
  | "unexpected"
  | "duplicate"
  | "emptyName"
  | "operatorMissing"
  | "operatorWithoutValue"
  | "operatorNotAllowed";
export type Column = { name: string; role: ColumnRole; problem?: ColumnProblem; suggestion?: string };
export type HeaderCheck = { columns: Column[]; missing: string[]; nothingToChange: boolean; good: boolean };
export type CellProblem = "cells" | "noKey" | "email" | "noOperator" | "operator" | "number";
/** `column` is -1 when the problem is about the whole row. */
export type RowProblem = { column: number; problem: CellProblem };

const keyColumns: Record<Kind, string[]> = {
  update: ["Email", "User ID", "Username"],
  premium: ["Email"],
  import: ["Email"],
};
const operatorEnd = "_op";
const operators = ["add", "subtract", "overwrite"];
const resultColumns = ["status", "error_code", "error_message"];
const delimiters = [",", ";", "\t"];

// ---- The file -----------------------------------------------------------------------------------------------------------

const marks: [Encoding, number[]][] = [
  ["utf-8-mark", [0xef, 0xbb, 0xbf]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
];
const foreign: [Refusal, number[]][] = [
  ["xlsx", [0x50, 0x4b, 0x03, 0x04]],
  ["xls", [0xd0, 0xcf, 0x11, 0xe0]],
  ["packed", [0x1f, 0x8b]],
];
const beginsWith = (bytes: Uint8Array, start: number[]) => start.every((byte, index) => bytes[index] === byte);

function lengthInFile(text: string, encoding: Encoding): number {
  return encoding === "utf-16le" || encoding === "utf-16be" ? text.length * 2 : new TextEncoder().encode(text).length;
}

function encode(text: string, encoding: Encoding): Uint8Array<ArrayBuffer> {
  if (encoding === "utf-8" || encoding === "utf-8-mark") return new TextEncoder().encode(text);
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < text.length; index++)
    view.setUint16(index * 2, text.charCodeAt(index), encoding === "utf-16le");
  return bytes;
}

const recordsOf = (text: string, delimiter: string, most = 0) =>
  // Its fast mode counts the cursor beyond the last record that it gives.
  Papa.parse<string[]>(text, { delimiter, header: false, preview: most, skipEmptyLines: false, fastMode: false });

const isBlank = (cells: string[]) => cells.every((cell) => cell.trim() === "");

export async function readPreview(file: Blob, known: (name: string) => boolean): Promise<Preview | Refusal> {
  const bytes = new Uint8Array(await file.slice(0, previewBytes).arrayBuffer());
  const whole = file.size <= bytes.length;
  if (bytes.length === 0) return "empty";
  for (const [refusal, start] of foreign) if (beginsWith(bytes, start)) return refusal;

  const [encoding, mark] =
    marks.find(([, start]) => beginsWith(bytes, start)) ?? (["utf-8", []] as [Encoding, number[]]);
  let text: string;
  try {
    const name = encoding === "utf-8-mark" ? "utf-8" : encoding;
    // A character that the end of the slice cuts is no error: more would follow.
    text = new TextDecoder(name, { fatal: true }).decode(bytes.subarray(mark.length), { stream: !whole });
  } catch {
    return bytes.includes(0) ? "binary" : "encoding";
  }
  if (text.includes("\0")) return "binary";

  let before = mark.length;
  const named = /^sep=(.)(\r\n|\r|\n)/i.exec(text);
  if (named) {
    before += lengthInFile(named[0], encoding);
    text = text.slice(named[0].length);
  }
  if (text.trim() === "") return "empty";

  // The delimiter with which most names are known.
  const names = (delimiter: string) => (recordsOf(text, delimiter, 1).data[0] ?? []).map((name) => name.trim());
  const counted = delimiters.map((one) => ({ one, count: names(one).filter(known).length }));
  const best = counted.reduce((most, next) => (next.count > most.count ? next : most));
  // Nothing is known: then the one that cuts the line into most pieces.
  const pieces = () => delimiters.reduce((most, next) => (names(next).length > names(most).length ? next : most));
  const delimiter = named?.[1] ?? (best.count > 0 ? best.one : pieces());

  const first = recordsOf(text, delimiter, 1);
  const headerText = text.slice(0, first.meta.cursor);
  if (!whole && headerText.length >= text.length) return "headerTooLong";
  const header = names(delimiter);
  while (header.length > 0 && header.at(-1) === "") header.pop();

  const records = recordsOf(text, delimiter).data.slice(1);
  // The end of the slice may cut the last record.
  if (!whole) records.pop();
  const rows = records.filter((cells) => !isBlank(cells));
  if (whole && rows.length === 0) return "noRows";
  const bodyBytes = lengthInFile(text, encoding) - lengthInFile(headerText, encoding);
  const rest = (file.size - before - lengthInFile(headerText, encoding)) / Math.max(bodyBytes, 1);
  return {
    encoding,
    delimiter,
    header,
    rows: rows.slice(0, previewRows),
    rowCount: whole ? rows.length : Math.round(rows.length * rest),
    exact: whole,
    headerBytes: { from: before, to: before + lengthInFile(headerText, encoding) },
    lineEnd: /(\r\n|\r|\n)?$/.exec(headerText)![0] || "\n",
  };
}

/** The same file with other names in its header; the rest is not even read. */
export function withHeader(file: Blob, preview: Preview, names: string[]): Blob {
  const record = Papa.unparse([names], { delimiter: preview.delimiter, newline: "\n" }) + preview.lineEnd;
  const { from, to } = preview.headerBytes;
  return new Blob([file.slice(0, from), encode(record, preview.encoding), file.slice(to)], { type: "text/csv" });
}

// ---- Its columns --------------------------------------------------------------------------------------------------------

/** The catalogue of a kind, from the header lines of the templates. */
export function catalogueOf(kind: Kind, templates: Record<Kind, string[]>, fieldKeys: Map<string, string>): Catalogue {
  const update = templates.update;
  const all = {
    update: [...update, "User ID", "Username"],
    premium: templates.premium,
    import: [...templates.import, ...update],
  }[kind];
  const names = new Set(all);
  const numerical = all.filter((name) => names.has(name + operatorEnd));
  return { columns: [...names], numerical: new Set(numerical), fieldKeys };
}

export const templateHeader = (csv: string): string[] => recordsOf(csv.replace(/^\uFEFF/, ""), ",", 1).data[0] ?? [];

/** Without case, blanks and punctuation. */
const folded = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

export function editDistance(a: string, b: string): number {
  let before = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const here = [i];
    for (let j = 1; j <= b.length; j++)
      here[j] = Math.min(before[j]! + 1, here[j - 1]! + 1, before[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    before = here;
  }
  return before[b.length]!;
}

const distanceMax = 2;

/** The column that was probably meant. */
export function suggest(name: string, catalogue: Catalogue): string | undefined {
  const key = folded(name);
  if (key === "") return undefined;
  const alike = catalogue.columns.find((column) => folded(column) === key);
  if (alike) return alike;
  const byKey = catalogue.fieldKeys.get(name.trim().toLowerCase());
  if (byKey && catalogue.columns.includes(byKey)) return byKey;
  let nearest: { column: string; distance: number } | undefined;
  for (const column of catalogue.columns) {
    const distance = editDistance(key, folded(column));
    // Of a short name two letters are all of it.
    if (distance > Math.min(distanceMax, Math.floor(key.length / 2))) continue;
    if (!nearest || distance < nearest.distance) nearest = { column, distance };
  }
  return nearest?.column;
}

export function checkHeader(kind: Kind, header: string[], catalogue: Catalogue): HeaderCheck {
  const known = new Set(catalogue.columns);
  const present = new Set(header);
  const ignoredFrom =
    header.length >= 3 && resultColumns.every((name, index) => header[header.length - 3 + index] === name)
      ? header.length - 3
      : header.length;
  const seen = new Set<string>();
  const columns = header.map((name, position): Column => {
    if (position >= ignoredFrom || (name.startsWith("#") && !known.has(name))) return { name, role: "ignored" };
    const wrong = (problem: ColumnProblem): Column => ({
      name,
      role: "wrong",
      problem,
      suggestion: problem === "unknown" ? suggest(name, catalogue) : undefined,
    });
    if (name === "") return wrong("emptyName");
    if (seen.has(name)) return wrong("duplicate");
    seen.add(name);
    if (!known.has(name)) {
      const base = name.endsWith(operatorEnd) ? name.slice(0, -operatorEnd.length) : "";
      if (base !== "" && known.has(base)) return wrong("operatorNotAllowed");
      return wrong(kind === "import" && name === "User ID" ? "unexpected" : "unknown");
    }
    if (keyColumns[kind].includes(name)) return { name, role: "key" };
    const base = name.endsWith(operatorEnd) ? name.slice(0, -operatorEnd.length) : "";
    if (catalogue.numerical.has(base)) {
      if (present.has(base)) return { name, role: "operator" };
      return wrong("operatorWithoutValue");
    }
    // Of premium files it is one of the three columns that all must be there.
    if (kind !== "premium" && ledgerColumns.includes(name) && !present.has(name + operatorEnd))
      return wrong("operatorMissing");
    return { name, role: "value" };
  });

  const has = (name: string) => columns.some((column) => column.name === name && column.role !== "wrong");
  const missing: string[] = [];
  if (kind === "premium") missing.push(...catalogue.columns.filter((name) => !present.has(name)));
  else if (!keyColumns[kind].some((name) => has(name))) missing.push("Email");
  const nothingToChange =
    kind === "update" && missing.length === 0 && !columns.some((c) => c.role === "value" || c.role === "wrong");
  const good = missing.length === 0 && !nothingToChange && columns.every((column) => column.role !== "wrong");
  return { columns, missing, nothingToChange, good };
}

// ---- Its first rows -----------------------------------------------------------------------------------------------------

const numberForm = /^[+-]?\d+(\.\d{1,6})?$/;
const emailForm = /^[^\s@]+@[^\s@]+$/;

/** What can be seen to be wrong in a row without knowing the members. */
export function checkRow(columns: Column[], cells: string[], numerical: Set<string>): RowProblem[] {
  const filled = cells.findLastIndex((cell) => cell.trim() !== "") + 1;
  if (filled > columns.length || cells.length < columns.length) return [{ column: -1, problem: "cells" }];
  const problems: RowProblem[] = [];
  const cell = (position: number) => (cells[position] ?? "").trim();
  const keys = columns.flatMap((column, position) => (column.role === "key" ? [position] : []));
  if (keys.length > 0 && keys.every((position) => cell(position) === ""))
    problems.push({ column: keys[0]!, problem: "noKey" });
  columns.forEach((column, position) => {
    const value = cell(position);
    if (value === "") return;
    if (column.role === "key" && column.name === "Email" && !emailForm.test(value))
      problems.push({ column: position, problem: "email" });
    if (column.role !== "value" || !numerical.has(column.name)) return;
    if (!numberForm.test(value)) problems.push({ column: position, problem: "number" });
    const at = columns.findIndex((one) => one.role === "operator" && one.name === column.name + operatorEnd);
    if (at < 0) return;
    if (cell(at) === "") problems.push({ column: at, problem: "noOperator" });
    else if (!operators.includes(cell(at))) problems.push({ column: at, problem: "operator" });
  });
  return problems;
}
