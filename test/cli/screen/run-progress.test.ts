/** The line of a run under way. */
import { describe, expect, it } from "vitest";
import { renderRunProgress } from "../../../src/cli/screen/run-progress.ts";

const view = {
  total: 1200,
  ended: 300,
  turns: 2400,
  endedTurns: 2000,
  costNanoUsd: 1_234_567_891,
  isLowerBound: false,
  capNanoUsd: 5_000_000_000,
  rate: 48.12,
  left: { ms: 125_400, costNanoUsd: 3_703_703_673 },
  failures: { "timed-out": 1, unauthorised: 2 },
};
const at = (columns: number) => ({ columns, colour: false });

describe("renderRunProgress", () => {
  it("says how far it is, what is spent, what failed, how fast it goes and what is left", () => {
    expect(renderRunProgress(view, at(160), { hasBar: true })).toBe(
      "  300 of 1,200  ━━━━──────────── 25%  $1.2346 of $5.0000  3 failed (2 unauthorised, 1 timed-out)  48.1 turns/s  about 2 min 5 s and $3.7037 to go",
    );
  });

  it("says when what is left would pass the cap", () => {
    const dear = { ...view, failures: {}, left: { ms: 4200, costNanoUsd: 3_800_000_000 } };
    expect(renderRunProgress(dear, at(120), { hasBar: false })).toBe(
      "  300 of 1,200  25%  $1.2346 of $5.0000  48.1 turns/s  about 4 s and $3.8000 to go  more than the cap",
    );
  });

  it("has no bar in a pipe, and leaves out what is unknown", () => {
    const early = { ...view, rate: undefined, left: undefined, capNanoUsd: undefined, failures: {} };
    expect(renderRunProgress({ ...early, isLowerBound: true }, at(80), { hasBar: false })).toBe(
      "  300 of 1,200  25%  ≥ $1.2346",
    );
  });

  it("is never as wide as the terminal, nor 100% before the end", () => {
    for (const columns of [20, 60, 80, 100, 200])
      expect(renderRunProgress(view, at(columns), { hasBar: true }).length).toBeLessThan(columns);
    expect(renderRunProgress({ ...view, ended: 1199 }, at(60), { hasBar: false })).toContain("99%");
  });
});
