import { describe, expect, it } from "vitest";
import { amountText, millionthsOf, readAmount } from "./amount";

describe("amounts", () => {
  it("are read and printed exactly, however many digits", () => {
    for (const text of ["0", "1", "-1.5", "8999999999999.999999", "-8999999999999.999999", "0.000001"])
      expect(amountText(readAmount(text) as bigint)).toBe(text);
    expect(amountText(readAmount("0001.500000") as bigint)).toBe("1.5");
    expect(amountText(readAmount(".5") as bigint)).toBe("0.5");
  });

  it("add up where binary fractions would not", () => {
    expect(amountText(millionthsOf(0.1) + millionthsOf(0.2))).toBe("0.3");
    expect(amountText(millionthsOf("4503599627370496.5"))).toBe("0");
    expect(amountText(millionthsOf("8999999999998.000001") + millionthsOf("1.000001"))).toBe("8999999999999.000002");
    expect(amountText(millionthsOf(1e-6))).toBe("0.000001");
  });

  it("say what is wrong with them", () => {
    expect(readAmount("")).toBe("empty");
    expect(readAmount("1,000")).toBe("notANumber");
    expect(readAmount("1e3")).toBe("notANumber");
    expect(readAmount("-")).toBe("notANumber");
    expect(readAmount("0.0000001")).toBe("tooManyPlaces");
    expect(readAmount("9000000000000")).toBe("tooLarge");
  });
});
