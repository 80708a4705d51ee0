/** Lists and ends of runs: amounts and commands are whole, however narrow the terminal. */
import { describe, expect, it } from "vitest";
import { renderConversations, renderRunSummary, renderRuns } from "../../../src/cli/screen/runs.ts";
import type { ConversationProgress, Progress } from "../../../src/store/progress.ts";
import type { StoredRun } from "../../../src/store/runs.ts";
import type { TierFigures } from "../../../src/store/tier-figures.ts";

const run = (id: string): StoredRun => ({
  id,
  scenario: "product-roundtable",
  definition: {},
  conversations: 10_000,
  maxCostNanoUsd: undefined,
  isCancelled: false,
  createdAt: new Date("2026-03-01T10:00:00Z"),
});
const figures = {
  turns: 180_000,
  requests: 270_000,
  inputTokens: 1000,
  cachedInputTokens: 0,
  outputTokens: 200,
  costNanoUsd: 573_123_456_789,
  unpricedRequests: 0,
  unpricedBoundNanoUsd: 0,
};
const progress: Progress = {
  ...figures,
  endedTurns: 180_000,
  byStatus: { completed: 9_998, failed: 2 },
  failures: { unreachable: 2 },
  startedAt: undefined,
  endedAt: undefined,
};
const IDS = ["product-roundtable-20260301-100000-aaaa", "product-roundtable-20260301-100000-bbbb"];
const rows = IDS.map((id) => ({ run: run(id), progress }));
const list = (columns: number) => renderRuns(rows, { columns, colour: false });

describe("renderRuns", () => {
  it.each([20, 24, 30, 40, 50, 60, 70, 80, 100, 200])(
    "shows every amount and which run is which in %i columns",
    (columns) => {
      const [head = "", ...lines] = list(columns);
      expect(head).toMatch(/^ {2}r.*cost/);
      // With less there is no room for the ends of an id.
      expect(new Set(lines).size).toBe(columns < 24 ? 1 : 2);
      for (const line of lines) {
        expect(line.length).toBeLessThanOrEqual(columns);
        expect(line).toContain("$573.123456789");
      }
    },
  );

  it("leaves out what is least, then shortens ids in the middle, then leaves out the rest", () => {
    expect(list(200)[0]).toMatch(/run +is +ended +failed +turns +cost +made \(UTC\) +scenario$/);
    const [head, line] = list(90);
    expect([head?.trim().split(/ {2,}/), line]).toEqual([
      ["run", "is", "ended", "failed", "cost"],
      expect.stringContaining("product-roundtable-"),
    ]);
    expect(list(80)[1]).toMatch(/^ {2}product-r\S*…\S*-aaaa {2}failed {2}10,000 of 10,000 +2 {2}\$573/);
    expect(list(40)[1]).toMatch(/^ {2}product…0-aaaa {2}failed {2}\$573\.123456789$/);
  });

  it("shows all of it where there is room without end", () => {
    const [, line] = list(Number.POSITIVE_INFINITY);
    expect(line).toContain(IDS[0]);
    expect(line).toMatch(/product-roundtable$/);
  });
});

describe("renderConversations", () => {
  it.each([24, 40, 60, 80, 200])("shows every amount in %i columns", (columns) => {
    const conversation: ConversationProgress = {
      ...figures,
      id: `${IDS[0]}-000001`,
      runId: IDS[0] ?? "",
      position: 0,
      status: "cancelled",
      arm: undefined,
      settings: {},
      worker: undefined,
      ending: { kind: "abort", evidence: "somebody stopped it after the turn that was under way" },
      failure: undefined,
    };
    const [, line = ""] = renderConversations([conversation], { columns, colour: false });
    expect(line).toMatch(/\$573\.123456789$/);
    expect(line.length).toBeLessThanOrEqual(columns);
  });
});

describe("renderRunSummary", () => {
  const options = { columns: 60, colour: false };

  it("cuts no command, and breaks what is said of it", () => {
    const command = `dramatis show ${IDS[0]} --store 'postgres://ana:***@db.example.org:5433/simulations'`;
    const note = "*** stands for what is not shown: write it there, or set DRAMATIS_STORE instead.";
    const next = [{ what: "look further", command }];
    const lines = renderRunSummary({ run: run("a"), progress, next, note }, options);
    expect(lines).toContain(`  look further  ${command}`);
    expect(lines.at(-2)).toMatch(/^ {2}\*\*\* stands for/);
    expect(lines.at(-1)?.length).toBeLessThanOrEqual(60);
  });

  it("tells what each tier cost where not all was asked at standard", () => {
    const tier = { requests: 2, costNanoUsd: 1_500_000, unpricedRequests: 0, unpricedBoundNanoUsd: 0 };
    const standard = { ...tier, tier: "standard" as const };
    const shown = (tiers: readonly TierFigures[]) =>
      renderRunSummary({ run: run("a"), progress, tiers, next: [] }, options).join("\n");
    expect(shown([standard, { ...tier, tier: "flex", unpricedRequests: 1 }])).toMatch(
      /standard: 2 requests, \$0\.0015\s+flex: 2 requests, ≥ \$0\.0015/,
    );
    expect(shown([standard])).not.toContain("standard:");
  });

  it("says nothing of tokens while they are not known", () => {
    const shown = (changed: Partial<Progress>) =>
      renderRunSummary({ run: run("a"), progress: { ...progress, ...changed }, next: [] }, options).join(
        "\n",
      );
    expect(shown({})).toContain("1,000 in, 200 out");
    const unknown = { inputTokens: undefined, cachedInputTokens: undefined, outputTokens: undefined };
    expect(shown(unknown)).not.toMatch(/\bin\b|\bout\b|unknown/);
    expect(shown(unknown)).toContain("$573.123456789");
  });
});
