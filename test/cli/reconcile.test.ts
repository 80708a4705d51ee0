/** `dramatis reconcile` over the wire: what runs asked, beside what the offline server counted and charged. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DAY, errorResponse, MINUTE, past, TODAY } from "../organization/sample-organization.ts";
import { openReconcileStage, type ReconcileStage } from "./reconcile-stage.ts";

const FLEX = { tier: "flex", models: { "ana-lund": "gpt-5-mini", "bo-ferro": "o3" } } as const;
const MORNING = TODAY + 8 * 60 * MINUTE;

/** Answers so many requests, and refuses the key from then on. */
function refusingAfter(requests: number): typeof fetch {
  let left = requests;
  return async (input, init) => (left-- > 0 ? await fetch(input, init) : errorResponse(401, "No such key"));
}

/** A row of the ledger, as the store has it. */
interface Entry {
  conversation_id: string;
  position: number;
  model: string;
  tier: string;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  cost_nano_usd: number;
}

describe("a day of mixed traffic", () => {
  let stage: ReconcileStage;
  beforeAll(async () => {
    stage = await openReconcileStage(MORNING, {
      faults: { seed: 3, share: 0.15, kinds: ["500", "reset-billed"] },
      batch: { faults: { seed: 1, share: 0.2 } },
    });
    const conversations = 3;
    await stage.hold({ id: "standard", conversations }, { sharedCache: true });
    stage.now += 40 * MINUTE;
    await stage.hold({ id: "again", conversations }, { sharedCache: true });
    await stage.hold({ id: "flex", context: FLEX });
    stage.now += 40 * MINUTE;
    await stage.hold({ id: "batch", transport: "batch" });
    await stage.hold({ id: "broken", seed: 70 }, { fetch: refusingAfter(3) });
  }, 120_000);
  afterAll(() => stage.close());

  const reconcile = (...args: string[]) => stage.run(["reconcile", "--since", "2026-11-20", ...args]);
  async function reconciliation(...args: string[]) {
    const { exitCode, stdout, stderr } = await reconcile("--json", ...args);
    return { exitCode, stderr, ...JSON.parse(stdout) };
  }

  it("is explained to the nano-dollar", async () => {
    const { exitCode, stderr, rows, totals, charged, underWay } = await reconciliation();
    const { bill, traffic } = stage.server;
    expect({ exitCode, stderr, underWay }).toEqual({ exitCode: 0, stderr: "", underWay: 0 });
    // What the day had in it: all of it has to be explained.
    const answered = await stage.inStore((sql) =>
      sql.query(
        `select count(*) filter (where from_cache)::int as "fromCache", count(*) filter (where cost_nano_usd is null)::int as lost,
           (select count(*)::int from dramatis.conversations where status = 'failed') as failed
         from dramatis.usage_entries`,
      ),
    );
    expect(answered).toEqual([{ fromCache: 12, lost: 1, failed: 2 }]);
    expect(traffic.faultsByKind).toEqual({ "reset-billed": 1, "500": 1, "batch-500": 2 });
    expect(rows.map((row: Record<string, unknown>) => [row.model, row.tier, row.verdict])).toEqual([
      ["gpt-4.1-nano", "batch", "matched"],
      ["gpt-4.1-nano", "standard", "lost"],
      ["gpt-5-mini", "flex", "matched"],
      ["o3", "flex", "matched"],
    ]);
    // The server's own bill, from before any report: every request, token and nano-dollar of it.
    expect(totals.provider).toEqual({
      requests: bill.requests,
      inputTokens: bill.inputTokens,
      cachedInputTokens: bill.cachedInputTokens,
      outputTokens: bill.outputTokens,
      costNanoUsd: bill.costNanoUsd,
    });
    expect(totals.provider.cachedInputTokens).toBeGreaterThan(0);
    expect(totals.ledger.costNanoUsd + totals.difference.costNanoUsd).toBe(bill.costNanoUsd);
    const sum = (of: string) =>
      charged.reduce((all: number, row: Record<string, number>) => all + row[of]!, 0);
    expect([sum("chargedNanoUsd"), sum("differenceNanoUsd")]).toEqual([bill.costNanoUsd, 0]);
  });
});
