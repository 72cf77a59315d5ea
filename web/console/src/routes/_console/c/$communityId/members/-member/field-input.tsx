// One custom field's value as it is typed: an input that fits its type. What is typed is text; the API checks it.
import { NativeSelect, Textarea, TextInput } from "@mantine/core";
import type { KeyboardEvent, ReactNode } from "react";
import type { UserField } from "../../-catalogue";
import { readAmount } from "../-list/amount";
import { texts } from "../-member.texts";

type Props = {
  field: UserField;
  label?: ReactNode;
  value: string;
  onChange: (value: string) => void;
  error?: ReactNode;
  autoFocus?: boolean;
  onKeyDown?: (event: KeyboardEvent) => void;
};

export const isNumber = (field: UserField) => field.type === "numerical" || field.type === "number";

export function FieldInput({ field, label, value, onChange, error, autoFocus, onKeyDown }: Props) {
  const common = {
    label,
    "aria-label": label ? undefined : field.name,
    value,
    error,
    autoFocus,
    onKeyDown,
    withAsterisk: field.required && !!label,
  };
  switch (field.type) {
    case "boolean":
      return (
        <NativeSelect
          {...common}
          onChange={(event) => onChange(event.currentTarget.value)}
          data={[
            { value: "", label: "—" },
            { value: "true", label: texts.yes },
            { value: "false", label: texts.no },
          ]}
        />
      );
    case "select":
      return (
        <NativeSelect
          {...common}
          onChange={(event) => onChange(event.currentTarget.value)}
          data={[{ value: "", label: "—" }, ...field.options.map((option) => ({ value: option, label: option }))]}
        />
      );
    case "multi-line-text":
      return (
        <Textarea
          {...common}
          onChange={(event) => onChange(event.currentTarget.value)}
          autosize
          minRows={2}
          maxRows={12}
          maxLength={10_000}
        />
      );
    case "date":
      return (
        <TextInput
          {...common}
          // A value with a time keeps it: a day's input would cut it off.
          type={value.length > 10 ? "text" : "date"}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    default:
      return (
        <TextInput
          {...common}
          inputMode={isNumber(field) ? "decimal" : undefined}
          onChange={(event) => onChange(event.currentTarget.value)}
          maxLength={255}
        />
      );
  }
}

/** What is sent for a text that was typed. Numbers go as text, so that no digit is lost. */
export function readFieldText(field: UserField, text: string): string | boolean | null {
  if (text === "") return null;
  if (field.type === "boolean") return text === "true";
  return isNumber(field) || field.type === "date" ? text.trim() : text;
}

/** The other way: what stands in the input for a value that the API gave. */
export function fieldText(value: unknown): string {
  return value === null || value === undefined ? "" : String(value);
}

/** What can be said before asking the server. */
export function fieldProblem(field: UserField, text: string): string | null {
  if (text === "") return field.required ? texts.cannotClear : null;
  if (isNumber(field) && typeof readAmount(text) !== "bigint") return texts.notANumber;
  return null;
}
