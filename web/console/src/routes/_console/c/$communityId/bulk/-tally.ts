// What the rows of a job come to: sums of each currency, how often each field changes, why rows were refused.
import type { AnswerOf } from "~/api/client";
import type { Amount } from "~/api/json";
import { ledgerColumns, millionths } from "./-amounts";

type ApiRow = AnswerOf<"get", "/v1/users/bulk-update/{id}/details">["data"]["rows"][number];
export type Change = { field: string; op?: string; value?: unknown; before?: Amount | null; after?: Amount | null };
export type Row = Omit<ApiRow, "changes"> & { changes: Change[]; side_effects?: unknown };

export type CurrencySum = { name: string; rows: number; added: bigint; taken: bigint };
export type Reason = { code: string; column: string; message: string; rows: number };
export type Tally = {
  rows: number;
  currencies: Map<string, CurrencySum>;
  fields: Map<string, number>;
  reasons: Map<string, Reason>;
};

export const emptyTally = (): Tally => ({ rows: 0, currencies: new Map(), fields: new Map(), reasons: new Map() });

export function count(tally: Tally, rows: Row[]): void {
  for (const row of rows) {
    tally.rows++;
    for (const change of row.changes) {
      const before = millionths(change.before ?? 0);
      const after = millionths(change.after ?? 0);
      if (!ledgerColumns.includes(change.field) || before === null || after === null) {
        tally.fields.set(change.field, (tally.fields.get(change.field) ?? 0) + 1);
        continue;
      }
      const sum = tally.currencies.get(change.field) ?? { name: change.field, rows: 0, added: 0n, taken: 0n };
      sum.rows++;
      if (after > before) sum.added += after - before;
      else sum.taken += before - after;
      tally.currencies.set(change.field, sum);
    }
    // A row with one problem twice is one row with that problem.
    for (const code of new Set(row.errors.map((error) => error.code))) {
      const first = row.errors.find((error) => error.code === code)!;
      const reason = tally.reasons.get(code) ?? { code, column: first.column, message: first.message, rows: 0 };
      reason.rows++;
      tally.reasons.set(code, reason);
    }
  }
}
