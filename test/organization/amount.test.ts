import fc from "fast-check";
import { expect, it } from "vitest";
import { usdText } from "../../src/domain/money.ts";
import { nanoOf } from "../../src/organization/amount.ts";

it.each([
  [0, 0],
  [0.06, 60_000_000],
  [1e-7, 100],
  ["12.50", 12_500_000_000],
  // As the provider was seen to send it.
  ["0.1308043834033752600000000000", 130_804_383],
  ["0E-6176", 0],
  ["1E+3", 1_000_000_000_000],
  [0.0000000005, 1],
  [0.00000000049999, 0],
  ["0.0000000014999999999999999", 1],
  [-0.25, -250_000_000],
  ["-0.0000000005", -1],
  ["-0.0000000001", 0],
  ["8000000.123456789", 8_000_000_123_456_789],
])("%s dollars are %d nano-dollars", (amount, nano) => {
  expect(nanoOf(amount)).toBe(nano);
});

it.each([
  "",
  "abc",
  "1,5",
  "0x10",
  "1e",
  ".5",
  "NaN",
  "Infinity",
  Number.NaN,
  1e7,
  "1e99999",
  "9".repeat(50),
])("%s is no amount", (amount) => {
  expect(nanoOf(amount)).toBeUndefined();
});

it("loses no nano-dollar, as text up to 9 million and as JSON's number up to 8 million", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger().map(Math.abs), (nano) => {
      expect(nanoOf(usdText(nano))).toBe(nano);
      expect(nanoOf(`-${usdText(nano)}0000`)).toBe(nano === 0 ? 0 : -nano);
    }),
  );
  fc.assert(
    fc.property(fc.nat({ max: 8_000_000_000_000_000 }), (nano) => {
      expect(nanoOf(JSON.parse(JSON.stringify(nano / 1e9)))).toBe(nano);
    }),
  );
});
