/** What `dramatis reconcile` says of differences that a store's unfinished business may be part of. */
import { expect, it } from "vitest";
import { type ReconciliationView, renderReconciliation } from "../../../src/cli/screen/reconciliation.ts";

const DAY = Date.UTC(2026, 10, 20);
const amounts = (requests: number, costNanoUsd: number) => ({
  requests,
  inputTokens: 1000 * requests,
  cachedInputTokens: 0,
  outputTokens: 100 * requests,
  costNanoUsd,
});
const NOTHING = amounts(0, 0);

function shown(changes: Partial<ReconciliationView["result"]>, columns = 80): string {
  const row = {
    day: DAY,
    model: "gpt-4.1-nano",
    tier: "batch" as const,
    ledger: amounts(1, 70_000),
    provider: amounts(3, 210_000),
    difference: amounts(2, 140_000),
    verdict: "only-at-provider" as const,
    lost: undefined,
    moved: NOTHING,
    places: [],
  };
  const lines = renderReconciliation(
    {
      result: {
        since: DAY,
        until: DAY + 86_400_000,
        rows: [row],
        charged: [],
        otherCharges: [],
        totals: row,
        unbilled: { requests: 1, boundNanoUsd: 500_000 },
        gaps: [],
        underWay: 0,
        isExplained: false,
        ...changes,
      },
      host: "api.openai.com",
      store: "store",
      projects: undefined,
      apiKeys: undefined,
      now: DAY,
      command: (words) => `dramatis ${words}`,
      ownCommand: (words) => `dramatis ${words}`,
    },
    { columns, colour: false },
  );
  return lines.join(" ").replaceAll(/\s+/g, " ");
}

it("does not say of a lost answer that it cost nothing while something at the provider is not explained", () => {
  expect(shown({})).toContain("1 lost answer, of $0.0005 at most: they may be part of what is not explained");
  expect(shown({ rows: [] })).toContain(
    "1 lost answer, of $0.0005 at most: nothing here was billed for them",
  );
});

it("has what is under way end before it is looked for elsewhere", () => {
  expect(shown({ underWay: 1 })).toContain("Let what is under way end first: dramatis runs;");
  expect(shown({})).toContain("See whose it is: dramatis usage");
});

it("keeps the verdict and the difference of every row where it is narrow", () => {
  expect(shown({}, 60)).toContain("gpt-4.1-nano batch $0.00014 only at the provider");
});
