/** The progress line leaves out what has no room. */
import { describe, expect, it } from "vitest";
import { renderProgress } from "../../../src/cli/screen/progress.ts";

const cost = { requests: 7, costNanoUsd: 5_500_000, unpricedRequests: 0 };
const at = (columns: number) => ({ columns, colour: false });

describe("renderProgress", () => {
  it("shows turns, cost, the spent part of the budget and who is speaking", () => {
    const view = { turns: 7, maxTurns: 24, cost, capNanoUsd: 11_000_000, activity: "Maya is speaking" };
    expect(renderProgress(view, at(100))).toBe(
      "  turn 7 of 24  $0.0055 of $0.0110  ━━━━━━━━──────── 50%  Maya is speaking",
    );
    expect(renderProgress(view, at(60))).toBe("  turn 7 of 24  $0.0055 of $0.0110  ━━━━━━━━──────── 50%");
    expect(renderProgress(view, at(36))).toBe("  turn 7 of 24  $0.0055 of $0.0110");
  });

  it("has no bar without a cap and no limit without one", () => {
    expect(renderProgress({ turns: 1, cost }, at(80))).toBe("  1 turn  $0.0055");
  });

  it("marks a cost that is only a lower bound", () => {
    expect(renderProgress({ turns: 2, cost: { ...cost, unpricedRequests: 1 } }, at(80))).toBe(
      "  2 turns  ≥ $0.0055",
    );
  });

  it("fills the bar at most to its end", () => {
    const line = renderProgress({ turns: 2, cost, capNanoUsd: 1_000_000 }, at(80));
    expect(line).toContain(`${"━".repeat(16)} 550%`);
    expect(line).not.toContain("─");
  });
});
