// Entries of the ledger, as the page of a member shows them.
import type { AnswerOf } from "~/api/client";
import type { Amount } from "~/api/json";
import type { Format } from "~/format/format";
import { amountText, millionthsOf } from "../-list/amount";

export type Entry = AnswerOf<"get", "/v1/ledger/entries">["data"][number];

/** "+25.5": the sign says what the colour says. */
export function signedAmount(amount: Amount, format: Format): string {
  const change = millionthsOf(amount);
  const size = format.amount(amountText(change < 0n ? -change : change));
  return change < 0n ? `−${size}` : `+${size}`;
}

export const ofJob = (entry: Entry) =>
  entry.source.kind === "bulk" || (entry.source.kind === "revert" && entry.reversalOf === null);
/** The job that made it. "job:row" is what a reversal took back, and its leg the job that did so. */
export const jobOf = ({ source }: Entry) => (source.kind === "revert" && source.leg) || source.id.split(":")[0]!;

/** What the API takes back by itself; the rest is told why not. */
export const canBeReversed = (entry: Entry) =>
  !entry.reversedBy && entry.reversalOf === null && !ofJob(entry) && !byCancelling.has(entry.source.kind);
const byCancelling = new Set(["purchase", "refund", "wheel"]);
