/** Where simulations live: runs, conversations, what was said and spent, and the requests that were on their way. */
import type { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import type pg from "pg";
import { createCheckpointer } from "./checkpointer.ts";
import { addressOf, type EngineName, openEngine } from "./engine.ts";
import { migrate } from "./migrate.ts";
import { type OnStatement, type Sql, sqlOf } from "./sql.ts";

/** How a store is opened. */
export interface StoreOptions {
  /** Connections at most; Postgres only. Default 10. */
  poolSize?: number | undefined;
  /** Told how long every statement took, in milliseconds; those of the queue itself are not told. */
  onStatement?: OnStatement | undefined;
}

/** A store that is open. */
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
  close(): Promise<void>;
}

/**
 * Opens a store, and makes or updates its tables.
 * @param address `pglite:<directory>` or a plain directory: embedded, for one process. `postgres://…`: for many.
 * @throws DramatisError `store-busy` when another process has the directory, `store-failed` when it cannot be opened.
 */
export async function openStore(address: string, options: StoreOptions = {}): Promise<Store> {
  const engine = await openEngine(addressOf(address), options);
  try {
    await migrate(engine);
  } catch (error) {
    await engine.close();
    throw error;
  }
  return {
    engine: engine.name,
    place: engine.place,
    sql: sqlOf(engine.pool, options.onStatement),
    pool: engine.pool,
    checkpointer: createCheckpointer(engine.pool),
    dump: async () => await engine.dump?.(),
    close: engine.close,
  };
}
