/** What a worker does about a conversation that cannot be held, written or told of. */
import { beforeAll, expect, it } from "vitest";
import { DramatisError } from "../../src/domain/errors.ts";
import { openQueue, type Queue } from "../../src/fleet/queue.ts";
import { startWorker, type WorkerParts } from "../../src/fleet/worker.ts";
import { createRun } from "../../src/store/runs.ts";
import type { Sql } from "../../src/store/sql.ts";
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
    let claims = 0;
    const query = ((statement: Parameters<Sql["query"]>[0], values?: readonly unknown[]) => {
      const isClaim = JSON.stringify(statement).includes("dramatis-claim");
      if (isClaim && ++claims === 1) throw away;
      return store.sql.query(statement, values);
    }) as Sql["query"];
    const problems: unknown[] = [];
    const ended = Promise.withResolvers<void>();
    const worker = await work({
      store: { ...store, sql: { ...store.sql, query } },
      onProblem: (claimed, error) => problems.push([claimed, error]),
      onEnd: () => ended.resolve(),
    });
    await ended.promise;
    await worker.stop();
    expect(problems).toEqual([[undefined, away]]);
    expect(await statusOf(id)).toMatchObject({ status: "completed" });
  }, 30_000);

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
  }, 30_000);

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
  }, 30_000);
});
