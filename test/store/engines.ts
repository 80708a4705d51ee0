/** Both engines, for suites that hold for either. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { ENGINES, type EngineName } from "../../src/store/engine.ts";
import { openStore, type Store, type StoreOptions } from "../../src/store/store.ts";
import { newStore } from "./new-store.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";

export interface Place {
  engine: EngineName;
  /** The address of a store that is yet to be made: an empty folder or database. */
  vacant(): Promise<string>;
  /** The address of a new, empty store. */
  address(): Promise<string>;
  /** A new, empty store; it is closed at the end of the suite. */
  open(options?: StoreOptions): Promise<Store>;
  /** One for the whole suite. */
  shared(): Promise<Store>;
}

/** Runs a suite on each engine; what it made is gone at the end. */
export function onEachEngine(name: string, suite: (place: Place) => void): void {
  describe.each(ENGINES)(`${name} (%s)`, (engine) => {
    let folder = "";
    let server: PostgresServer | undefined;
    const stores: Store[] = [];
    let count = 0;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "dramatis-store-"));
      if (engine === "postgres") server = await startPostgres();
    }, 60_000);

    afterAll(async () => {
      await Promise.all(stores.map((store) => store.close()));
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    }, 60_000);

    let one: Promise<Store> | undefined;
    const directory = () => join(folder, `store-${count++}`);
    const vacant = async () => (await server?.database()) ?? `pglite:${mkdtempSync(join(folder, "vacant-"))}`;
    const address = async () => (await server?.database()) ?? `pglite:${await newStore(directory())}`;
    const open = async (options?: StoreOptions) => {
      const store = await openStore(await address(), options);
      stores.push(store);
      return store;
    };
    suite({
      engine,
      vacant,
      address,
      open,
      shared() {
        one ??= open();
        return one;
      },
    });
  });
}
