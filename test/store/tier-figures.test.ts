/** What a run cost by tier is the sum of its ledgers, on both engines. */
import { expect, it } from "vitest";
import type { UsageEntry } from "../../src/domain/usage.ts";
import { totalsOf } from "../../src/ledger/totals.ts";
import { tierFiguresOf } from "../../src/store/tier-figures.ts";
import { onEachEngine } from "./engines.ts";
import { storeRun } from "./stored-run.ts";

const entry = (more: Partial<UsageEntry>): UsageEntry => ({ model: "o3", tier: "standard", ...more });
const ledger = (...entries: UsageEntry[]) => ({ record: { usage: { entries, totals: totalsOf(entries) } } });

onEachEngine("the figures of tiers", ({ shared }) => {
  it("are sums over a run's conversations, the dearest first, with what is unknown counted", async () => {
    const store = await shared();
    const flex = entry({ tier: "flex", costNanoUsd: 300 });
    await storeRun(store, "tiers", [
      ledger(flex, entry({ costNanoUsd: 700 }), entry({ tier: "batch", costBoundNanoUsd: 90 })),
      ledger(flex, entry({ tier: "batch" })),
      { record: undefined },
    ]);
    await storeRun(store, "others", [ledger(entry({ costNanoUsd: 5 }))]);
    const known = { unpricedRequests: 0, unpricedBoundNanoUsd: 0 };
    expect(await tierFiguresOf(store.sql, "tiers")).toEqual([
      { tier: "standard", requests: 1, costNanoUsd: 700, ...known },
      { tier: "flex", requests: 2, costNanoUsd: 600, ...known },
      { tier: "batch", requests: 2, costNanoUsd: 0, unpricedRequests: 2, unpricedBoundNanoUsd: 90 },
    ]);
    expect(await tierFiguresOf(store.sql, "none")).toEqual([]);
  });
});
