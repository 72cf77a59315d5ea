// Amounts of the ledger, and their sums: exactly: in millionths, as the server keeps them.
import type { Amount } from "~/api/json";

/** XP and the two currencies, which the ledger keeps: their values need an operator. */
export const ledgerColumns = ["XP", "Coins", "Premium Currency"];

const form = /^([+-]?)(\d+)(?:\.(\d{1,6}))?$/;
const places = 6;
const one = 10n ** BigInt(places);

/** Nothing for what is no amount. */
export function millionths(value: unknown): bigint | null {
  if (typeof value !== "number" && typeof value !== "string") return null;
  // Of a tiny or huge number the text has an exponent; no amount is like that.
  const parts = form.exec(String(value));
  if (!parts) return null;
  const whole = BigInt(parts[2]!) * one + BigInt((parts[3] ?? "").padEnd(places, "0"));
  return parts[1] === "-" ? -whole : whole;
}

export function amountOf(value: bigint): Amount {
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, "0");
  const fraction = digits.slice(-places).replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -places)}${fraction && `.${fraction}`}`;
}
