import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { budgetOf, budgetReached } from "../../src/conversation/budget.ts";
import { emptyTotals } from "../../src/ledger/totals.ts";

const spent = (costNanoUsd: number | undefined) => ({ ...emptyTotals(), costNanoUsd });

describe("a budget", () => {
  it("is what the cap leaves after what was spent", () => {
    expect(budgetOf(0.01, spent(3_312_000))).toEqual({
      capNanoUsd: 10_000_000,
      spentNanoUsd: 3_312_000,
      spendableNanoUsd: 6_688_000,
    });
  });

  it("is missing when nothing caps the cost", () => {
    expect(budgetOf(undefined, spent(1))).toBeUndefined();
  });

  it("leaves nothing, and not less, when more was spent", () => {
    expect(budgetOf(0.001, spent(1_000_001))?.spendableNanoUsd).toBe(0);
  });

  it("counts the most that unknown costs can be as spent", () => {
    const totals = { ...spent(300_000), unpricedRequests: 1, unpricedBoundNanoUsd: 500_000 };
    expect(budgetOf(0.001, totals)?.spendableNanoUsd).toBe(200_000);
  });

  it("counts nothing as spent while every cost is unknown and nothing bounds it", () => {
    expect(budgetOf(0.001, spent(undefined))?.spendableNanoUsd).toBe(1_000_000);
  });

  it("is exact for every cap of whole nano-dollars, though binary fractions are not", () => {
    // The product alone would be 1000999999.9999999.
    expect(budgetOf(1.001, spent(0))?.capNanoUsd).toBe(1_001_000_000);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000_000_000 }), (nano) => {
        const usd = Number(`${nano}e-9`);
        expect(budgetOf(usd, spent(0))?.capNanoUsd).toBe(nano);
      }),
    );
  });

  it("never rounds a cap up", () => {
    expect(budgetOf(0.0000000019, spent(0))?.capNanoUsd).toBe(1);
    expect(budgetOf(0.0000000009, spent(0))?.capNanoUsd).toBe(0);
  });
});

describe("the ending of a spent budget", () => {
  it("says what was spent of what, and what could not be paid", () => {
    const budget = { capNanoUsd: 10_000_000, spentNanoUsd: 9_312_000, spendableNanoUsd: 688_000 };
    expect(budgetReached(budget, "The next request could cost more.")).toEqual({
      kind: "maxCostUsd",
      evidence: "$0.009312 of $0.0100 spent. The next request could cost more.",
    });
  });
});
