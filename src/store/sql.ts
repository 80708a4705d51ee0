/** Statements and transactions over a pool, the same for both engines. */
import pg from "pg";

/** Runs statements of Postgres SQL; `$1` is the first parameter. */
export interface Sql {
  /** The rows of one statement. Whole numbers of 64 bits come as numbers where they are exact; times as `Date`. */
  query<Row extends object = Record<string, unknown>>(
    text: string,
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

const on = (client: pg.ClientBase): Sql => ({
  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { rows } = await client.query<Row>(text, [...values]);
    return rows;
  },
  transaction: (run) => run(on(client)),
});

/** Statements of a pool; transactions on one of its clients, which is thrown away where it cannot be rolled back. */
export function sqlOf(pool: pg.Pool): Sql {
  return {
    async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
      const { rows } = await pool.query<Row>(text, [...values]);
      return rows;
    },
    async transaction(run) {
      const client = await pool.connect();
      let broken: Error | undefined;
      try {
        await client.query("begin");
        const result = await run(on(client));
        await client.query("commit");
        return result;
      } catch (error) {
        await client.query("rollback").catch((cause: Error) => {
          broken = cause;
        });
        throw error;
      } finally {
        client.release(broken);
      }
    },
  };
}
