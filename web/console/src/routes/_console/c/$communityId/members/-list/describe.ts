// A condition in words.
import type { Format } from "~/format/format";
import { texts } from "../-members.texts";
import type { ColumnKind, MemberColumn } from "./columns";
import { type Condition, type ConditionValue, fromFilter, type Operator } from "./filter-model";

const isTime = (kind: ColumnKind) => kind === "time" || kind === "date";
const isSet = (kind: ColumnKind) => kind === "role" || kind === "tag";

export function operatorText(operator: Operator, kind: ColumnKind): string {
  if (isTime(kind) && operator in texts.timeOperators)
    return texts.timeOperators[operator as keyof typeof texts.timeOperators];
  if (isSet(kind) && operator in texts.has) return texts.has[operator as keyof typeof texts.has];
  return texts.operators[operator];
}

export function valueText(value: string, kind: ColumnKind, format: Format): string {
  switch (kind) {
    case "boolean":
      return value === "true" ? texts.yes : texts.no;
    case "number":
      return format.amount(value);
    case "time":
    case "date":
      // A day is no moment: it is the same day wherever one looks from.
      return /^\d{4}-\d{2}-\d{2}$/.test(value) ? format.day(value) : format.dateTime(value);
    case "status":
      return texts.statuses[value as keyof typeof texts.statuses] ?? value;
    default:
      return value;
  }
}

export function describe(column: MemberColumn, condition: Condition, format: Format): string {
  const { kind, label } = column;
  const values = condition.values.map((value) => valueText(value, kind, format));
  const word = (operator: Operator) => operatorText(operator, kind);
  switch (condition.operator) {
    case "empty":
    case "notEmpty":
      return `${label} ${word(condition.operator)}`;
    case "between": {
      const [from, to] = condition.values;
      if (!from) return `${label} ${word("atMost")} ${values[1]}`;
      if (!to) return `${label} ${word("atLeast")} ${values[0]}`;
      return `${label} ${word("between")} ${values[0]} ${texts.and} ${values[1]}`;
    }
    case "anyOf":
    case "noneOf": {
      if (values.length > 1 || (isSet(kind) && condition.operator === "noneOf"))
        return `${label} ${word(condition.operator)} ${values.join(", ")}`;
      const single = condition.operator === "anyOf" ? texts.operators.is : texts.operators.isNot;
      return `${label} ${isSet(kind) ? texts.includes : single} ${values[0]}`;
    }
    default:
      return `${label} ${word(condition.operator)} ${values[0]}`;
  }
}

export function describeValue(
  column: MemberColumn | undefined,
  name: string,
  value: ConditionValue,
  format: Format,
): string {
  if (!column) return name;
  const condition = fromFilter(value, column.kind);
  return condition ? describe(column, condition, format) : `${column.label}: ${JSON.stringify(value)}`;
}
