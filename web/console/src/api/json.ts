// Amounts have up to 19 digits, more than a JavaScript number holds. A number that would be rounded stays the text that came:
// such members have the type Amount, and format.ts prints both forms exactly.

export type Amount = number | string;

/** No engine rounds a number of so few digits. */
const safeDigits = 15;

type WithSource = { source?: string };
const keepExact = (_key: string, value: unknown, context?: WithSource): unknown => {
  const source = context?.source;
  return typeof value === "number" && source !== undefined && source.length > safeDigits && String(value) !== source
    ? source
    : value;
};

export function parseJson(text: string): unknown {
  // Looking at each value costs time, and most answers have no number that is long enough to matter.
  return /\d[\d.]{15}/.test(text) ? JSON.parse(text, keepExact) : JSON.parse(text);
}
