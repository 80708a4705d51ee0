/** What is left of a run. */
import { describe, expect, it } from "vitest";
import { runEstimate, turnRate } from "../../src/report/run-estimate.ts";

describe("turnRate", () => {
  it("is what went on between the first and the last sample", () => {
    const samples = [
      { at: 1000, turns: 10 },
      { at: 2000, turns: 90 },
      { at: 5000, turns: 50 },
    ];
    expect(turnRate(samples)).toBe(10);
  });

  it("is unknown where nothing moved, or there is one sample", () => {
    expect(turnRate([])).toBeUndefined();
    expect(turnRate([{ at: 0, turns: 5 }])).toBeUndefined();
    expect(
      turnRate([
        { at: 0, turns: 5 },
        { at: 9, turns: 5 },
      ]),
    ).toBeUndefined();
  });
});

describe("runEstimate", () => {
  const counts = { total: 10, ended: 2, turns: 40, endedTurns: 20, costNanoUsd: 8_000 };

  it("takes the rest to be as long as what has ended, at the cost of a turn up to now", () => {
    expect(runEstimate(counts, 6)).toEqual({ ms: 10_000, costNanoUsd: 12_000 });
  });

  it("knows no time without a pace, and nothing before anything has ended", () => {
    expect(runEstimate(counts, undefined)).toEqual({ ms: undefined, costNanoUsd: 12_000 });
    expect(runEstimate({ ...counts, ended: 0, endedTurns: 0 }, 6)).toBeUndefined();
    expect(runEstimate({ ...counts, ended: 10 }, 6)).toBeUndefined();
  });

  it("says nothing where the rest takes longer than what has ended", () => {
    expect(runEstimate({ ...counts, turns: 100 }, 6)).toBeUndefined();
  });
});
