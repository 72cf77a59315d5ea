// The conditions of a list of members, in the very form that users/filter, exports and segments take: one for each column.
import type { ColumnKind, MemberColumn } from "./columns";

export type Scalar = string | number | boolean | null;
export type ConditionValue =
  | Scalar
  | { gte?: Scalar; lte?: Scalar }
  | { in: Scalar[] }
  | { not: Scalar | Scalar[] }
  | { contains: string };
export type Filter = Record<string, ConditionValue>;

/** The API takes so many conditions. */
export const conditionsMax = 20;

export type Operator =
  | "is"
  | "isNot"
  | "contains"
  | "atLeast"
  | "atMost"
  | "between"
  | "anyOf"
  | "noneOf"
  | "empty"
  | "notEmpty";

/** A condition as it is edited. Numbers are texts: they may have more digits than a number of JavaScript. */
export type Condition = { operator: Operator; values: string[] };

const ofKind: Record<ColumnKind, Operator[]> = {
  text: ["contains", "is", "isNot"],
  number: ["atLeast", "atMost", "between", "is"],
  time: ["between", "atLeast", "atMost", "is"],
  date: ["between", "atLeast", "atMost", "is"],
  boolean: ["is"],
  option: ["anyOf", "noneOf"],
  role: ["anyOf", "noneOf"],
  tag: ["anyOf", "noneOf"],
  status: ["anyOf"],
  country: ["is", "isNot"],
  language: ["is", "isNot"],
  member: ["is"],
};
export function operatorsOf(column: MemberColumn): Operator[] {
  return column.always ? ofKind[column.kind] : [...ofKind[column.kind], "empty", "notEmpty"];
}

const one = (value: string, kind: ColumnKind): Scalar => (kind === "boolean" ? value === "true" : value);

export function toFilter({ operator, values }: Condition, kind: ColumnKind): ConditionValue {
  const [first = "", second = ""] = values;
  switch (operator) {
    case "is":
      return one(first, kind);
    case "isNot":
      return { not: one(first, kind) };
    case "contains":
      return { contains: first };
    case "atLeast":
      return { gte: first };
    case "atMost":
      return { lte: first };
    case "between":
      return { ...(first !== "" && { gte: first }), ...(second !== "" && { lte: second }) };
    case "anyOf":
      return values.length === 1 ? one(first, kind) : { in: values };
    case "noneOf":
      return { not: values };
    case "empty":
      return null;
    case "notEmpty":
      return { not: null };
  }
}

const text = (value: Scalar | undefined) => (value === null || value === undefined ? "" : String(value));

/** The other way; none for what this page has no words for (a segment that was written by a program). */
export function fromFilter(value: ConditionValue, kind: ColumnKind): Condition | null {
  const lists = ofKind[kind].includes("anyOf");
  if (value === null) return { operator: "empty", values: [] };
  if (typeof value !== "object") return { operator: lists ? "anyOf" : "is", values: [text(value)] };
  if ("contains" in value) return { operator: "contains", values: [value.contains] };
  if ("in" in value)
    return value.in.some((item) => item === null) ? null : { operator: "anyOf", values: value.in.map(text) };
  if ("not" in value) {
    if (value.not === null) return { operator: "notEmpty", values: [] };
    if (Array.isArray(value.not))
      return value.not.some((item) => item === null) ? null : { operator: "noneOf", values: value.not.map(text) };
    return { operator: lists ? "noneOf" : "isNot", values: [text(value.not)] };
  }
  const { gte, lte } = value as { gte?: Scalar; lte?: Scalar };
  if (gte !== undefined && lte !== undefined) return { operator: "between", values: [text(gte), text(lte)] };
  if (gte !== undefined) return { operator: "atLeast", values: [text(gte)] };
  if (lte !== undefined) return { operator: "atMost", values: [text(lte)] };
  return null;
}

export const isComplete = ({ operator, values }: Condition): boolean => {
  switch (operator) {
    case "empty":
    case "notEmpty":
      return true;
    case "anyOf":
    case "noneOf":
      return values.length > 0;
    case "between":
      return values.some((value) => value !== "" && value !== undefined);
    default:
      return (values[0] ?? "") !== "";
  }
};

export const sameFilter = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);

// Members of objects in one order: two filters mean the same whatever theirs is.
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null)
    return `{${Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`)
      .join(",")}}`;
  return JSON.stringify(value);
}
