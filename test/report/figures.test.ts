/** Figures are exact and unknown parts are said. */
import { describe, expect, it } from "vitest";
import { totalsOf } from "../../src/ledger/totals.ts";
import {
  costColumn,
  formatBound,
  formatCost,
  formatDuration,
  formatSaved,
  formatShare,
  formatTokens,
} from "../../src/report/figures.ts";
import { usage } from "./sample-record.ts";

const cost = (costNanoUsd: number | undefined, unpricedRequests = 0, requests = 3) => ({
  requests,
  costNanoUsd,
  unpricedRequests,
  unpricedBoundNanoUsd: 0,
});

describe("totals with unknown parts", () => {
  it("marks a lower bound and counts what is missing", () => {
    expect(formatCost(cost(12_300_000, 2))).toBe("≥ $0.0123 (2 requests without a price)");
    expect(formatCost(cost(12_300_000, 1))).toBe("≥ $0.0123 (1 request without a price)");
    expect(formatBound(cost(12_300_000, 2))).toBe("≥ $0.0123");
  });

  it("says unknown when no part is known", () => {
    expect(formatCost(cost(undefined, 3))).toBe("unknown (3 requests without a price)");
  });

  it("says the most that answers lost on the way can have cost", () => {
    const lost = (known: number | undefined) => ({ ...cost(known, 2), unpricedBoundNanoUsd: 3_000_000 });
    expect(formatCost(lost(12_300_000))).toBe("≥ $0.0123 (2 requests of unknown cost, at most $0.0030 more)");
    expect(formatCost(lost(undefined))).toBe("unknown (2 requests, at most $0.0030)");
  });

  it("says no most where a model without a price was asked as well", () => {
    const entry = { tier: "standard" as const };
    const totals = totalsOf([
      { ...entry, model: "gpt-4.1", costNanoUsd: 12_300_000 },
      { ...entry, model: "gpt-4.1", costBoundNanoUsd: 3_000_000 },
      { ...entry, model: "local" },
    ]);
    expect(formatCost(totals)).toBe("≥ $0.0123 (2 requests of unknown cost, some of them without a price)");
  });

  it("is plain when all is known, and nothing when nothing was asked", () => {
    expect(formatCost(cost(12_300_000))).toBe("$0.0123");
    expect(formatCost(cost(undefined, 0, 0))).toBe("$0.0000");
  });
});

it("formatSaved says how many answers cost nothing, and what they did the first time", () => {
  const totals = { ...usage(), cacheHits: 3, savedNanoUsd: 1_200_000 };
  expect(formatSaved(totals)).toBe("3 answers from the cache saved $0.0012");
  expect(formatSaved(usage({ cacheHits: 1 }))).toBe("1 answer from the cache");
  expect(formatSaved(usage())).toBeUndefined();
});

it("costColumn gives every amount the decimals of the finest", () => {
  expect(costColumn([cost(1_000_000_000), cost(85_600), cost(undefined, 1), cost(500_000_000, 1)])).toEqual([
    "$1.0000000",
    "$0.0000856",
    "unknown",
    "≥ $0.5000000",
  ]);
});

it("formatTokens groups thousands and says unknown", () => {
  expect([0, 999, 1_000, 1_234_567, undefined].map(formatTokens)).toEqual([
    "0",
    "999",
    "1,000",
    "1,234,567",
    "unknown",
  ]);
});

it("formatShare leaves an unknown share open", () => {
  expect([1, 0.1234, undefined].map(formatShare)).toEqual(["100.0%", "12.3%", "–"]);
});

it("formatDuration chooses a unit and refuses what is no time", () => {
  expect([850, 999.7, 12_340, 59_999, 60_000, 3_725_000].map(formatDuration)).toEqual([
    "850 ms",
    "1.0 s",
    "12.3 s",
    "59.9 s",
    "1 min 0 s",
    "62 min 5 s",
  ]);
  expect(formatDuration(Number.NaN)).toBeUndefined();
});
