/** Statements and transactions over a pool, the same for both engines. */
import type pg from "pg";
import { isAway, PATIENCE, type Patience, storeError, throughOutages } from "./outage.ts";

/** Runs statements of Postgres SQL; `$1` is the first parameter. */
export interface Sql {
  /**
   * The rows of one statement. Whole numbers of 64 bits come as numbers where they are exact; times as `Date`.
   * Outside a transaction it must be one that changes nothing more when it is carried out twice: where the connection was
   * lost before the answer came, it is sent again.
   */
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<Row[]>;
  /**
   * All or nothing, and once: where the connection was lost, the whole is run again unless it was committed. Only the given
   * `Sql` may be used inside: the embedded engine has one connection, and a statement beside the transaction would wait for
   * it for ever.
   */
  transaction<T>(run: (sql: Sql) => Promise<T>): Promise<T>;
}

const INT8 = 20;

/** Money and counts are 64 bits in the database, and far below 2^53 here. */
const wholeNumber = (text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`The store holds a whole number that is not exact in JavaScript: ${text}.`);
};

/** For every client of the store's pools, instead of a setting of the whole process. */
export const typesOf = ({ types }: Pick<typeof pg, "types">): pg.CustomTypesConfig =>
  ({
    getTypeParser(oid: number, format?: "text" | "binary") {
      if (oid === INT8 && format !== "binary") return wholeNumber;
      return types.getTypeParser(oid, format);
    },
  }) as pg.CustomTypesConfig;

const on = (client: pg.ClientBase, checkRoom: () => void): Sql => ({
  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    checkRoom();
    const { rows } = await client.query<Row>(text, [...values]);
    return rows;
  },
  transaction: (run) => run(on(client, checkRoom)),
});

/** A transaction whose commit was sent, and whose answer was lost. */
class UnansweredCommit extends Error {
  readonly id: string;

  constructor(id: string, cause: unknown) {
    super("Connection terminated while a transaction was committed", { cause });
    this.id = id;
  }
}

/** One attempt, on a client of its own, which is thrown away where it cannot be rolled back. */
async function attempt<T>(
  pool: pg.Pool,
  { isRemote = false, checkRoom = () => undefined }: SqlOptions,
  run: (sql: Sql) => Promise<T>,
): Promise<{ result: T }> {
  const client = await pool.connect();
  let broken: Error | undefined;
  let id: string | undefined;
  // A connection that ends between two statements is told here; the next statement fails of it.
  const onLoss = (error: Error) => {
    broken = error;
  };
  client.on("error", onLoss);
  try {
    await client.query("begin");
    const result = await run(on(client, checkRoom));
    if (isRemote) {
      const { rows } = await client.query<{ id: string | null }>(
        "select pg_current_xact_id_if_assigned()::text as id",
      );
      id = rows[0]?.id ?? undefined;
    }
    try {
      await client.query("commit");
    } catch (error) {
      if (id !== undefined && isAway(error)) throw new UnansweredCommit(id, error);
      throw error;
    }
    return { result };
  } catch (error) {
    await client.query("rollback").catch((cause: Error) => {
      broken = cause;
    });
    throw error;
  } finally {
    client.off("error", onLoss);
    client.release(broken);
  }
}

/** Asks the server how a transaction ended; while it is still at it, its locks would be in the way of another attempt. */
async function wasCommitted(pool: pg.Pool, id: string): Promise<boolean> {
  const { rows } = await pool.query<{ status: string | null }>("select pg_xact_status($1::xid8) as status", [
    id,
  ]);
  if (rows[0]?.status === "in progress")
    throw new Error("Connection terminated, the transaction is not over");
  return rows[0]?.status === "committed";
}

export interface SqlOptions {
  /** For messages: the directory, or host and database. */
  place?: string | undefined;
  /** True: a server, which may go away and come back. */
  isRemote?: boolean | undefined;
  /** Asked before each statement of a transaction; throws where the disk is as good as full. */
  checkRoom?: (() => void) | undefined;
  patience?: Patience | undefined;
}

/** Statements and transactions of a pool. With a server, an outage is waited out. */
export function sqlOf(pool: pg.Pool, options: SqlOptions = {}): Sql {
  const { place = "of this process", isRemote = false, patience = PATIENCE } = options;
  const through = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await (isRemote ? throughOutages(patience, run) : run());
    } catch (error) {
      throw storeError(error, place);
    }
  };
  return {
    query: <Row extends object>(text: string, values: readonly unknown[] = []) =>
      through(async () => (await pool.query<Row>(text, [...values])).rows),
    transaction<T>(run: (sql: Sql) => Promise<T>) {
      let last: { result: T } | undefined;
      let unanswered: string | undefined;
      return through(async () => {
        if (unanswered !== undefined && last !== undefined && (await wasCommitted(pool, unanswered))) {
          return last.result;
        }
        unanswered = undefined;
        try {
          return (
            await attempt(pool, options, async (tx) => {
              last = { result: await run(tx) };
              return last.result;
            })
          ).result;
        } catch (error) {
          if (error instanceof UnansweredCommit) unanswered = error.id;
          throw error;
        }
      });
    },
  };
}
