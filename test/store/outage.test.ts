/** A server that goes away: waited for, then said; and nothing is written twice or half. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { STORE_VERSION } from "../../src/store/migrate.ts";
import { isAway, PATIENCE, storeError, throughOutages } from "../../src/store/outage.ts";
import { sqlOf } from "../../src/store/sql.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { type CuttingProxy, startProxy } from "./cutting-proxy.ts";
import { lateCommitPool } from "./late-commit-pool.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";
import { startOpener } from "./processes.ts";

const INSERT =
  "insert into dramatis.runs (id, scenario, definition, conversations) values ($1, 's', '{}', 1)";

describe("a store on a server", () => {
  let server: PostgresServer;
  let proxy: CuttingProxy;
  let direct: Store;
  let store: Store;
  beforeAll(async () => {
    server = await startPostgres();
    const url = await server.database();
    proxy = await startProxy(url);
    direct = await openStore(url);
    store = await openStore(proxy.url, { outageMs: 20_000 });
  }, 60_000);
  afterAll(async () => {
    await store.close();
    await direct.close();
    await proxy.close();
    await server.stop();
  }, 60_000);

  const runs = async () =>
    (await direct.sql.query<{ id: string }>("select id from dramatis.runs order by id")).map(({ id }) => id);

  it("has a transaction once, although its commit was never answered", async () => {
    proxy.loseNextCommit();
    let times = 0;
    const result = await store.sql.transaction(async (tx) => {
      times += 1;
      await tx.query(INSERT, ["unanswered"]);
      return times;
    });
    expect(proxy.lostCommits).toBe(1);
    expect([result, times]).toEqual([1, 1]);
    expect(await runs()).toContain("unanswered");
  });

  it("has a transaction once that is committed just while the server is asked about it", async () => {
    const sql = sqlOf(lateCommitPool(direct.pool), {
      isRemote: true,
      patience: { ...PATIENCE, wait: async () => undefined },
    });
    let times = 0;
    await sql.transaction(async (tx) => {
      times += 1;
      await tx.query(INSERT, [`late-${times}`]);
    });
    expect((await runs()).filter((id) => id.startsWith("late-"))).toEqual(["late-1"]);
  });

  it("runs a transaction again whose connection was lost in the middle", async () => {
    let times = 0;
    await store.sql.transaction(async (tx) => {
      times += 1;
      await tx.query(INSERT, ["cut"]);
      if (times > 1) return;
      proxy.setAway(true);
      proxy.setAway(false);
      await tx.query("select 1");
    });
    expect(times).toBe(2);
    expect((await runs()).filter((id) => id === "cut")).toEqual(["cut"]);
  });

  it("is waited for no longer than it may be, and then can be used again", async () => {
    const hasty = await openStore(proxy.url, { outageMs: 200 });
    proxy.setAway(true);
    const failed = {
      code: "store-failed",
      message: expect.stringMatching(/cannot be reached any more.*start again once it is back/),
    };
    await expect(hasty.sql.query("select 1")).rejects.toMatchObject(failed);
    await expect(hasty.sql.transaction((tx) => tx.query(INSERT, ["never"]))).rejects.toMatchObject(failed);
    proxy.setAway(false);
    expect(await hasty.sql.query("select 1 as one")).toEqual([{ one: 1 }]);
    expect(await runs()).not.toContain("never");
    await hasty.close();
  });

  it.skipIf(process.env.TEST_DATABASE_URL)(
    "carries everything out once while it is killed and started again",
    async () => {
      const ids = Array.from({ length: 120 }, (_, place) => `restart-${String(place).padStart(3, "0")}`);
      const writing = ids.map((id) => store.sql.transaction((tx) => tx.query(INSERT, [id])));
      const reading = ids.map(() => store.sql.query("select count(*) from dramatis.runs"));
      await Promise.race(writing);
      await server.restart();
      await Promise.all([...writing, ...reading]);
      expect((await runs()).filter((id) => id.startsWith("restart-"))).toEqual(ids);
    },
    40_000,
  );

  it("makes its tables once when six processes come at the same time", async () => {
    const url = await server.database();
    const openers = Array.from({ length: 6 }, () => startOpener(url));
    await Promise.all(openers.map(({ opened }) => opened));
    for (const { child } of openers) child.stdin?.end();
    expect(await Promise.all(openers.map(({ ended }) => ended))).toEqual([0, 0, 0, 0, 0, 0]);
    const opened = await openStore(url);
    expect(
      await opened.sql.query(
        "select max(version) as latest, count(*)::int as count from dramatis.migrations",
      ),
    ).toEqual([{ latest: STORE_VERSION, count: STORE_VERSION }]);
    expect(await opened.sql.query("select count(*)::int as runs from dramatis.runs")).toEqual([{ runs: 6 }]);
    await opened.close();
  }, 60_000);
});

describe("an outage", () => {
  const at = (code: string) => Object.assign(new Error("said so"), { code });

  it.each(["ECONNREFUSED", "ECONNRESET", "08006", "57P01", "57P03", "53300"])("is what %s means", (code) => {
    expect(isAway(at(code))).toBe(true);
  });

  it.each(["23505", "42P01", "53100", "57014", "ENOSPC"])("is not what %s means", (code) => {
    expect(isAway(at(code))).toBe(false);
  });

  it("is waited out with growing pauses, for so long and no longer", async () => {
    const pauses: number[] = [];
    let time = 0;
    const patience = {
      ...PATIENCE,
      withinMs: 1000,
      now: () => time,
      wait: async (ms: number) => {
        pauses.push(ms);
        time += ms;
      },
    };
    await expect(throughOutages(patience, () => Promise.reject(at("ECONNREFUSED")))).rejects.toThrow(
      "said so",
    );
    expect(pauses).toEqual([50, 100, 200, 400]);
  });

  it("does not make a statement with a fault of its own run again", async () => {
    let times = 0;
    const run = () => {
      times += 1;
      return Promise.reject(at("23505"));
    };
    await expect(throughOutages(PATIENCE, run)).rejects.toThrow("said so");
    expect(times).toBe(1);
  });

  it.each([
    ["53100", "no room left on its disk"],
    ["58030", "cannot read or write"],
    ["XX001", "cannot read or write"],
    ["ECONNRESET", "cannot be reached"],
  ])("is told in the store's words: %s", (code, words) => {
    expect(storeError(at(code), "here")).toMatchObject({
      code: "store-failed",
      message: expect.stringContaining(words),
    });
  });
});
