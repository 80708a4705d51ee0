/** Who has a conversation. */
import { beforeAll, expect, it } from "vitest";
import { park, setAside, waitingLines } from "../../src/store/batch-lines.ts";
import { inconsistenciesOf } from "../../src/store/consistency.ts";
import { claim, finish, finishAsFailed, giveBack, leaseOf } from "../../src/store/conversations.ts";
import { fundsOf, hold, markSent, requestsOf, settle, takeOver } from "../../src/store/requests.ts";
import { createRun, deleteRun } from "../../src/store/runs.ts";
import type { Store } from "../../src/store/store.ts";
import { sampleRecord } from "../report/sample-record.ts";
import { onEachEngine } from "./engines.ts";

const REQUEST = { digest: "d", occurrence: 0, purpose: "turn", turn: 1, persona: "p", model: "m" } as const;
const LINE = { attempts: [], body: "{}", bytes: 2, tokens: 1, boundNanoUsd: 9 };

onEachEngine("a conversation", ({ open }) => {
  let store: Store;
  beforeAll(async () => {
    store = await open();
  }, 60_000);

  const plan = (id: string) =>
    createRun(store.sql, {
      id,
      scenario: "s",
      definition: {},
      maxCostNanoUsd: 1000,
      conversations: [{ id: `${id}-1`, position: 0, settings: {} }],
    });
  const claimed = (run: string, lease: string) =>
    claim(store.sql, { conversationId: `${run}-1`, lease, worker: "w" });

  it("is the latest attempt's: an earlier one of the same job, whose claim comes late, gets nothing", async () => {
    await plan("attempts");
    expect(await claimed("attempts", leaseOf("job", 9))).toBeDefined();
    expect(await claimed("attempts", leaseOf("job", 10))).toBeDefined();
    // Sent again, since its answer got lost.
    expect(await claimed("attempts", leaseOf("job", 10))).toBeDefined();
    expect(await claimed("attempts", leaseOf("job", 9))).toBeUndefined();
    expect(
      await store.sql.query("select lease from dramatis.conversations where run_id = 'attempts'"),
    ).toEqual([{ lease: leaseOf("job", 10) }]);
    expect(await claimed("attempts", leaseOf("another", 0))).toBeDefined();
  });

  async function holderOf(run: string, lease: string) {
    const holder = await claimed(run, lease);
    if (holder === undefined) throw new Error("Somebody has it.");
    return holder;
  }

  async function ask(holder: Awaited<ReturnType<typeof holderOf>>): Promise<void> {
    await hold(store.sql, holder, { ...REQUEST, amountNanoUsd: 100 });
    await markSent(store.sql, holder, { ...REQUEST, attempts: [], boundNanoUsd: 80 });
  }

  it("is taken over only by who has it: what the later one asks stays as it is", async () => {
    await plan("over");
    const earlier = await holderOf("over", leaseOf("job", 0));
    const later = await holderOf("over", leaseOf("job", 1));
    await ask(later);
    await expect(takeOver(store.sql, earlier)).rejects.toMatchObject({ code: "lease-lost" });
    expect(await requestsOf(store.sql, "over-1")).toMatchObject([{ state: "sent", attempts: [] }]);
    expect(await fundsOf(store.sql, "over")).toMatchObject({ spentNanoUsd: 0, heldNanoUsd: 100 });
    const closing = {
      state: "answered",
      attempts: [],
      outcome: { completion: 1 },
      spentNanoUsd: 10,
    } as const;
    await settle(store.sql, later, { ...REQUEST, ...closing });
    expect(await takeOver(store.sql, later)).toMatchObject([{ state: "answered" }]);
    expect(await fundsOf(store.sql, "over")).toMatchObject({ spentNanoUsd: 10, heldNanoUsd: 0 });
  });

  it("keeps an answer that came while it was looked at what is under way", async () => {
    await plan("late");
    const holder = await holderOf("late", leaseOf("job", 0));
    await ask(holder);
    const { sql } = store;
    const answering = {
      ...sql,
      query: (async (statement: never, values: never) => {
        const rows = await sql.query(statement, values);
        if (JSON.stringify(statement).includes("requests-of"))
          await settle(sql, holder, {
            ...REQUEST,
            state: "answered",
            attempts: [],
            outcome: {},
            spentNanoUsd: 10,
          });
        return rows;
      }) as typeof sql.query,
    };
    await takeOver(answering, holder);
    expect(await requestsOf(sql, "late-1")).toMatchObject([{ state: "answered", attempts: [] }]);
    expect(await fundsOf(sql, "late")).toMatchObject({ spentNanoUsd: 10, heldNanoUsd: 0 });
  });

  it("that could not begin leaves nothing held, and is not found wrong", async () => {
    await plan("unbegun");
    const holder = await holderOf("unbegun", leaseOf("job", 0));
    await ask(holder);
    await store.sql.transaction((tx) => finishAsFailed(tx, holder, "There is no such model."));
    expect(await fundsOf(store.sql, "unbegun")).toMatchObject({ spentNanoUsd: 80, heldNanoUsd: 0 });
    expect(await inconsistenciesOf(store.sql)).toEqual([]);
  });

  it("has nothing sent by batch before it is set aside", async () => {
    await plan("aside");
    const holder = await holderOf("aside", leaseOf("job", 0));
    await park(store.sql, holder, { ...REQUEST, ...LINE, customId: "aside-a" });
    expect(await waitingLines(store.sql, "aside")).toEqual([]);
    expect(await store.sql.transaction((tx) => setAside(tx, holder))).toBe(true);
    expect(await waitingLines(store.sql, "aside")).toMatchObject([{ customId: "aside-a" }]);
  });

  it.each(["completed", "budget", "unbegun"] as const)(
    "takes along what it wanted of a batch and was not sent: %s",
    async (end) => {
      const run = `unsent-${end}`;
      await plan(run);
      const holder = await holderOf(run, leaseOf("job", 0));
      await park(store.sql, holder, { ...REQUEST, ...LINE, customId: `${run}-a` });
      await store.sql.transaction((tx) =>
        end === "unbegun"
          ? finishAsFailed(tx, holder, "There is no such model.")
          : finish(tx, holder, sampleRecord({ conversationId: `${run}-1`, status: end })),
      );
      const lines = "select from dramatis.batch_lines where run_id = $1";
      expect(await store.sql.query(lines, [run])).toEqual([]);
      expect((await requestsOf(store.sql, `${run}-1`)).map(({ state }) => state)).toEqual(
        end === "completed" ? [] : ["open"],
      );
      // What a sample cost, its run knows nothing of.
      await deleteRun(store.sql, run);
    },
  );

  it("that went on began when it was first claimed", async () => {
    await plan("again");
    const holder = await holderOf("again", leaseOf("job", 0));
    const started = "select started_at from dramatis.conversations where run_id = 'again'";
    const first = await store.sql.query<{ started_at: Date }>(started);
    await giveBack(store.sql, holder);
    const later = await holderOf("again", leaseOf("job", 1));
    const startedAt = "2100-01-01T00:00:00.000Z";
    const record = sampleRecord({
      conversationId: "again-1",
      startedAt,
      endedAt: "2100-01-01T00:01:00.000Z",
    });
    await store.sql.transaction((tx) => finish(tx, later, record));
    expect(await store.sql.query(started)).toEqual(first);
  });

  it("is not ended as failed by who had it before", async () => {
    await plan("fenced");
    const earlier = await holderOf("fenced", leaseOf("job", 0));
    const later = await holderOf("fenced", leaseOf("job", 1));
    const failing = store.sql.transaction((tx) => finishAsFailed(tx, earlier, "It slept."));
    await expect(failing).rejects.toMatchObject({ code: "lease-lost" });
    expect(
      await store.sql.query("select status, lease from dramatis.conversations where run_id = 'fenced'"),
    ).toEqual([{ status: "running", lease: later.lease }]);
  });
});
