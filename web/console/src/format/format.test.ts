import { describe, expect, test } from "vitest";
import { parseJson } from "~/api/json";
import { makeFormat } from "./format";

const format = makeFormat("en-GB", "Asia/Singapore");
const american = makeFormat("en-US", undefined);

describe("amounts", () => {
  test("keep all nineteen digits from the answer to the page", () => {
    const { balance } = parseJson('{"balance":8999999999999.123456}') as { balance: string };
    expect(format.amount(balance)).toBe("8,999,999,999,999.123456");
  });
  test("of few digits stay numbers", () => {
    expect(parseJson('{"a":12.5,"b":1e3,"c":"8999999999999.123456"}')).toEqual({
      a: 12.5,
      b: 1000,
      c: "8999999999999.123456",
    });
  });
});

describe("times", () => {
  test("are told in the community's zone", () => {
    expect(format.dateTime("2026-03-05T20:03:00.000Z")).toBe("6 Mar 2026, 04:03");
  });
  test("that are missing or broken are a dash", () => {
    expect([format.date(null), format.date(""), format.date("never")]).toEqual(["—", "—", "—"]);
  });
  test("end a day at the zone's own midnight, also where clocks change", () => {
    const end = (zone: string, day: string) => makeFormat("en-GB", zone).endOfDay(day)?.toISOString();
    expect(end("Asia/Singapore", "2026-03-05")).toBe("2026-03-05T15:59:59.999Z");
    expect(end("Europe/Berlin", "2026-03-28")).toBe("2026-03-28T22:59:59.999Z");
    expect(end("Europe/Berlin", "2026-03-29")).toBe("2026-03-29T21:59:59.999Z");
    expect(end("America/Los_Angeles", "2026-11-01")).toBe("2026-11-02T07:59:59.999Z");
    expect(format.endOfDay("soon")).toBeNull();
  });
  test("a day without a time is that day everywhere", () => {
    expect(makeFormat("en-GB", "America/Los_Angeles").day("2026-03-05")).toBe("5 Mar 2026");
  });
  test("are told relative to now in their largest unit", () => {
    const now = Date.parse("2026-03-05T12:00:00Z");
    expect(format.relative("2026-03-05T11:57:00Z", now)).toBe("3 min ago");
    expect(format.relative("2026-03-07T12:00:00Z", now)).toBe("in 2 days");
  });
});

test("durations name their two largest units", () => {
  expect(american.duration(125)).toBe("2 min 5 sec");
  expect(american.duration(0)).toBe("0 sec");
  expect(american.duration(90_000)).toBe("1 day 1 hr");
});
