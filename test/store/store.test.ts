/** The store, its tables and its lock, on both engines. */
import { describe, expect, it } from "vitest";
import { STORE_VERSION } from "../../src/store/migrate.ts";
import { openStore } from "../../src/store/store.ts";
import { onEachEngine } from "./engines.ts";

const VERSIONS = "select version from dramatis.migrations order by version";
const ALL = Array.from({ length: STORE_VERSION }, (_, index) => ({ version: index + 1 }));

onEachEngine("a store", ({ engine, vacant, address, open }) => {
  it("has its tables once, and opens again as it was", async () => {
    const place = await vacant();
    const first = await openStore(place);
    await first.sql.query(
      "insert into dramatis.runs (id, scenario, definition, conversations) values ('a', 's', '{}', 1)",
    );
    await first.close();
    const second = await openStore(place);
    const [row] = await second.sql.query("select id, spent_nano_usd as spent from dramatis.runs");
    expect(row).toEqual({ id: "a", spent: 0 });
    expect(await second.sql.query(VERSIONS)).toEqual(ALL);
    await second.close();
  });

  it("is not made where one must exist, and opens where one does", async () => {
    const place = await vacant();
    await expect(openStore(place, { mustExist: true })).rejects.toMatchObject({
      code: "unknown-name",
      command: "simulate product-roundtable --runs 10",
      message: expect.stringMatching(
        /There is no store at .* dramatis simulate product-roundtable --runs 10$/,
      ),
    });
    // It would find what the first look had made.
    await expect(openStore(place, { mustExist: true })).rejects.toMatchObject({ code: "unknown-name" });
    const made = await address();
    await (await openStore(made)).close();
    await (await openStore(made, { mustExist: true })).close();
  });

  it("gives money back as exact numbers, and refuses what is none", async () => {
    const { sql } = await open();
    expect(await sql.query("select 9007199254740991::bigint as most")).toEqual([
      { most: Number.MAX_SAFE_INTEGER },
    ]);
    await expect(sql.query("select 9007199254740993::bigint as most")).rejects.toThrow(/not exact/);
  });

  it("rolls a transaction back as a whole", async () => {
    const { sql } = await open();
    const run =
      "insert into dramatis.runs (id, scenario, definition, conversations) values ($1, 's', '{}', 1)";
    await expect(
      sql.transaction(async (tx) => {
        await tx.query(run, ["a"]);
        await tx.query(run, ["a"]);
      }),
    ).rejects.toThrow(/duplicate key/);
    expect(await sql.query("select id from dramatis.runs")).toEqual([]);
  });

  it.runIf(engine === "postgres")(
    "makes its tables once, however many open it at the same time",
    async () => {
      const place = await vacant();
      const stores = await Promise.all(Array.from({ length: 6 }, () => openStore(place, { poolSize: 3 })));
      expect(await stores[0]?.sql.query(VERSIONS)).toEqual(ALL);
      await Promise.all(stores.map((store) => store.close()));
    },
  );

  it.runIf(engine === "pglite")("is one process's at a time, and says whose", async () => {
    const place = await address();
    const first = await openStore(place);
    await expect(openStore(place)).rejects.toMatchObject({
      code: "store-busy",
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await first.close();
    await (await openStore(place)).close();
  });

  it("is refused where a newer version made it", async () => {
    const place = await address();
    const store = await openStore(place);
    await store.sql.query("insert into dramatis.migrations (version) values (999)");
    await store.close();
    await expect(openStore(place)).rejects.toMatchObject({
      code: "store-failed",
      message: expect.stringContaining("999"),
    });
  });
});

describe("a store's address", () => {
  it.each(["mysql://host/db", "", "http://host/store"])("is refused when it is %j", async (address) => {
    await expect(openStore(address)).rejects.toMatchObject({ code: "invalid-argument" });
  });

  it.each([
    "postgres:/joe:SECRET@host/db",
    "postgres:joe:SECRET@host/db",
    "pglite:postgres://joe:SECRET@host/db",
    "mysql:/joe:SECRET@host/db",
    "postgres://joe:SECRET#?@host/db",
  ])("becomes no directory and is not quoted when it is mistyped: %s", async (address) => {
    const message = await openStore(address).catch((error: Error) => error.message);
    expect(message).toMatch(/^The store's address: expected /);
    expect(message).not.toContain("SECRET");
  });

  it("is told how a password is written that is no part of an address as it is", async () => {
    await expect(openStore("postgres://joe:a/b#c@host/db")).rejects.toThrow("percent-encoding");
  });

  it("never shows its password", async () => {
    const error = await openStore("postgres://user:MARKED@127.0.0.1:9/db").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "store-failed", message: expect.stringContaining("127.0.0.1:9/db") });
    expect(String(error)).not.toContain("MARKED");
    expect(await openStore("mysql://user:MARKED@host/db").catch(String)).not.toContain("MARKED");
  });
});
