/** What was asked of a provider in some time, as ledgers and kept requests tell it, on both engines. */
import { expect, it } from "vitest";
import { park, unassign } from "../../src/store/batch-lines.ts";
import { planWave } from "../../src/store/batches.ts";
import { entriesOf } from "../../src/store/conversations.ts";
import { markSent, requestsOf, settle, takeOver } from "../../src/store/requests.ts";
import { type KeptSpending, keptSpending, ledgerGaps, spentSums } from "../../src/store/spending.ts";
import type { Store } from "../../src/store/store.ts";
import { onEachEngine } from "./engines.ts";
import {
  answer,
  at,
  begin,
  complete,
  counted,
  DAY,
  entry,
  MINUTE,
  requestId,
  TEN,
} from "./sample-spending.ts";
import { storeRun } from "./stored-run.ts";

async function kept({ sql }: Store, run: string): Promise<KeptSpending[]> {
  const all: KeptSpending[] = [];
  for await (const page of keptSpending(sql)) all.push(...page);
  return all.filter((one) => one.run === run);
}

onEachEngine("spending", ({ shared, open }) => {
  it("of a ledger is summed by when the provider answered; what is not counted lies within its conversation", async () => {
    const store = await shared();
    await storeRun(store, "ended", [{ record: undefined }, { record: undefined }]);
    const holder = await begin(store, "ended-1");
    await answer(store, holder, "one", 5);
    await answer(store, holder, "two", 5);
    await answer(store, holder, "three", 9);
    await complete(store, holder, [
      entry({ ...counted, costNanoUsd: 5, requestId: "one" }),
      entry({ ...counted, costNanoUsd: 6, requestId: "two" }),
      entry({ ...counted, requestId: "three" }),
      entry({ costBoundNanoUsd: 70 }),
      entry({ ...counted, costNanoUsd: 0, fromCache: true }),
    ]);
    // What a process answered by itself is on nobody's bill.
    const offline = entry({ ...counted, costNanoUsd: 5, offline: true });
    await complete(store, await begin(store, "ended-2"), [offline], { transport: "offline" });

    const place = { run: "ended", model: "o3", tier: "standard" };
    const none = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, costNanoUsd: 0, unpriced: 0 };
    const lost = { ...place, ...none, isCounted: false, requests: 1, bounds: [70] };
    const known = { ...place, isCounted: true, bounds: [] };
    const minutes = await spentSums(store.sql, DAY, { width: "minute" });
    expect(minutes).toHaveLength(3);
    expect(minutes).toEqual(
      expect.arrayContaining([
        { ...lost, earliest: at(0), latest: at(20) },
        {
          ...known,
          earliest: at(5),
          latest: at(5),
          requests: 2,
          inputTokens: 20,
          cachedInputTokens: 8,
          outputTokens: 4,
          costNanoUsd: 11,
          unpriced: 0,
        },
        { ...known, earliest: at(9), latest: at(9), requests: 1, ...counted, costNanoUsd: 0, unpriced: 1 },
      ]),
    );
    const hours = await spentSums(store.sql, DAY);
    expect(hours.map(({ isCounted, requests, unpriced }) => [isCounted, requests, unpriced])).toEqual(
      expect.arrayContaining([
        [true, 3, 1],
        [false, 1, 0],
      ]),
    );
    expect(await spentSums(store.sql, { since: TEN + 180 * MINUTE, until: TEN + 240 * MINUTE })).toEqual([]);
    expect(await kept(store, "ended")).toEqual([]);
  });

  it("of what has not ended is its kept answers, and the most that may have been lost or is on its way", async () => {
    const store = await shared();
    await storeRun(store, "running", [{ record: undefined }]);
    const holder = await begin(store, "running-1");
    await answer(store, holder, "kept", 7);
    const attempt = { purpose: "turn", model: "o3", attempt: 1, problem: "lost", costBoundNanoUsd: 60 };
    const attempts = [
      { ...attempt, mayBeBilled: true },
      { ...attempt, attempt: 2, problem: "server-error", mayBeBilled: false },
    ];
    await markSent(store.sql, holder, { ...requestId("sent"), attempts, boundNanoUsd: 50 });

    const some = await kept(store, "running");
    const place = {
      conversation: "running-1",
      run: "running",
      model: "o3",
      tier: "standard",
      firstAt: at(0).getTime(),
      endedAt: undefined,
    };
    expect(some).toHaveLength(2);
    expect(some).toEqual(
      expect.arrayContaining([
        {
          ...place,
          answer: {
            usage: expect.objectContaining({ prompt_tokens: 10, completion_tokens: 2 }),
            serviceTier: "default",
            at: TEN + 7 * MINUTE + 30_000,
            boundNanoUsd: 5,
          },
          lost: [],
        },
        {
          ...place,
          answer: undefined,
          lost: [
            { tier: "standard", boundNanoUsd: 60 },
            { tier: "standard", boundNanoUsd: 50 },
          ],
        },
      ]),
    );
  });

  it("is told apart from what the offline server answered, entry by entry and attempt by attempt", async () => {
    const store = await open();
    await storeRun(store, "mixed", [{ record: undefined }, { record: undefined }]);
    const holder = await begin(store, "mixed-1");
    await answer(store, holder, "network", 7);
    await answer(store, holder, "offline", 8, { isOffline: true });
    const attempt = { purpose: "turn", model: "o3", attempt: 1, problem: "lost", mayBeBilled: true };
    const attempts = [
      { ...attempt, costBoundNanoUsd: 60 },
      { ...attempt, attempt: 2, costBoundNanoUsd: 70, offline: true },
    ];
    const sent = { ...requestId("sent"), attempts, boundNanoUsd: 50 };
    await markSent(store.sql, holder, { ...sent, isOffline: true });
    const bounds = async () =>
      (await kept(store, "mixed")).flatMap(({ lost }) => lost).map((one) => one.boundNanoUsd);
    const answered = async () => (await kept(store, "mixed")).flatMap((one) => one.answer?.at ?? []);
    expect([await bounds(), await answered()]).toEqual([[60], [TEN + 7 * MINUTE + 30_000]]);
    await markSent(store.sql, holder, sent);
    expect(await bounds()).toEqual([60, 50]);
    // What a worker left on its way is lost with the server that it was sent to.
    await markSent(store.sql, holder, { ...sent, isOffline: true, tier: "flex" });
    const [, , taken] = await takeOver(store.sql, holder);
    expect(taken?.attempts).toMatchObject([{}, { offline: true }, { offline: true, tier: "flex" }]);
    expect(await bounds()).toEqual([60]);

    const entries = [
      entry({ ...counted, costNanoUsd: 5 }),
      entry({ ...counted, costNanoUsd: 6, offline: true }),
      entry({ costBoundNanoUsd: 60 }),
      entry({ costBoundNanoUsd: 70, offline: true }),
    ];
    await complete(store, holder, entries, { transport: "offline" });
    expect(await entriesOf(store.sql, "mixed-1")).toEqual(entries);
    const sums = await spentSums(store.sql, DAY);
    expect(sums.map(({ requests, costNanoUsd, bounds }) => ({ requests, costNanoUsd, bounds }))).toEqual(
      expect.arrayContaining([
        { requests: 1, costNanoUsd: 5, bounds: [] },
        { requests: 1, costNanoUsd: 0, bounds: [60] },
      ]),
    );
    expect(sums).toHaveLength(2);
  });

  it("is on its way by batch once its line is in one, and not before", async () => {
    const store = await shared();
    await storeRun(store, "parked", [{ record: undefined }]);
    await begin(store, "parked-1");
    await store.sql.query(
      `insert into dramatis.requests (conversation_id, digest, occurrence, run_id, purpose, model, state)
       values ('parked-1', 'd', 0, 'parked', 'turn', 'o3', 'parked')`,
    );
    await store.sql.query(
      `insert into dramatis.batch_lines (custom_id, run_id, conversation_id, digest, occurrence, model, body, bytes, tokens, bound_nano_usd)
       values ('custom', 'parked', 'parked-1', 'd', 0, 'o3', '{}', 2, 1, 80)`,
    );
    await store.sql.query(
      `update dramatis.runs set definition = (definition::jsonb || '{"transport":"batch"}')::json where id = 'parked'`,
    );
    expect(await kept(store, "parked")).toEqual([]);
    await store.sql.query(
      `insert into dramatis.batches (id, run_id, wave, part, model, requests, bytes, tokens)
       values ('batch', 'parked', 0, 0, 'o3', 1, 2, 1)`,
    );
    await store.sql.query("update dramatis.batch_lines set batch_id = 'batch' where run_id = 'parked'");
    const [one] = await kept(store, "parked");
    expect(one).toMatchObject({
      tier: "batch",
      answer: undefined,
      lost: [{ tier: "batch", boundNanoUsd: 80 }],
    });
  });

  it("is on nobody's bill in a batch that goes to the offline server, whoever put it aside", async () => {
    const store = await shared();
    await storeRun(store, "waves", [{ record: undefined }]);
    const holder = await begin(store, "waves-1");
    const line = { body: "{}", bytes: 2, tokens: 1, boundNanoUsd: 80, attempts: [] };
    await park(store.sql, holder, { ...requestId("line"), ...line, customId: "waves" });
    for (const isOffline of [true, false]) {
      const planned = { id: `wave-${isOffline}`, model: "o3", customIds: ["waves"], bytes: 2, tokens: 1 };
      await planWave(store.sql, "waves", [{ ...planned, isOffline }]);
      expect(await requestsOf(store.sql, "waves-1")).toMatchObject([{ tier: "batch", isOffline }]);
      const lost = isOffline ? [] : [{ tier: "batch", boundNanoUsd: 80 }];
      expect((await kept(store, "waves")).flatMap((one) => one.lost)).toEqual(lost);
      await unassign(store.sql, { runId: "waves", batchId: planned.id });
    }
  });

  it("has been lost in a batch that brought what cannot be used, before its conversation goes on", async () => {
    const store = await shared();
    await storeRun(store, "arrived", [{ record: undefined }]);
    await begin(store, "arrived-1");
    const arrived = (digest: string, outcome: object) =>
      store.sql.query(
        `insert into dramatis.requests
           (conversation_id, digest, occurrence, run_id, purpose, model, state, tier, held_nano_usd, outcome)
         values ('arrived-1', $1, 0, 'arrived', 'turn', 'o3', 'arrived', 'batch', 80, $2)`,
        [digest, JSON.stringify(outcome)],
      );
    const failure = { code: "server-error", message: "Not to be read.", isRetryable: true };
    await arrived("broken", { failure: { ...failure, mayBeBilled: true } });
    await arrived("refused", { failure: { ...failure, mayBeBilled: false } });
    const some = await kept(store, "arrived");
    expect(some.flatMap(({ answer }) => answer ?? [])).toEqual([]);
    expect(some.flatMap(({ lost }) => lost)).toEqual([{ tier: "batch", boundNanoUsd: 80 }]);
  });

  it("was lost on the way as well where the answer then came out of the cache", async () => {
    const store = await shared();
    await storeRun(store, "cached", [{ record: undefined }]);
    const holder = await begin(store, "cached-1");
    const attempt = { purpose: "turn", model: "o3", tier: "flex", attempt: 1, problem: "lost" } as const;
    for (const [id, attempts] of [
      ["lost", [{ ...attempt, mayBeBilled: true, costBoundNanoUsd: 60 }]],
      ["sound", []],
    ] as const) {
      const outcome = { completion: { usage: { prompt_tokens: 10, completion_tokens: 2 } }, fromCache: true };
      const closing = { ...requestId(id), attempts, outcome, spentNanoUsd: 0 };
      await settle(store.sql, holder, { ...closing, state: "answered" });
    }
    const some = await kept(store, "cached");
    expect(some.flatMap(({ answer }) => answer ?? [])).toEqual([]);
    expect(some.flatMap(({ lost }) => lost)).toEqual([{ tier: "flex", boundNanoUsd: 60 }]);
  });

  it("that a ledger lacks is what its conversation counts more", async () => {
    const store = await open();
    await storeRun(store, "gap", [{ record: undefined }]);
    const entries = [1, 2, 3].map((costNanoUsd) => entry({ ...counted, costNanoUsd }));
    await complete(store, await begin(store, "gap-1"), entries);
    expect(await ledgerGaps(store.sql, DAY)).toEqual([]);
    await store.sql.query("delete from dramatis.usage_entries where position in (0, 2)");
    const gap = { requests: 2, inputTokens: 20, cachedInputTokens: 8, outputTokens: 4, costNanoUsd: 4 };
    expect(await ledgerGaps(store.sql, DAY)).toEqual([{ conversation: "gap-1", positions: [0, 2], ...gap }]);
    expect(await ledgerGaps(store.sql, { since: TEN + 21 * MINUTE, until: TEN + 60 * MINUTE })).toEqual([]);
  });
});
