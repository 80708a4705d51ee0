/** Room that is taken back, by command and by itself. */
import { expect, it } from "vitest";
import { vacuum } from "../../src/store/upkeep.ts";
import { onEachEngine } from "./engines.ts";
import { planOnly } from "./sample-content.ts";

onEachEngine("a store's upkeep", ({ engine, open }) => {
  it("gives room back on command", async () => {
    const { sql } = await open();
    const insert = `insert into dramatis.response_cache (key, completion, bytes, expires_at)
      select n::text, to_json(repeat(md5(n::text), 20)), 1, 'infinity' from generate_series(1, 3000) n`;
    await sql.query(insert);
    await sql.query("delete from dramatis.response_cache");
    const { bytesBefore, bytesAfter } = await vacuum(sql, { isFull: true });
    expect(bytesBefore - bytesAfter).toBeGreaterThan(1_000_000);
  });

  it.runIf(engine === "pglite")("keeps a table that is changed again and again from growing", async () => {
    const store = await open();
    await planOnly(store, { id: "a", conversations: 200 });
    const bytes = async () =>
      (
        await store.sql.query<{ bytes: number }>(
          "select pg_relation_size('dramatis.conversations')::bigint as bytes",
        )
      )[0]?.bytes ?? Number.NaN;
    const change = async () => {
      for (let round = 0; round < 200; round += 1) {
        await store.sql.transaction((tx) =>
          tx.query("update dramatis.conversations set worker = $1 where position < 50", [String(round)]),
        );
      }
    };
    await change();
    const first = await bytes();
    await change();
    await change();
    // Without it each of the rounds adds as much as the first.
    expect(await bytes()).toBeLessThan(first * 1.5);
  });
});
