/** Statements and transactions over a pool, the same for both engines. */
import pg from "pg";

/** A statement that is run again and again: a connection parses it once, under its name. */
export interface PreparedStatement {
  /** One name for one text, in all of the program. */
  name: string;
  text: string;
}

/** Runs statements of Postgres SQL; `$1` is the first parameter. */
export interface Sql {
  /** The rows of one statement. Whole numbers of 64 bits come as numbers where they are exact; times as `Date`. */
  query<Row extends object = Record<string, unknown>>(
    statement: string | PreparedStatement,
    values?: readonly unknown[],
  ): Promise<Row[]>;
  /**
   * All or nothing. Only the given `Sql` may be used inside: the embedded engine has one connection, and a statement
   * beside the transaction would wait for it for ever.
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
export const TYPES: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (oid === INT8 && format !== "binary") return wholeNumber;
    return pg.types.getTypeParser(oid, format);
  },
} as pg.CustomTypesConfig;

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

const on = (run: Run): Sql => {
  const sql: Sql = {
    query: (statement, values = []) => run(statement, values),
    transaction: (inside) => inside(sql),
  };
  return sql;
};

/** Statements of a pool; transactions on one of its clients, which is thrown away where it cannot be rolled back. */
export function sqlOf(pool: pg.Pool, onStatement?: OnStatement): Sql {
  return {
    ...on(runOn(pool, onStatement)),
    async transaction(inside) {
      const client = await pool.connect();
      const run = runOn(client, onStatement);
      let broken: Error | undefined;
      try {
        await run("begin", []);
        const result = await inside(on(run));
        await run("commit", []);
        return result;
      } catch (error) {
        await run("rollback", []).catch((cause: Error) => {
          broken = cause;
        });
        throw error;
      } finally {
        client.release(broken);
      }
    },
  };
}
