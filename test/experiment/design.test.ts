/** From factors to arms, and from arms to conversations. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { armName, assign, fullFactorial } from "../../src/experiment/design.ts";

describe("a full factorial design", () => {
  it("has every combination once, the last factor changing first", () => {
    const factors = [
      { name: "policy", levels: ["directed", "random"] },
      { name: "model", levels: ["a", "b", "c"] },
    ];
    expect(fullFactorial(factors).map(armName)).toEqual([
      "policy=directed,model=a",
      "policy=directed,model=b",
      "policy=directed,model=c",
      "policy=random,model=a",
      "policy=random,model=b",
      "policy=random,model=c",
    ]);
  });
});

describe("the assignment of conversations", () => {
  const design = fc.record({
    arms: fc.uniqueArray(fc.string({ minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 6 }),
    repeats: fc.integer({ min: 1, max: 8 }),
    seed: fc.nat(),
    commonRandomNumbers: fc.boolean(),
  });

  it("is balanced wherever it is stopped: no arm is more than one ahead", () => {
    fc.assert(
      fc.property(design, (options) => {
        const counts = new Map(options.arms.map((arm) => [arm, 0]));
        for (const { arm } of assign(options)) {
          counts.set(arm, (counts.get(arm) ?? 0) + 1);
          expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
        }
        expect([...counts.values()]).toEqual(options.arms.map(() => options.repeats));
      }),
    );
  });

  it("gives a repeat the same seed in every arm with common random numbers, and a seed to each without", () => {
    fc.assert(
      fc.property(design, (options) => {
        const assigned = assign(options);
        const seeds = new Set(assigned.map(({ seed }) => seed)).size;
        expect(seeds).toBe(options.commonRandomNumbers ? options.repeats : assigned.length);
        if (!options.commonRandomNumbers) return;
        for (const { seed, repeat } of assigned) expect(seed).toBe(options.seed + repeat - 1);
      }),
    );
  });

  it("draws the order within a repeat from the seed", () => {
    const order = (seed: number) =>
      assign({ arms: ["a", "b", "c", "d"], repeats: 6, seed, commonRandomNumbers: true })
        .map(({ arm }) => arm)
        .join("");
    expect(order(7)).toBe(order(7));
    expect(order(7)).not.toBe(order(8));
    expect(order(7)).not.toBe("abcd".repeat(6));
  });
});
