/**
 * Takes back the room of rows that were changed or deleted. A server does so by itself; the embedded engine never does, so
 * the store does it now and then.
 */
import type { Sql } from "./sql.ts";
import { quoted } from "./tables.ts";

/** As a server's autovacuum decides by default (PostgreSQL's manual, 24.1.6), but for its fixed part: 50 rows there. */
const DEAD_ROWS = 500;
const DEAD_SHARE = 0.2;

interface TableRow {
  schema: string;
  name: string;
}

const tableName = ({ schema, name }: TableRow) => `${quoted(schema)}.${quoted(name)}`;

/** Tables in which so many rows are dead that it is worth the time. */
const worthwhile = (sql: Sql) =>
  sql.query<TableRow>(
    `select schemaname as schema, relname as name from pg_stat_user_tables
     where n_dead_tup > ${DEAD_ROWS} + ${DEAD_SHARE} * n_live_tup order by n_dead_tup desc`,
  );

const allTables = (sql: Sql) =>
  sql.query<TableRow>(
    "select schemaname as schema, relname as name from pg_stat_user_tables where schemaname like 'dramatis%' order by 1, 2",
  );

/** One table at a time, so that others get their turn in between. */
async function vacuumTables(sql: Sql, tables: readonly TableRow[]): Promise<void> {
  for (const table of tables) await sql.query(`vacuum (analyze) ${tableName(table)}`);
}

export const vacuumWhereWorthwhile = async (sql: Sql): Promise<void> =>
  vacuumTables(sql, await worthwhile(sql));

export interface Vacuumed {
  bytesBefore: number;
  bytesAfter: number;
}

const databaseBytes = async (sql: Sql) =>
  (await sql.query<{ bytes: number }>("select pg_database_size(current_database())::bigint as bytes"))[0]
    ?.bytes ?? 0;

/**
 * Vacuums every table.
 * @param isFull also gives the room back to the disk: each table is written anew, and nobody can use it meanwhile
 */
export async function vacuum(sql: Sql, { isFull }: { isFull: boolean }): Promise<Vacuumed> {
  const bytesBefore = await databaseBytes(sql);
  const tables = await allTables(sql);
  if (isFull) for (const table of tables) await sql.query(`vacuum (full, analyze) ${tableName(table)}`);
  else await vacuumTables(sql, tables);
  await sql.query("checkpoint").catch(() => undefined); // On a server that is for its administrators.
  return { bytesBefore, bytesAfter: await databaseBytes(sql) };
}

/** Of an embedded store: how many transactions come between two looks. */
const TRANSACTIONS_BETWEEN = 100;

export interface Upkeep {
  readonly sql: Sql;
  /** Waits for what is under way. */
  end(): Promise<void>;
}

/** The same statements; after every so many transactions, tables are vacuumed where it is worthwhile. */
export function withUpkeep(sql: Sql): Upkeep {
  let transactions = 0;
  let running: Promise<void> | undefined;
  const look = () => {
    running ??= vacuumWhereWorthwhile(sql)
      // Whatever is wrong with the store, whoever uses it next is told.
      .catch(() => undefined)
      .finally(() => {
        running = undefined;
      });
    return running;
  };
  return {
    sql: {
      query: (text, values) => sql.query(text, values),
      async transaction(run) {
        const result = await sql.transaction(run);
        transactions += 1;
        if (transactions % TRANSACTIONS_BETWEEN === 0) void look();
        return result;
      },
    },
    async end() {
      await look();
    },
  };
}
