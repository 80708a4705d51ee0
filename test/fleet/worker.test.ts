/** What a worker does about a conversation that cannot be held, written or told of. */
import { beforeAll, expect, it } from "vitest";
import { DramatisError } from "../../src/domain/errors.ts";
import { dropJobs } from "../../src/fleet/jobs.ts";
import { openQueue, type Queue } from "../../src/fleet/queue.ts";
import { type Held, startWorker, type WorkerParts } from "../../src/fleet/worker.ts";
import { createRun } from "../../src/store/runs.ts";
import type { Store } from "../../src/store/store.ts";
import { sampleRecord } from "../report/sample-record.ts";
import { onEachEngine } from "../store/engines.ts";

onEachEngine("a worker", ({ open }) => {
  let store: Store;
  let queue: Queue;
  beforeAll(async () => {
    store = await open();
    queue = await openQueue(store, () => undefined);
    return () => queue.close();
  }, 60_000);

  async function plan(id: string): Promise<string> {
    const conversationId = `${id}-1`;
    await store.sql.transaction(async (tx) => {
      await createRun(tx, {
        id,
        scenario: "s",
        definition: {},
        maxCostNanoUsd: undefined,
        conversations: [{ id: conversationId, position: 0, settings: {} }],
      });
      await queue.add(tx, [conversationId]);
    });
    return conversationId;
  }

  const work = (parts: Partial<WorkerParts>) =>
    startWorker({
      store,
      queue,
      name: "w",
      concurrency: 1,
      hold: async ({ conversationId }) => ({ record: sampleRecord({ conversationId }) }),
      onUnbegun: () => undefined,
      onProblem: () => undefined,
      ...parts,
    });

  const statusOf = async (id: string) =>
    (
      await store.sql.query<{ status: string; ending: { kind: string } | null }>(
        "select status, ending from dramatis.conversations where id = $1",
        [id],
      )
    )[0];

  it("tells what keeps a conversation from being claimed, and begins it again", async () => {
    const id = await plan("unclaimed");
    const away = new DramatisError("store-failed", "The store is away.");
    let isAway = true;
    const problems: unknown[] = [];
    const ended = Promise.withResolvers<void>();
    const worker = await work({
      queue: {
        ...queue,
        work: ({ handle, ...options }) =>
          queue.work({
            ...options,
            handle: (work) => handle(isAway ? { ...work, begin: () => Promise.reject(away) } : work),
          }),
      },
      onProblem(claimed, error) {
        isAway = false;
        problems.push([claimed, error]);
      },
      onEnd: () => ended.resolve(),
    });
    await ended.promise;
    await worker.stop();
    expect(problems).toEqual([[undefined, away]]);
    expect(await statusOf(id)).toMatchObject({ status: "completed" });
  });

  it("takes nothing any more when it slept before it claimed, and the conversation stands in another job by now", async () => {
    const id = await plan("slept");
    const [asleep, woken, later] = [
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
    ];
    const problems: unknown[] = [];
    const sleeper = await work({
      name: "sleeper",
      queue: {
        ...queue,
        work: ({ handle, ...options }) =>
          queue.work({
            ...options,
            async handle(one) {
              asleep.resolve();
              await woken.promise;
              await handle(one);
            },
          }),
      },
      onProblem: (_, error) => problems.push(error),
    });
    await asleep.promise;
    const left = sleeper.stop();
    // As when its run was cancelled, while it was silent, and is gone on with.
    await store.sql.transaction(async (tx) => {
      await dropJobs(tx, "slept", "all");
      await queue.add(tx, [id]);
    });
    const held = Promise.withResolvers<Held>();
    const other = await work({
      name: "other",
      hold() {
        later.resolve();
        return held.promise;
      },
    });
    await later.promise;
    woken.resolve();
    await left;
    expect(problems).toMatchObject([{ code: "lease-lost" }]);
    expect(await store.sql.query("select worker from dramatis.conversations where id = $1", [id])).toEqual([
      { worker: "other" },
    ]);
    held.resolve({ record: sampleRecord({ conversationId: id }) });
    await other.stop();
    expect(await statusOf(id)).toMatchObject({ status: "completed" });
  });

  it("leaves a conversation as it ended when telling of it fails", async () => {
    const id = await plan("told");
    const failures: unknown[] = [];
    const ended = Promise.withResolvers<void>();
    const worker = await work({
      onEnd() {
        ended.resolve();
        throw new Error("nobody listens");
      },
      onUnbegun: (_, error) => failures.push(error),
      onProblem: (_, error) => failures.push(error),
    });
    await ended.promise;
    await worker.stop();
    expect(failures).toEqual([]);
    expect(await statusOf(id)).toMatchObject({ status: "completed", ending: sampleRecord({}).ending });
  });

  it("ends a conversation as failed that something other than the store kept from beginning", async () => {
    const id = await plan("unbegun");
    const told = Promise.withResolvers<unknown>();
    const worker = await work({
      hold: () => Promise.reject(new Error("no such model, sk-secretsecretsecret")),
      onUnbegun: (_, error) => told.resolve(error),
    });
    expect(await told.promise).toMatchObject({ message: expect.stringContaining("no such model") });
    await worker.stop();
    expect(await statusOf(id)).toEqual({
      status: "failed",
      ending: { kind: "error", evidence: "no such model, [key removed]" },
    });
  });
});
