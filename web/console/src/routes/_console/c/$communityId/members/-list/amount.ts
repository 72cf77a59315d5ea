// Arithmetic with amounts: exact, in millionths, never by floating point (six places are what the API keeps).
import type { Amount } from "~/api/json";

const places = 6;
const unit = 10n ** BigInt(places);
/** |x| < 9·10¹², the API's own bound. */
export const amountLimit = 9_000_000_000_000n * unit;

export type AmountProblem = "empty" | "notANumber" | "tooManyPlaces" | "tooLarge";

/** Millionths of what a person typed or the API sent; "1e3" and digits in groups are no amounts. */
export function readAmount(value: Amount): bigint | AmountProblem {
  const text = typeof value === "number" ? plainText(value) : value.trim();
  if (text === "") return "empty";
  const match = /^([+-]?)(\d*)(?:[.](\d*))?$/.exec(text);
  if (!match || (!match[2] && !match[3])) return "notANumber";
  const [, sign, whole = "", part = ""] = match;
  const digits = part.replace(/0+$/, "");
  if (digits.length > places) return "tooManyPlaces";
  const size = BigInt(whole || "0") * unit + BigInt(digits.padEnd(places, "0"));
  if (size >= amountLimit) return "tooLarge";
  return sign === "-" ? -size : size;
}

/** What the API sent is right: anything else counts as none. */
export function millionthsOf(value: Amount | null | undefined): bigint {
  const read = value === null || value === undefined ? 0n : readAmount(value);
  return typeof read === "bigint" ? read : 0n;
}

export function amountText(millionths: bigint): string {
  const size = millionths < 0n ? -millionths : millionths;
  const part = (size % unit).toString().padStart(places, "0").replace(/0+$/, "");
  return `${millionths < 0n ? "-" : ""}${size / unit}${part && `.${part}`}`;
}

// Small numbers print as "1e-7"; what the API sends has at most six places, so their digits suffice.
function plainText(value: number): string {
  const text = String(value);
  return /e/i.test(text) ? value.toFixed(places) : text;
}
