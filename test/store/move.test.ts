/** Moving a store between the engines: everything arrives as it was, or nothing. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { openQueue } from "../../src/fleet/queue.ts";
import { inconsistenciesOf } from "../../src/store/consistency.ts";
import { moveStore } from "../../src/store/move.ts";
import type { Sql } from "../../src/store/sql.ts";
import type { Store } from "../../src/store/store.ts";
import { openStore } from "../../src/store/store.ts";
import { digestOf, setPlainText, type TableDigest, tablesOf } from "../../src/store/tables.ts";
import { onEachEngine } from "./engines.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";
import { addOddRows, addThread, planOnly, simulate } from "./sample-content.ts";

const digests = (store: Store): Promise<TableDigest[]> =>
  store.sql.transaction(async (tx) => {
    await setPlainText(tx);
    const found: TableDigest[] = [];
    for (const table of await tablesOf(tx)) found.push(await digestOf(tx, table));
    return found;
  });

const nothing = async () => undefined;

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(() => server.stop(), 60_000);

onEachEngine("a store that moves", ({ engine, open }) => {
  /** The other engine. */
  const openOther = async (): Promise<Store> =>
    engine === "pglite" ? await openStore(await server.database()) : await open();

  it("arrives with every value as it was, and goes on there", async () => {
    const from = await open();
    await simulate(from, { id: "ended", conversations: 2 });
    await planOnly(from, { id: "waiting", conversations: 3 });
    await addOddRows(from);
    await addThread(from, "thread");
    const before = await digests(from);
    expect(before.filter(({ rows }) => rows > 0).length).toBeGreaterThan(7);

    const to = await openOther();
    const queue = await openQueue(to, () => undefined);
    const moved = await moveStore({ from, to, enqueue: queue.add });
    await queue.close();

    expect(moved).toEqual({ tables: before, waiting: 3 });
    expect(await digests(to)).toEqual(before);
    expect(await digests(from)).toEqual(before);
    expect(await inconsistenciesOf(to.sql)).toEqual([]);
    expect(
      await to.sql.query(
        "select count(*)::int as jobs from dramatis_queue.job where state::text = 'created'",
      ),
    ).toEqual([{ jobs: 3 }]);
    const thread = { configurable: { thread_id: "thread" } };
    expect(await to.checkpointer.getTuple(thread)).toEqual(await from.checkpointer.getTuple(thread));
    if (engine === "pglite") await to.close();
  });

  it("takes the time it needs, and is not begun again by halves where a server is lost", async () => {
    const from = await open();
    await planOnly(from, { id: "waiting", conversations: 700 });
    const to = await openOther();
    const empty = await digests(to);
    const timeouts: unknown[] = [];
    const timeout = async (tx: Sql) =>
      timeouts.push(
        ...(await tx.query("select current_setting('idle_in_transaction_session_timeout') as ms")),
      );
    /** The same store; whatever a transaction does, it is told of before and after. */
    const watched = (
      store: Store,
      before: (statement: string) => void,
      after: (tx: Sql) => Promise<unknown>,
    ) => ({
      ...store,
      sql: {
        ...store.sql,
        transaction: <T>(run: (tx: Sql) => Promise<T>) =>
          store.sql.transaction(async (tx) => {
            const query: Sql["query"] = (statement, values) => {
              before(JSON.stringify(statement));
              return tx.query(statement, values);
            };
            const result = await run({ ...tx, query });
            await after(tx);
            return result;
          }),
      },
    });
    let inserts = 0;
    const losing = watched(
      to,
      (statement) => {
        if (statement.includes('insert into dramatis.\\"conversations') && ++inserts === 2)
          throw new Error("Connection terminated unexpectedly");
      },
      timeout,
    );
    await expect(moveStore({ from, to: losing, enqueue: nothing })).rejects.toMatchObject({
      code: "store-failed",
      message: expect.stringMatching(/was lost|cannot be reached|Connection terminated/),
    });
    expect(inserts).toBe(2);
    expect(await digests(to)).toEqual(empty);
    await moveStore({
      from: watched(from, () => undefined, timeout),
      to: losing,
      enqueue: nothing,
    });
    expect(timeouts).toEqual([{ ms: "0" }, { ms: "0" }]);
    if (engine === "pglite") await to.close();
  });

  it("is not moved at all where something goes wrong at the end", async () => {
    const from = await open();
    await planOnly(from, { id: "waiting", conversations: 700 });
    const to = await openOther();
    const empty = await digests(to);
    await expect(
      moveStore({ from, to, enqueue: () => Promise.reject(new Error("no queue")) }),
    ).rejects.toThrow("no queue");
    expect(await digests(to)).toEqual(empty);

    const batches: number[] = [];
    await moveStore({ from, to, enqueue: nothing, onRows: ({ rows }) => batches.push(rows) });
    expect(await digests(to)).toEqual(await digests(from));
    // Its conversations did not go in one statement.
    expect(batches).toEqual(expect.arrayContaining([500, 700]));
    if (engine === "pglite") await to.close();
  });

  it("notices a value that did not arrive as it was", async () => {
    const from = await open();
    await planOnly(from, { id: "waiting", conversations: 2 });
    const to = await openOther();
    await to.sql.query(
      `create function dramatis.spoil() returns trigger language plpgsql as
       'begin new.position := new.position + 10; return new; end'`,
    );
    await to.sql.query(
      "create trigger spoil before insert on dramatis.conversations for each row execute function dramatis.spoil()",
    );
    await expect(moveStore({ from, to, enqueue: nothing })).rejects.toMatchObject({
      code: "store-failed",
      message: expect.stringContaining("Table conversations did not arrive as it was"),
    });
    expect(await to.sql.query("select id from dramatis.runs")).toEqual([]);
    if (engine === "pglite") await to.close();
  });

  it("is not moved into one that holds something", async () => {
    const from = await open();
    const to = await openOther();
    await planOnly(to, { id: "mine", conversations: 1 });
    const before = await digests(to);
    await expect(moveStore({ from, to, enqueue: nothing })).rejects.toMatchObject({
      code: "store-failed",
      message: expect.stringContaining("is not empty"),
    });
    expect(await digests(to)).toEqual(before);
    if (engine === "pglite") await to.close();
  });
});
