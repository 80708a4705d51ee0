/** How long a place in the queue lasts, and what ends a lease. */
import { beforeAll, expect, it } from "vitest";
import { openQueue, type Queue } from "../../src/fleet/queue.ts";
import type { Store } from "../../src/store/store.ts";
import { onEachEngine } from "../store/engines.ts";

onEachEngine("the queue of a store", ({ engine, open }) => {
  let store: Store;
  let queue: Queue;
  beforeAll(async () => {
    store = await open();
    queue = await openQueue(store, () => undefined);
    return () => queue.close();
  }, 60_000);

  it("keeps what waits for years, and takes it from nobody for days; an embedded one hears no silence", async () => {
    await store.sql.transaction((tx) => queue.add(tx, ["a"]));
    const [job] = await store.sql.query<{ years: number; days: number; heartbeat: number | null }>(
      `select extract(epoch from keep_until - start_after)::float8 / 3600 / 24 / 365 as years,
         expire_seconds::float8 / 3600 / 24 as days, heartbeat_seconds as heartbeat from dramatis_queue.job`,
    );
    expect(job?.years).toBeGreaterThan(10);
    expect(job?.days).toBeGreaterThan(20);
    expect(job?.heartbeat).toBe(engine === "pglite" ? null : 10);
  });

  it("waits for no poll where something was in the queue, or where it is woken", async () => {
    const ids = (many: number) => Array.from({ length: many }, (_, n) => `${n}`);
    let handled = 0;
    let all = Promise.withResolvers<void>();
    const { stop } = await queue.work({
      concurrency: 1,
      async handle(work) {
        await work.finish(async () => undefined);
        handled += 1;
        all.resolve();
      },
    });
    // By polls alone, twice a second, either would take ten seconds.
    const before = performance.now();
    await store.sql.transaction((tx) => queue.add(tx, ids(20)));
    while (handled < 21) {
      all = Promise.withResolvers();
      await all.promise;
    }
    for (let round = 1; round <= 20; round++) {
      all = Promise.withResolvers();
      await store.sql.transaction((tx) => queue.add(tx, ids(1)));
      queue.wake();
      await all.promise;
    }
    expect(performance.now() - before).toBeLessThan(8000);
    expect(handled).toBe(41);
    await stop();
  }, 60_000);

  it("counts what waits for a batch, which stands in it no more", async () => {
    await store.sql.query(
      "insert into dramatis.runs (id, scenario, definition, conversations) values ('by-batch', 's', '{}', 1)",
    );
    await store.sql.query(
      "insert into dramatis.conversations (id, run_id, position, status) values ('p', 'by-batch', 1, 'parked')",
    );
    expect((await queue.depth()).parked).toBe(1);
  });

  it("gives what is in hand when an embedded store is opened again", async ({ skip }) => {
    if (engine !== "pglite") skip("A server's workers are told apart by their silence.");
    await store.sql.transaction((tx) => queue.add(tx, ["b"]));
    const first = Promise.withResolvers<string>();
    await queue.work({
      concurrency: 1,
      handle({ lease }) {
        first.resolve(lease);
        return new Promise(() => undefined);
      },
    });
    const lost = await first.promise;
    await queue.close();
    queue = await openQueue(store, () => undefined);
    const second = Promise.withResolvers<string>();
    await queue.work({ concurrency: 1, handle: async ({ lease }) => second.resolve(lease) });
    const [job, attempt] = lost.split(":");
    expect(await second.promise).toBe(`${job}:${String(Number(attempt) + 1).padStart(7, "0")}`);
  });
});
