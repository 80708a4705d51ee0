/** `dramatis reconcile` over the wire: what runs asked, beside what the offline server counted and charged. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openReconcileStage, type ReconcileStage } from "./reconcile-stage.ts";

/** 2026-11-20, 10:30:20 UTC. */
const NOW = Date.UTC(2026, 10, 20, 10, 30, 20);
const MINUTE = 60_000;
const FLEX = { tier: "flex", models: { "ana-lund": "gpt-5-mini", "bo-ferro": "o3" } } as const;

describe("a day of mixed traffic", () => {
  let stage: ReconcileStage;
  beforeAll(async () => {
    stage = await openReconcileStage(NOW, {
      faults: { seed: 3, share: 0.15, kinds: ["500", "reset"] },
      batch: { faults: { seed: 1, share: 0.2 } },
    });
    await stage.hold({ id: "standard", conversations: 3 });
    stage.now += 40 * MINUTE;
    await stage.hold({ id: "flex", context: FLEX });
    stage.now += 40 * MINUTE;
    await stage.hold({ id: "batch", transport: "batch" });
  }, 120_000);
  afterAll(() => stage.close());

  it("is explained to the nano-dollar", async () => {
    const { exitCode, stdout, stderr } = await stage.reconcile("--since", "2026-11-20", "--json");
    console.log(stderr, JSON.stringify(JSON.parse(stdout), null, 1).slice(0, 9000));
    console.log((await stage.reconcile("--since", "2026-11-20")).stdout);
    console.log(stage.server.bill, stage.server.traffic);
    expect(exitCode).toBe(0);
  });

  it("names an entry that was deleted", async () => {
    await stage.inStore(async (sql) => {
      await sql.query(
        "delete from dramatis.usage_entries where conversation_id = 'standard-000002' and position = 2",
      );
    });
    for (const columns of [60, 80, 200]) {
      const { exitCode, stdout } = await stage.reconcileIn({ columns, rows: 40 }, "--since", "2026-11-20");
      console.log(exitCode, stdout);
    }
  });
});
