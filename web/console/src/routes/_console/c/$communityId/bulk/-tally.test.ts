import { expect, test } from "vitest";
import { amountOf, millionths } from "./-amounts";
import { count, emptyTally, type Row } from "./-tally";

test("amounts are read and written exactly", () => {
  for (const text of ["0", "1", "-1", "0.000001", "-0.5", "8999999999999.999999", "1250.5"])
    expect(amountOf(millionths(text)!)).toBe(text);
  expect(millionths(0.1)! + millionths(0.2)!).toBe(300_000n);
  for (const none of ["", "1e3", "1,5", "x", null, undefined, Number.NaN, {}, "1.1234567"])
    expect(millionths(none)).toBeNull();
});

const row = (changes: Row["changes"], errors: string[] = []): Row => ({
  row: 2,
  line: 2,
  key: "",
  email: null,
  user_id: null,
  status: errors.length ? "failed" : "updated",
  errors: errors.map((code) => ({ column: "Coins", code, message: `${code}.` })),
  changes,
});

test("sums are those of exact amounts, whatever a float makes of them", () => {
  const tally = emptyTally();
  count(tally, [
    ...Array.from({ length: 10 }, () => row([{ field: "Coins", op: "add", value: 0.1, before: 0, after: 0.1 }])),
    row([{ field: "Coins", op: "overwrite", value: 1, before: "8999999999999.999999", after: 1 }]),
    row([
      { field: "XP", before: 5, after: 7 },
      { field: "First Name", before: "A", after: "B" },
    ]),
  ]);
  const coins = tally.currencies.get("Coins")!;
  expect([coins.rows, amountOf(coins.added), amountOf(coins.taken)]).toEqual([11, "1", "8999999999998.999999"]);
  expect(amountOf(tally.currencies.get("XP")!.added)).toBe("2");
  expect([...tally.fields]).toEqual([["First Name", 1]]);
  expect(tally.rows).toBe(12);
});

test("a row counts once for each reason", () => {
  const tally = emptyTally();
  count(tally, [row([], ["not_a_number", "not_a_number", "unknown_role"]), row([], ["unknown_role"])]);
  expect([...tally.reasons.values()].map(({ code, rows }) => `${code} ${rows}`)).toEqual([
    "not_a_number 1",
    "unknown_role 2",
  ]);
});
