/** Not one nano-dollar is lost between what people write and what is counted. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatUsd, nanoUsd, usdText } from "../../src/domain/money.ts";

describe("nanoUsd", () => {
  it.each([
    [0, 0],
    [0.000000001, 1],
    // Its product with 10^9 is 1000999999.9999999.
    [1.001, 1_001_000_000],
    [0.3, 300_000_000],
    [7_999_999.999999999, 7_999_999_999_999_999],
  ])("reads %d dollars as %d", (usd, nano) => {
    expect(nanoUsd(usd)).toBe(nano);
  });

  it("drops what is less than a nano-dollar", () => {
    expect([0.0000000009, 0.0000000015, 1.9999999996].map(nanoUsd)).toEqual([0, 1, 1_999_999_999]);
  });

  it("takes amounts beyond every safe integer for the greatest", () => {
    expect([1e10, 1e300, Number.MAX_VALUE].map(nanoUsd)).toEqual(Array(3).fill(Number.MAX_SAFE_INTEGER));
  });

  it("reads back every amount that formatUsd wrote, as far as numbers tell nano-dollars apart", () => {
    fc.assert(
      fc.property(fc.nat({ max: 8_000_000_000_000_000 }), (nano) => {
        expect(nanoUsd(Number(formatUsd(nano).replace(/[$,]/g, "")))).toBe(nano);
      }),
    );
  });

  it("is never more than the amount", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 9_000_000, noNaN: true }), (usd) => {
        expect(nanoUsd(usd) / 1e9).toBeLessThanOrEqual(usd);
      }),
    );
  });
});

describe("formatUsd", () => {
  it.each([
    [0, "$0.0000"],
    [1, "$0.000000001"],
    [1_234_567, "$0.001234567"],
    [12_300_000, "$0.0123"],
    [1_500_000_000, "$1.5000"],
    [1_234_567_000_000_000, "$1,234,567.0000"],
    // 2^53 - 1: dividing it by 10^9 as floating-point numbers would round up.
    [9_007_199_254_740_991, "$9,007,199.254740991"],
    [8_999_999_999_999_999, "$8,999,999.999999999"],
  ])("writes %d nano-dollars as %s", (nano, text) => {
    expect(formatUsd(nano)).toBe(text);
  });

  it("says unknown for undefined, never zero", () => {
    expect(formatUsd(undefined)).toBe("unknown");
  });

  it("loses not one nano-dollar of any safe amount", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (nano) => {
        const [whole = "", fraction = ""] = formatUsd(nano).replace(/[$,]/g, "").split(".");
        expect(BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"))).toBe(BigInt(nano));
      }),
    );
  });
});

describe("usdText", () => {
  it.each<[number, string]>([
    [0, "0.000000000"],
    [1, "0.000000001"],
    [4_648_000, "0.004648000"],
    [8_123_456_000_000_001, "8123456.000000001"],
  ])("writes %d exactly", (nano, text) => {
    expect(usdText(nano)).toBe(text);
  });
});
