/** The response cache of a store, on both engines: shared, bounded in time and bytes, and paid once. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Completion } from "../../src/model/exchange.ts";
import { createStoreCache, type StoreCacheOptions } from "../../src/model/store-cache.ts";
import { sweepCache } from "../../src/store/response-cache.ts";
import type { Sql } from "../../src/store/sql.ts";
import { onEachEngine } from "../store/engines.ts";

const completion = (content: string) =>
  ({
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, finish_reason: "stop", logprobs: null, message: { role: "assistant", content } }],
  }) as unknown as Completion;

onEachEngine("a store's response cache", ({ open }) => {
  let sql: Sql;
  let keys = 0;
  beforeAll(async () => {
    sql = (await open()).sql;
  }, 60_000);

  const newKey = () => `k${keys++}`;
  /** A worker's cache; `waited` is every wait for somebody else's answer. */
  function worker(options: Partial<StoreCacheOptions> = {}) {
    const waited: number[] = [];
    const cache = createStoreCache({
      sql,
      wait: async (ms) => {
        waited.push(ms);
        await new Promise((resolve) => setImmediate(resolve));
      },
      ...options,
    });
    return { cache, waited };
  }
  const bytes = async () =>
    (
      await sql.query<{ bytes: number }>(
        "select coalesce(sum(bytes), 0)::int8 as bytes from dramatis.response_cache",
      )
    )[0]?.bytes ?? 0;
  const expire = (key: string) =>
    sql.query(
      "update dramatis.response_cache set expires_at = clock_timestamp() - interval '1 second' where key = $1",
      [key],
    );

  it("gives an answer of one worker to all", async () => {
    const key = newKey();
    const { cache: one } = worker();
    const { cache: other } = worker();
    expect(await one.get(key)).toBeUndefined();
    await one.set(key, completion("Yes."));
    expect(await other.get(key)).toEqual(completion("Yes."));
  });

  it("forgets it after 300 s", async () => {
    const key = newKey();
    const { cache } = worker();
    await cache.set(key, completion("Yes."));
    const [row] = await sql.query<{ left: number }>(
      "select extract(epoch from expires_at - clock_timestamp())::float8 as left from dramatis.response_cache where key = $1",
      [key],
    );
    expect(row?.left).toBeGreaterThan(270);
    expect(row?.left).toBeLessThanOrEqual(300);
    await expire(key);
    expect(await cache.get(key)).toBeUndefined();
  });

  it("lets a second worker wait for what the first is being told", async () => {
    const key = newKey();
    const first = worker();
    const second = worker();
    expect(await first.cache.get(key)).toBeUndefined();
    const waiting = second.cache.get(key);
    await expect.poll(() => second.waited.length).toBeGreaterThan(0);
    await first.cache.set(key, completion("Once."));
    expect(await waiting).toEqual(completion("Once."));
    expect(first.waited).toEqual([]);
    expect(second.waited[0]).toBe(100);
    expect(Math.max(...second.waited)).toBeLessThanOrEqual(1000);
  });

  it("lets the second try when the first gave up, or was silent for too long", async () => {
    for (const end of ["gives up", "is silent"]) {
      const key = newKey();
      const first = worker();
      const second = worker();
      await first.cache.get(key);
      const waiting = second.cache.get(key);
      await expect.poll(() => second.waited.length).toBeGreaterThan(0);
      if (end === "gives up") await first.cache.giveUp(key);
      else await expire(key);
      expect(await waiting).toBeUndefined();
      // The claim is the second's now; the first cannot take it away.
      await first.cache.giveUp(key);
      expect(await sql.query("select key from dramatis.response_cache where key = $1", [key])).toHaveLength(
        1,
      );
    }
  });

  it("does not wait for itself when the statement that claimed is sent again, since its answer got lost", async () => {
    const key = newKey();
    let isLost = false;
    const resending = {
      async query(statement: string, values: readonly unknown[]) {
        if (!isLost && statement.includes("insert")) {
          isLost = true;
          await sql.query(statement, values);
        }
        return await sql.query(statement, values);
      },
    } as unknown as Sql;
    const { cache, waited } = worker({ sql: resending });
    expect(await cache.get(key)).toBeUndefined();
    expect([isLost, waited]).toEqual([true, []]);
  });

  it("pays once for two of one worker who ask the same", async () => {
    const key = newKey();
    const { cache, waited } = worker();
    expect(await cache.get(key)).toBeUndefined();
    const second = cache.get(key);
    await expect.poll(() => waited.length).toBeGreaterThan(0);
    await cache.set(key, completion("Once."));
    expect(await second).toEqual(completion("Once."));
  });

  it("leaves the wait at once when it is aborted", async () => {
    const key = newKey();
    await worker().cache.get(key);
    const controller = new AbortController();
    const waiting = createStoreCache({ sql }).get(key, controller.signal);
    controller.abort("gone");
    await expect(waiting).rejects.toBe("gone");
  });

  it("claims nothing for someone who gave up meanwhile", async () => {
    const key = newKey();
    const controller = new AbortController();
    const asked = createStoreCache({ sql }).get(key, controller.signal);
    controller.abort("gone");
    await expect(asked).rejects.toBe("gone");
    const { cache, waited } = worker();
    expect(await cache.get(key)).toBeUndefined();
    expect(waited).toEqual([]);
  });

  it("stays within its bytes, and lets the least recently used go", async () => {
    await sql.query("delete from dramatis.response_cache");
    const maxBytes = 100_000;
    const { cache } = worker({ maxBytes });
    const text = "x".repeat(1000);
    const names = Array.from({ length: 150 }, () => newKey());
    let most = 0;
    for (const name of names) {
      await cache.set(name, completion(text));
      most = Math.max(most, await bytes());
    }
    expect(most).toBeLessThanOrEqual(maxBytes * (1 + 1 / 16) + 2000);
    expect(most).toBeGreaterThan(maxBytes * 0.9);
    expect(await cache.get(names.at(-1) ?? "")).toBeDefined();
    expect(await cache.get(names[0] ?? "")).toBeUndefined();
  });

  it("removes what has expired in batches, and nothing else", async () => {
    await sql.query("delete from dramatis.response_cache");
    await sql.query(
      `insert into dramatis.response_cache (key, completion, bytes, expires_at)
       select 'old' || n, '{}', 10, clock_timestamp() - interval '1 second' from generate_series(1, 1200) as n`,
    );
    await worker().cache.set("new", completion("Yes."));
    await sweepCache(sql, 1e6);
    expect(await sql.query("select key from dramatis.response_cache")).toEqual([{ key: "new" }]);
  });
});

describe("its bounds", () => {
  it.each([{ ttlMs: 0 }, { maxBytes: -1 }, { maxBytes: 1.5 }])("%j are refused", (bounds) => {
    expect(() => createStoreCache({ sql: {} as Sql, ...bounds })).toThrow(/expected a whole number above 0/);
  });
});
