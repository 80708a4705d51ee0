/** How a run is cancelled, wherever its conversations are just then. */
import { beforeAll, expect, it } from "vitest";
import { openQueue } from "../../src/fleet/queue.ts";
import { queueInconsistencies } from "../../src/fleet/queue-check.ts";
import { cancelSimulation } from "../../src/fleet/run-ends.ts";
import { inconsistenciesOf } from "../../src/store/consistency.ts";
import { claim, finish } from "../../src/store/conversations.ts";
import { fundsOf, type Holder, hold, markSent, requestsOf } from "../../src/store/requests.ts";
import { createRun } from "../../src/store/runs.ts";
import type { Store } from "../../src/store/store.ts";
import { sampleRecord } from "../report/sample-record.ts";
import { onEachEngine } from "../store/engines.ts";

const REQUEST = { digest: "d", occurrence: 0, purpose: "turn", turn: 1, persona: "p", model: "m" } as const;

onEachEngine("a run that is cancelled", ({ open }) => {
  let store: Store;
  beforeAll(async () => {
    store = await open();
  }, 60_000);

  /** A run with one conversation, which a worker has begun and asked something in; its job then stands as is said. */
  async function begun(id: string, job: string): Promise<Holder> {
    const conversationId = `${id}-1`;
    const queue = await openQueue(store, () => undefined);
    await store.sql.transaction(async (tx) => {
      await createRun(tx, {
        id,
        scenario: "s",
        definition: {},
        maxCostNanoUsd: 1000,
        conversations: [{ id: conversationId, position: 0, settings: {} }],
      });
      await queue.add(tx, [conversationId]);
    });
    await queue.close();
    const holder = await claim(store.sql, { conversationId, lease: "lease", worker: "dead" });
    if (holder === undefined) throw new Error("Somebody has it.");
    await hold(store.sql, holder, { ...REQUEST, amountNanoUsd: 100 });
    await markSent(store.sql, holder, { ...REQUEST, attempts: [], boundNanoUsd: 80 });
    await store.sql.query(`update dramatis_queue.job set ${job} where data ->> 'conversationId' = $1`, [
      conversationId,
    ]);
    return holder;
  }

  const statusOf = async ({ conversationId }: Holder) =>
    await store.sql.query(
      `select status, (select count(*)::int from dramatis_queue.job where data ->> 'conversationId' = $1) as jobs
       from dramatis.conversations where id = $1`,
      [conversationId],
    );

  async function expectNothingWrong() {
    expect(await inconsistenciesOf(store.sql)).toEqual([]);
    expect(await queueInconsistencies(store.sql)).toEqual([]);
  }

  it.each([
    ["noticed", "state = 'retry'"],
    [
      "unnoticed",
      "state = 'active', heartbeat_seconds = 10, started_on = now() - interval '1 hour', heartbeat_on = now() - interval '1 minute'",
    ],
  ])("has nothing under way that a dead worker had, %s", async (death, job) => {
    const holder = await begun(death, job);
    await cancelSimulation(store, death);
    expect(await statusOf(holder)).toEqual([{ status: "cancelled", jobs: 0 }]);
    expect(await fundsOf(store.sql, death)).toEqual({ spentNanoUsd: 80, heldNanoUsd: 0, capNanoUsd: 1000 });
    expect(await requestsOf(store.sql, holder.conversationId)).toMatchObject([
      { state: "open", attempts: [{ problem: "lost", attempt: 1, costBoundNanoUsd: 80, mayBeBilled: true }] },
    ]);
    // Should the worker be alive after all, it writes nothing more.
    const record = sampleRecord({ conversationId: holder.conversationId });
    await expect(store.sql.transaction((tx) => finish(tx, holder, record))).rejects.toMatchObject({
      code: "lease-lost",
    });
    await expectNothingWrong();
  });

  it("leaves what a worker has in hand to that", async () => {
    const holder = await begun(
      "alive",
      "state = 'active', heartbeat_seconds = 10, started_on = now(), heartbeat_on = now()",
    );
    await cancelSimulation(store, "alive");
    expect(await statusOf(holder)).toEqual([{ status: "running", jobs: 1 }]);
    await expectNothingWrong();
    await store.sql.query("delete from dramatis_queue.job where data ->> 'conversationId' = 'alive-1'");
    expect(await queueInconsistencies(store.sql)).toMatchObject([{ count: 1, examples: ["alive-1"] }]);
    await cancelSimulation(store, "alive");
  });

  it("keeps what a batch brought for whoever counts it", async () => {
    const holder = await begun("arrived", "state = 'created'");
    await store.sql.query(
      `update dramatis.requests set state = 'arrived', outcome = '{}' where conversation_id = 'arrived-1'`,
    );
    await store.sql.query(
      "update dramatis.conversations set status = 'waiting', lease = null where id = 'arrived-1'",
    );
    await cancelSimulation(store, "arrived");
    expect(await statusOf(holder)).toEqual([{ status: "waiting", jobs: 1 }]);
    expect(await fundsOf(store.sql, "arrived")).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 100 });
  });
});
