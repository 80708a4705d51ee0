import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hash32, randomShare } from "../../src/domain/random.ts";

/** Murmur3's finalizer, written on big integers. */
function finalize(hash: number): number {
  const low = 0xffffffffn;
  let h = BigInt(hash);
  h = ((h ^ (h >> 16n)) * 0x85ebca6bn) & low;
  h = ((h ^ (h >> 13n)) * 0xc2b2ae35n) & low;
  return Number(h ^ (h >> 16n));
}

describe("hash32", () => {
  it("has a finalizer that gives murmur3's published hashes of no bytes", () => {
    expect(finalize(1)).toBe(0x514e28b7);
    expect(finalize(0xffffffff)).toBe(0x81f16f39);
  });

  it.each([
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["foobar", 0xbf9cf968],
  ])("finishes FNV-1a's published 32-bit hash of %j", (text, fnv) => {
    expect(hash32(text)).toBe(finalize(fnv));
  });

  it("gives an unsigned 32-bit integer, always the same for the same parts", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.integer())), (parts) => {
        const hash = hash32(...parts);
        expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).toBe(true);
        expect(hash32(...parts)).toBe(hash);
      }),
    );
  });

  it("keeps parts apart: what is moved from one to the next changes the hash", () => {
    expect(hash32("ab", "c")).not.toBe(hash32("a", "bc"));
    expect(hash32(1, 23)).not.toBe(hash32(12, 3));
    expect(hash32("a")).not.toBe(hash32("a", ""));
  });

  it("changes about half of the bits when a number grows by one", () => {
    const changed = Array.from({ length: 2000 }, (_, n) => {
      const difference = (hash32(7, "turn", n) ^ hash32(7, "turn", n + 1)) >>> 0;
      return difference.toString(2).replaceAll("0", "").length;
    });
    const mean = changed.reduce((a, b) => a + b) / changed.length;
    expect(mean).toBeGreaterThan(15.5);
    expect(mean).toBeLessThan(16.5);
  });
});

describe("randomShare", () => {
  const shares = (draw: (n: number) => number) => Array.from({ length: 10_000 }, (_, n) => draw(n));

  it.each<[string, (n: number) => number]>([
    ["seeds", (n) => randomShare(n, "weighted", 1)],
    ["turns", (n) => randomShare(7, "random", n)],
  ])("spreads evenly over consecutive %s", (_, draw) => {
    const drawn = shares(draw);
    expect(drawn.every((share) => share >= 0 && share < 1)).toBe(true);
    const bins = Array.from(
      { length: 20 },
      (_, bin) => drawn.filter((share) => Math.floor(share * 20) === bin).length,
    );
    const chiSquare = bins.reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0);
    expect(chiSquare).toBeLessThan(43.82); // 19 degrees of freedom, one in a thousand
  });

  it("draws neighbours independently of each other", () => {
    const drawn = shares((n) => randomShare(7, "random", n)).map((share) => share - 0.5);
    const products = drawn.slice(1).map((share, index) => share * (drawn[index] ?? 0));
    const correlation = products.reduce((a, b) => a + b) / products.length / (1 / 12);
    expect(Math.abs(correlation)).toBeLessThan(0.033); // 3.3 standard deviations of 1/sqrt(10,000)
  });
});
