import { describe, expect, it } from "vitest";
import type { UserField } from "../../-catalogue";
import { columnOfField, columnsOf, type MemberColumn } from "./columns";
import { fromFilter, isComplete, operatorsOf, sameFilter, toFilter } from "./filter-model";

const column = (kind: MemberColumn["kind"]): MemberColumn => ({
  name: kind,
  label: kind,
  kind,
  custom: true,
  width: 1,
});

describe("conditions", () => {
  it("come back from the API's form as they were edited", () => {
    for (const kind of ["text", "number", "date", "time", "boolean", "option", "role", "country", "member"] as const)
      for (const operator of operatorsOf(column(kind))) {
        const values = {
          between: ["1", "2"],
          anyOf: ["a", "b"],
          noneOf: ["a", "b"],
          empty: [],
          notEmpty: [],
        }[operator as "between"] ?? ["true"];
        expect(fromFilter(toFilter({ operator, values }, kind), kind), `${kind} ${operator}`).toEqual({
          operator,
          values,
        });
      }
  });

  it("keep numbers as the texts that were typed", () => {
    expect(toFilter({ operator: "atLeast", values: ["8999999999999.000001"] }, "number")).toEqual({
      gte: "8999999999999.000001",
    });
  });

  it("leave out the open end of a range", () => {
    expect(toFilter({ operator: "between", values: ["", "2026-01-31"] }, "date")).toEqual({ lte: "2026-01-31" });
    expect(isComplete({ operator: "between", values: ["", ""] })).toBe(false);
  });

  it("that no words exist for are not edited", () => {
    expect(fromFilter({ in: ["a", null] }, "option")).toBeNull();
  });

  it("are the same in any order", () => {
    expect(sameFilter({ a: { gte: "1", lte: "2" }, b: null }, { b: null, a: { lte: "2", gte: "1" } })).toBe(true);
    expect(sameFilter({ a: ["x", "y"] }, { a: ["y", "x"] })).toBe(false);
  });
});

describe("columns", () => {
  const field = (key: string) =>
    ({ field: key, name: key, type: "text", options: [], isCustom: true }) as unknown as UserField;
  it("tell a field from the program's column of the same name", () => {
    expect(columnOfField("xp")).toBe("field:xp");
    const columns = columnsOf([field("xp"), field("Tier")], {});
    expect(columns.find("xp")?.custom).toBe(false);
    expect(columns.find("field:xp")?.custom).toBe(true);
    expect(columns.find("tier")?.name).toBe("Tier");
    expect(columns.find("gone")).toBeUndefined();
  });
});
