/** Statements and transactions over a pool, the same for both engines. */
import type pg from "pg";
import { isAway, PATIENCE, type Patience, storeError, throughOutages } from "./outage.ts";

/** A statement that is run again and again: a connection parses it once, under its name. */
export interface PreparedStatement {
  /** One name for one text, in all of the program. */
  name: string;
  text: string;
}

/** Runs statements of Postgres SQL; `$1` is the first parameter. */
export interface Sql {
  /**
   * The rows of one statement. Whole numbers of 64 bits come as numbers where they are exact; times as `Date`.
   * Outside a transaction it must be one that changes nothing more when it is carried out twice: where the connection was
   * lost before the answer came, it is sent again.
   */
  query<Row extends object = Record<string, unknown>>(
    statement: string | PreparedStatement,
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

/** Told of every statement once it is over, with how long it took; a statement that fails counts as well. */
export type OnStatement = (ms: number) => void;

/** Statements one by one, each told of. */
type Run = <Row extends object>(
  statement: string | PreparedStatement,
  values: readonly unknown[],
) => Promise<Row[]>;

const runOn =
  (target: Pick<pg.ClientBase, "query">, onStatement: OnStatement | undefined): Run =>
  async <Row extends object>(statement: string | PreparedStatement, values: readonly unknown[]) => {
    const startedAt = performance.now();
    const asked = typeof statement === "string" ? { text: statement } : statement;
    try {
      const { rows } = await target.query<Row>({ ...asked, values: [...values] });
      return rows;
    } finally {
      onStatement?.(performance.now() - startedAt);
    }
  };

/** Statements of a transaction. */
function on(run: Run, checkRoom: () => void): Sql {
  const sql: Sql = {
    query(statement, values = []) {
      checkRoom();
      return run(statement, values);
    },
    transaction: (inside) => inside(sql),
  };
  return sql;
}

/** A transaction whose commit was sent, and whose answer was lost. */
class UnansweredCommit extends Error {
  readonly mark: Mark;

  constructor(mark: Mark, cause: unknown) {
    super("Connection terminated while a transaction was committed", { cause });
    this.mark = mark;
  }
}

/**
 * What a transaction leaves behind, to know it by. Its number alone does not do: a server that crashed gives the numbers of what
 * it lost to others, and `pg_xact_status` then tells of those.
 */
interface Mark {
  token: string;
  /** The transaction's number. */
  id: string;
}

const MARK = {
  name: "dramatis-mark",
  text: `with forgotten as (
      delete from dramatis.marks where token in (
        select token from dramatis.marks where at < clock_timestamp() - interval '1 hour' limit 10 for update skip locked)
    )
    insert into dramatis.marks (token) values ($1) returning pg_current_xact_id()::text as id`,
};

/** One attempt, on a client of its own, which is thrown away where it cannot be rolled back. */
async function attempt<T>(
  pool: pg.Pool,
  { isRemote = false, checkRoom = () => undefined, onStatement }: SqlOptions,
  inside: (sql: Sql) => Promise<T>,
): Promise<{ result: T }> {
  const client = await pool.connect();
  const run = runOn(client, onStatement);
  let broken: Error | undefined;
  let mark: Mark | undefined;
  // A connection that ends between two statements is told here; the next statement fails of it.
  const onLoss = (error: Error) => {
    broken = error;
  };
  client.on("error", onLoss);
  try {
    await run("begin", []);
    const result = await inside(on(run, checkRoom));
    if (isRemote) {
      const token = crypto.randomUUID();
      const [row] = await run<{ id: string }>(MARK, [token]);
      mark = row && { token, id: row.id };
    }
    try {
      await run("commit", []);
    } catch (error) {
      if (mark !== undefined && isAway(error)) throw new UnansweredCommit(mark, error);
      throw error;
    }
    return { result };
  } catch (error) {
    await run("rollback", []).catch((cause: Error) => {
      broken = cause;
    });
    throw error;
  } finally {
    client.off("error", onLoss);
    client.release(broken);
  }
}

/**
 * Asks the server whether a transaction was committed; while it is still at it, its locks would be in the way of another attempt.
 * The mark is looked for once the transaction is known to be over, in a statement of its own: one statement sees what was
 * committed before it began, and would take a transaction that ends meanwhile for over, without its mark.
 */
async function wasCommitted(pool: pg.Pool, { token, id }: Mark): Promise<boolean> {
  const status = await pool.query<{ isUnderWay: boolean }>(
    `select coalesce(pg_xact_status($1::xid8) = 'in progress', false) as "isUnderWay"`,
    [id],
  );
  if (status.rows[0]?.isUnderWay) throw new Error("Connection terminated, the transaction is not over");
  const marks = await pool.query("select from dramatis.marks where token = $1", [token]);
  return marks.rows.length > 0;
}

export interface SqlOptions {
  /** For messages: the directory, or host and database. */
  place?: string | undefined;
  /** True: a server, which may go away and come back. */
  isRemote?: boolean | undefined;
  /** Asked before each statement of a transaction; throws where the disk is as good as full. */
  checkRoom?: (() => void) | undefined;
  patience?: Patience | undefined;
  onStatement?: OnStatement | undefined;
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
  const ask = runOn(pool, options.onStatement);
  return {
    query: (statement, values = []) => through(() => ask(statement, values)),
    transaction<T>(run: (sql: Sql) => Promise<T>) {
      let last: { result: T } | undefined;
      let unanswered: Mark | undefined;
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
          if (error instanceof UnansweredCommit) unanswered = error.mark;
          throw error;
        }
      });
    },
  };
}
