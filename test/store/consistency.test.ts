/** What `store check` finds: nothing in a store that was only used, and each thing that can be wrong. */
import { beforeAll, expect, it } from "vitest";
import { queueInconsistencies } from "../../src/fleet/queue-check.ts";
import { inconsistenciesOf } from "../../src/store/consistency.ts";
import { claim } from "../../src/store/conversations.ts";
import { hold } from "../../src/store/requests.ts";
import type { Store } from "../../src/store/store.ts";
import { onEachEngine } from "./engines.ts";
import { planOnly, simulate } from "./sample-content.ts";

/** Undoes what a test broke. */
class Undone extends Error {}

onEachEngine("a check", ({ open }) => {
  let store: Store;
  let bill: number | undefined;
  beforeAll(async () => {
    store = await open();
    ({ billNanoUsd: bill } = await simulate(store, { id: "rough", conversations: 4, faults: 0.3 }));
    await planOnly(store, { id: "waiting", conversations: 2 });
    const lease = "lease-1";
    await claim(store.sql, { conversationId: "waiting-000001", lease, worker: "w" });
    await hold(
      store.sql,
      { runId: "waiting", conversationId: "waiting-000001", lease },
      { digest: "d", occurrence: 0, purpose: "turn", turn: 0, persona: "p", model: "m", amountNanoUsd: 5 },
    );
  }, 60_000);

  it("finds nothing after many requests that went wrong, and work that is under way", async () => {
    const [run] = await store.sql.query<{ spent: number }>(
      "select spent_nano_usd as spent from dramatis.runs where id = 'rough'",
    );
    expect(run?.spent).toBeGreaterThanOrEqual(bill ?? Number.NaN);
    expect(await inconsistenciesOf(store.sql)).toEqual([]);
    expect(await queueInconsistencies(store.sql)).toEqual([]);
  });

  it.each([
    [
      "a lost turn",
      "delete from dramatis.turns where conversation_id = 'rough-000001' and turn = 1",
      "another number of turns",
      "rough-000001",
    ],
    [
      "a lost conversation",
      "delete from dramatis.conversations where id = 'rough-000002'",
      "were planned with",
      "rough",
    ],
    [
      "a changed cost",
      // Of the first that has one: answers that were lost have none, and which are depends on who asked first.
      `update dramatis.usage_entries set cost_nano_usd = cost_nano_usd + 1 where (conversation_id, position) in (
         select conversation_id, min(position) from dramatis.usage_entries
         where conversation_id = 'rough-000003' and cost_nano_usd is not null group by 1)`,
      "than their ledger holds",
      "rough-000003",
    ],
    [
      "a changed sum of a run",
      "update dramatis.runs set spent_nano_usd = spent_nano_usd + 1 where id = 'rough'",
      "have not spent",
      "rough",
    ],
    [
      "money held by nobody",
      "update dramatis.runs set held_nano_usd = 7 where id = 'rough'",
      "hold another amount",
      "rough",
    ],
    [
      "money held by an ended conversation",
      "update dramatis.conversations set status = 'cancelled' where id = 'waiting-000001'",
      "still have requests",
      "waiting-000001",
    ],
    [
      "a request of another run",
      "update dramatis.requests set run_id = 'rough'",
      "another run than",
      "waiting-000001 d",
    ],
    [
      "a request without its outcome",
      "update dramatis.requests set state = 'answered'",
      "without an outcome",
      "waiting-000001 d",
    ],
    [
      "an end without a record",
      "update dramatis.conversations set record = null where id = 'rough-000001'",
      "without a record",
      "rough-000001",
    ],
  ])("finds %s", async (_, statement, what, example) => {
    let found: Awaited<ReturnType<typeof inconsistenciesOf>> = [];
    await store.sql
      .transaction(async (tx) => {
        await tx.query(statement);
        found = await inconsistenciesOf(tx);
        throw new Undone();
      })
      .catch((error: unknown) => {
        if (!(error instanceof Undone)) throw error;
      });
    expect(found).toContainEqual({ what: expect.stringContaining(what), count: 1, examples: [example] });
  });

  it("finds a conversation that has no place in the queue", async () => {
    await store.sql.query(
      "delete from dramatis_queue.job where data ->> 'conversationId' = 'waiting-000002'",
    );
    expect(await queueInconsistencies(store.sql)).toMatchObject([{ count: 1, examples: ["waiting-000002"] }]);
  });
});
