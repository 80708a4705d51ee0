/** Where simulations live: runs, conversations, what was said and spent, and the requests that were on their way. */
import type { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import type pg from "pg";
import { addressOf, type EngineName, openEngine } from "./engine.ts";
import { PATIENCE } from "./outage.ts";
import { type OnStatement, type Sql, sqlOf } from "./sql.ts";
import { withUpkeep } from "./upkeep.ts";

/** How a store is opened. */
export interface StoreOptions {
  /** Connections at most, at least 2; Postgres only. Default 10. */
  poolSize?: number | undefined;
  /** How long a statement waits for a server that went away, in milliseconds, before it fails; Postgres only. Default 60,000. */
  outageMs?: number | undefined;
  /** True: an error where there is no store yet; nothing is made then. Default false. */
  mustExist?: boolean | undefined;
  /** Told how long every statement took, in milliseconds; those of the queue itself are not told. */
  onStatement?: OnStatement | undefined;
}

/** A place that keeps simulations and the threads of graphs; see `openStore`. */
export interface Store {
  readonly engine: EngineName;
  /** The directory, or host and database; never a password. */
  readonly place: string;
  readonly sql: Sql;
  /** For the queue, which speaks to the database itself. */
  readonly pool: pg.Pool;
  /** Keeps the threads of LangGraph graphs; forks of a thread are safe in it. */
  readonly checkpointer: PostgresSaver;
  /** Whole content as a compressed archive; embedded stores only. */
  dump(): Promise<Blob | undefined>;
  /** Whatever uses the store must have ended before. */
  close(): Promise<void>;
}

/**
 * Opens a store, and makes or updates its tables. Give `checkpointer` to `dramatis.conversation` to go on with a conversation
 * in another process; close the store at the end. An embedded store keeps what was written when its process is killed, but
 * does not wait for the disk: loss of power may take the latest changes, or damage it.
 * @param address `pglite:<directory>` or a plain directory: embedded, for one process. `postgres://…`: for many.
 * @throws DramatisError `store-busy` when another process has the directory, `store-failed` when it cannot be opened, has no
 * room (an embedded one wants 64 MB free), was made by a newer version, or its directory holds something else; `unknown-name`
 * where there is none and one must exist; `invalid-argument` for another kind of address.
 */
export async function openStore(address: string, options: StoreOptions = {}): Promise<Store> {
  const engine = await openEngine(addressOf(address), options);
  // Whoever uses this package without a store waits for none of the libraries it needs.
  const [{ migrate }, { createCheckpointer }] = await Promise.all([
    import("./migrate.ts"),
    import("./checkpointer.ts"),
  ]);
  try {
    await migrate(engine, options);
  } catch (error) {
    await engine.close();
    throw error;
  }
  const sql = sqlOf(engine.pool, {
    place: engine.place,
    isRemote: engine.name === "postgres",
    checkRoom: engine.checkRoom,
    onStatement: options.onStatement,
    patience: { ...PATIENCE, withinMs: options.outageMs ?? PATIENCE.withinMs },
  });
  const upkeep = engine.name === "pglite" ? withUpkeep(sql) : undefined;
  return {
    engine: engine.name,
    place: engine.place,
    sql: upkeep?.sql ?? sql,
    pool: engine.pool,
    checkpointer: createCheckpointer(engine.pool),
    dump: async () => await engine.dump?.(),
    async close() {
      await upkeep?.end();
      await engine.close();
    },
  };
}
