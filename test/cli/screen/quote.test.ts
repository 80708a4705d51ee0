/** The quote on screen: every figure that matters at any width, nothing made smaller than it is. */
import { describe, expect, it } from "vitest";
import { renderQuote } from "../../../src/cli/screen/quote.ts";
import { quoted } from "../../quote/stage.ts";

const { quote } = await quoted({
  scenario: { moderator: { policy: "model" }, budget: { maxCostUsd: 0.5 } },
  samples: 2,
});
const shown = (changes: Partial<typeof quote> = {}, columns = 80) =>
  renderQuote({ ...quote, ...changes }, { columns, colour: false });
const rowOf = (lines: readonly string[], name: string) =>
  lines.find((line) => line.trimStart().startsWith(name)) ?? "";

describe("renderQuote", () => {
  it.each([60, 80, 120, 200])("fits in %i columns, with the prices that matter", (columns) => {
    const lines = shown({}, columns);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(rowOf(lines, "persona")).toMatch(/expected +uncached +batch +at most/);
    for (const name of ["Ada", "Ben", "Cleo", "moderator and", "total", "gpt-4.1-nano", "turn"])
      expect(rowOf(lines, name)).toMatch(/\$0\.\d{4,}/);
  });

  it("has tokens, the uncached batch price and the worst case in batch where there is room", () => {
    expect(rowOf(shown({}, 160), "persona")).toMatch(
      /^ {2}persona +expected +uncached +batch +at most +most in batch +uncached batch +requests +input +cached +output$/,
    );
  });

  it("rounds what is expected, and the worst case only up", () => {
    const expected = { ...quote.expected, total: { ...quote.expected.total, costNanoUsd: 12_344_999 } };
    const most = { costNanoUsd: 98_760_001, batchNanoUsd: 49_380_001 };
    const bound = quote.worst.bound && { ...quote.worst.bound, total: most };
    const total = rowOf(shown({ expected, worst: { ...quote.worst, bound } }), "total");
    expect(total).toContain("$0.01234 ");
    expect(total).toContain("$0.09877 ");
  });

  it("says for how many conversations, and what a single one cost", () => {
    expect(shown({ runs: 50 }).join("\n")).toMatch(/50 conversations; the samples cost \$0\.000\d+/);
  });

  it("says that there is no worst case where nothing limits the turns", () => {
    const lines = shown({ worst: { maxTurns: undefined, bound: undefined } });
    expect(rowOf(lines, "total")).toContain(" – ");
  });

  it("marks what has no price", () => {
    const total = { ...quote.expected.total, unpricedRequests: 1 };
    const byPersona = { ...quote.expected.byPersona };
    const ada = { ...total, costNanoUsd: undefined, uncachedNanoUsd: undefined };
    const lines = shown({ expected: { ...quote.expected, total, byPersona: { ...byPersona, ada } } });
    expect(rowOf(lines, "total")).toContain("≥ $0.000");
    expect(rowOf(lines, "Ada")).toContain("unknown");
  });
});

describe("the budget's line", () => {
  const line = (changes: Partial<typeof quote>) => shown(changes, 200).join(" ").replaceAll(/\s+/g, " ");
  const budget = { capNanoUsd: 1_000_000, canHold: true, reachedBy: 0 };
  const [first, second] = quote.samples;
  if (first === undefined || second === undefined) throw new Error("there are two samples");

  it("says that there is none", () => {
    expect(line({ budget: undefined })).toContain("Budget: none.");
  });

  it("says how much of it the dearest sample took, and whether the worst case fits", () => {
    const samples = [first, { ...second, costNanoUsd: 250_000 }];
    const cheap = { ...first, costNanoUsd: 100_000 };
    expect(line({ budget, samples: [cheap, ...samples.slice(1)] })).toMatch(
      /Budget \$0\.0010: enough, the dearest sample took \$0\.000250 or 25% of it\. The worst case would end there\./,
    );
    const large = { ...budget, capNanoUsd: 1_000_000_000 };
    expect(line({ budget: large })).toContain("Nor can the worst case pass it.");
  });

  it("says after how many turns it is reached", () => {
    const samples = [
      { ...first, turns: 17, turnsInBudget: 6 },
      { ...second, turns: 18, turnsInBudget: 7 },
    ];
    expect(line({ budget: { ...budget, reachedBy: 2 }, samples })).toContain(
      "reached in 2 of 2 samples, after 6 to 7 of 17 to 18 turns. The conversation ends there.",
    );
  });

  it("says that it cannot hold without a price", () => {
    expect(line({ budget: { ...budget, canHold: false }, unpricedModels: ["local"] })).toContain(
      "Budget $0.0010: cannot hold while local may be asked without a price.",
    );
  });
});
