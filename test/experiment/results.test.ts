/** Summaries and pairs, and the rows as CSV. */
import { describe, expect, it } from "vitest";
import { resultsCsv } from "../../src/experiment/csv.ts";
import { type ResultRow, summarise } from "../../src/experiment/results.ts";

const row = (arm: string, repeat: number, rest: Partial<ResultRow> = {}): ResultRow => ({
  conversation: `${arm}-${repeat}`,
  arm,
  levels: { size: arm },
  repeat,
  seed: repeat,
  status: "completed",
  ending: "maxTurns",
  turns: 10,
  requests: 12,
  inputTokens: 1000,
  cachedInputTokens: 100,
  outputTokens: 50,
  costNanoUsd: 1_500_000,
  unpricedRequests: 0,
  unpricedBoundNanoUsd: 0,
  durationMs: 800,
  concluding: 0.5,
  confidence: 0.5,
  citationsPerTurn: 1,
  wordsPerTurn: 60,
  inequality: 0.1,
  ...rest,
});
const arms = ["a", "b"].map((name) => ({ name, levels: { size: name } }));

describe("a summary", () => {
  it("pairs repeats that finished in both arms, and no others", () => {
    const rows = [
      row("a", 1, { turns: 10 }),
      row("a", 2, { turns: 20 }),
      row("a", 3, { status: "failed", turns: 99 }),
      row("b", 1, { turns: 13 }),
      row("b", 2, { turns: 21 }),
      row("b", 3, { turns: 50 }),
    ];
    const { arms: summaries, differences } = summarise(arms, rows, { commonRandomNumbers: true });
    expect(summaries[0]).toMatchObject({ conversations: 3, finished: 2, failed: 1, open: 0 });
    expect(summaries[0]?.estimates.turns).toMatchObject({ n: 2, mean: 15 });
    expect(differences).toMatchObject({ from: "a", arms: [{ arm: "b", pairs: 2 }] });
    // Differences 3 and 1: mean 2, standard error 1, t of one degree of freedom 12.706.
    const { mean, low, high } = differences?.arms[0]?.estimates.turns ?? {};
    expect(mean).toBe(2);
    expect(low).toBeCloseTo(2 - 12.706, 3);
    expect(high).toBeCloseTo(2 + 12.706, 3);
  });

  it("has no pairs where seeds differ between arms", () => {
    const rows = [row("a", 1), row("b", 1)];
    expect(summarise(arms, rows, { commonRandomNumbers: false }).differences).toBeUndefined();
  });

  it("counts everything that has not finished by what became of it", () => {
    const rows = ["failed", "budget", "cancelled", "waiting", "running", "interrupted"].map((status, index) =>
      row("a", index + 1, { status }),
    );
    expect(summarise(arms, rows, { commonRandomNumbers: true }).arms[0]).toMatchObject({
      conversations: 6,
      finished: 0,
      failed: 1,
      budget: 1,
      cancelled: 1,
      open: 3,
    });
  });

  it("leaves out a cost that is not known whole", () => {
    const rows = [row("a", 1), row("a", 2, { unpricedRequests: 1 }), row("a", 3, { costNanoUsd: undefined })];
    const [summary] = summarise(arms, rows, { commonRandomNumbers: true }).arms;
    expect(summary?.estimates.costUsd).toMatchObject({ n: 1, mean: 0.0015 });
    expect(summary?.estimates.turns.n).toBe(3);
  });
});

describe("rows as CSV", () => {
  const factors = [{ name: "size", levels: ["a", "b"] }];

  it("have a column a factor, money with every digit, and nothing where nothing is known", () => {
    const open = {
      status: "waiting",
      ending: undefined,
      costNanoUsd: undefined,
      durationMs: undefined,
      inequality: undefined,
    };
    const [head, first, second, end] = resultsCsv({ factors }, [row("a", 1), row("b", 1, open)]).split(
      "\r\n",
    );
    expect(head?.split(",").slice(0, 5)).toEqual(["conversation", "factor_size", "repeat", "seed", "status"]);
    expect(first).toBe(
      "a-1,a,1,1,completed,maxTurns,10,12,1000,100,50,0.001500000,0,0.000000000,800,0.5,0.5,1,60,0.1",
    );
    expect(second).toBe("b-1,b,1,1,waiting,,10,12,1000,100,50,,0,0.000000000,,0.5,0.5,1,60,");
    expect(end).toBe("");
  });

  it.each(["=1+2", "+1", "-1", "@sum"])("run no level's name as a formula: %s", (level) => {
    const only = [row("a", 1, { levels: { size: level } })];
    let guarded = 0;
    const csv = { hasFormulaGuard: true, onGuarded: () => guarded++ };
    expect(resultsCsv({ factors }, only)).toContain(`\r\na-1,'${level},1,`);
    expect(resultsCsv({ factors }, only, csv)).toBe(resultsCsv({ factors }, only));
    expect(guarded).toBe(1);
    expect(resultsCsv({ factors }, only, { hasFormulaGuard: false })).toContain(`\r\na-1,${level},1,`);
  });

  it("quote what would break a row", () => {
    const [, first] = resultsCsv({ factors }, [
      row("a", 1, { levels: { size: 'the "big" one, ours' } }),
    ]).split("\r\n");
    expect(first).toContain(',"the ""big"" one, ours",');
  });
});
