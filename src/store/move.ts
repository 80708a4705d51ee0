/** Carries everything a store holds over to an empty one, on either engine, and proves that all of it arrived. */
import { DramatisError } from "../domain/errors.ts";
import type { Sql } from "./sql.ts";
import type { Store } from "./store.ts";
import {
  digestOf,
  fullName,
  quoted,
  setPlainText,
  type Table,
  type TableDigest,
  tablesOf,
} from "./tables.ts";

/** How much text one statement carries, about: a large one blocks the embedded engine. */
const BYTES_AT_ONCE = 2 * 2 ** 20;
const ROWS_AT_ONCE = 500;

export interface MoveOptions {
  from: Store;
  /** Must be empty. */
  to: Store;
  /** Carried out in the transaction of the target, with the conversations that are not over: they need a place in its queue. */
  enqueue(tx: Sql, conversationIds: readonly string[]): Promise<void>;
  /** Told of every batch. */
  onRows?: ((progress: { table: string; rows: number; of: number }) => void) | undefined;
}

export interface Moved {
  tables: TableDigest[];
  /** Conversations that are not over, and will go on in the new store. */
  waiting: number;
}

async function refuseFilled(to: Store, tables: readonly Table[], tx: Sql): Promise<void> {
  for (const table of tables) {
    const [row] = await tx.query(`select 1 as one from ${fullName(table)} limit 1`);
    if (row === undefined) continue;
    throw new DramatisError(
      "store-failed",
      `The store ${to.place} is not empty: its table ${table.name} has rows. Nothing was moved. Name an empty store.`,
    );
  }
}

async function rowsAtOnce(tx: Sql, table: Table): Promise<number> {
  const [row] = await tx.query<{ bytes: number | null }>(
    `select avg(pg_column_size(t.*))::float8 as bytes from ${fullName(table)} as t`,
  );
  return Math.max(1, Math.min(ROWS_AT_ONCE, Math.floor(BYTES_AT_ONCE / Math.max(1, row?.bytes ?? 1))));
}

interface Copy {
  source: Sql;
  target: Sql;
  table: Table;
  of: number;
  onRows: NonNullable<MoveOptions["onRows"]>;
}

/** Every value as its text, which each type reads back exactly. */
async function copyTable({ source, target, table, of, onRows }: Copy): Promise<void> {
  const { name, columns } = table;
  const atOnce = await rowsAtOnce(source, table);
  const names = columns.map((column) => quoted(column.name)).join(", ");
  const texts = columns.map((column, place) => `${quoted(column.name)}::text as c${place}`).join(", ");
  const values = columns.map((column, place) => `c${place}::${column.type}`).join(", ");
  const lists = columns.map((_, place) => `$${place + 1}::text[]`).join(", ");
  const aliases = columns.map((_, place) => `c${place}`).join(", ");
  await source.query(`declare moved no scroll cursor for select ${texts} from ${fullName(table)}`);
  for (let rows = 0; ; ) {
    const batch = await source.query<Record<string, string | null>>(`fetch ${atOnce} from moved`);
    if (batch.length === 0) break;
    await target.query(
      `insert into ${fullName(table)} (${names}) overriding system value select ${values} from unnest(${lists}) as u (${aliases})`,
      columns.map((_, place) => batch.map((row) => row[`c${place}`] ?? null)),
    );
    rows += batch.length;
    onRows({ table: name, rows, of });
  }
  await source.query("close moved");
}

/** Numbers that a column gives out by itself go on after the largest that was moved. */
async function advanceSequences(tx: Sql, table: Table): Promise<void> {
  for (const { name } of table.columns) {
    const [own] = await tx.query<{ sequence: string | null }>(
      "select pg_get_serial_sequence($1, $2) as sequence",
      [fullName(table), name],
    );
    if (own?.sequence == null) continue;
    await tx.query(`select setval($1::regclass, max(${quoted(name)})) from ${fullName(table)}`, [
      own.sequence,
    ]);
  }
}

const isSame = (a: Table | undefined, b: Table) => JSON.stringify(a?.columns) === JSON.stringify(b.columns);

/** Nobody may write while it is read; whoever tries waits until it is over. */
async function holdStill(from: Store, tx: Sql, tables: readonly Table[]): Promise<void> {
  if (from.engine === "pglite") return; // This process is the only one.
  await tx.query("set transaction isolation level repeatable read");
  await tx.query(`lock table ${tables.map(fullName).join(", ")} in share mode`);
}

/** One side waits while the other reads, writes or digests a large table; the server is not to take that for a stopped process. */
async function takeTime(tx: Sql): Promise<void> {
  await tx.query("select set_config('idle_in_transaction_session_timeout', '0', true)");
}

const lost = (from: Store, to: Store) =>
  new DramatisError(
    "store-failed",
    `The connection to a server was lost while ${from.place} was moved to ${to.place}. Nothing was kept in ${to.place}; ${from.place} is as it was. Move it again.`,
  );

async function copyAll(
  { from, to, enqueue, onRows = () => undefined }: MoveOptions,
  { source, target, tables }: { source: Sql; target: Sql; tables: readonly Table[] },
): Promise<Moved> {
  const moved: TableDigest[] = [];
  for (const table of tables) {
    const expected = await digestOf(source, table);
    await copyTable({ source, target, table, of: expected.rows, onRows });
    await advanceSequences(target, table);
    const got = await digestOf(target, table);
    if (got.rows !== expected.rows || got.digest !== expected.digest) {
      throw new DramatisError(
        "store-failed",
        `Table ${table.name} did not arrive as it was: expected ${expected.rows} rows with digest ${expected.digest}, got ${got.rows} with ${got.digest}. Nothing was kept in ${to.place}; ${from.place} is as it was.`,
      );
    }
    moved.push(got);
  }
  const waiting = await target.query<{ id: string }>(
    "select id from dramatis.conversations where status in ('waiting', 'running') order by run_id, position",
  );
  await enqueue(
    target,
    waiting.map(({ id }) => id),
  );
  return { tables: moved, waiting: waiting.length };
}

/**
 * Copies everything, in one transaction of the target, which is committed only when the counts and digests of all tables
 * are the source's. The source stays as it is.
 * @throws DramatisError `store-failed` when the target is not empty, is not the same in the end, or a server was
 * lost meanwhile; then nothing of it is kept
 */
export async function moveStore({ from, to, enqueue, onRows }: MoveOptions): Promise<Moved> {
  const tables = await tablesOf(from.sql);
  const targets = new Map((await tablesOf(to.sql)).map((table) => [table.name, table]));
  const other = tables.find((table) => !isSame(targets.get(table.name), table));
  if (other !== undefined || targets.size !== tables.length) {
    throw new DramatisError(
      "store-failed",
      `The stores ${from.place} and ${to.place} do not have the same tables${other ? ` (${other.name})` : ""}. Nothing was moved. Open both with this version first: dramatis store info.`,
    );
  }
  let moved: Moved | undefined;
  return await from.sql.transaction(async (source) => {
    // The target has it all; of the source nothing was changed.
    if (moved !== undefined) return moved;
    await holdStill(from, source, tables);
    await takeTime(source);
    await setPlainText(source);
    let isBegun = false;
    moved = await to.sql.transaction(async (target) => {
      // What was read of the source is gone with the first attempt: the target's transaction cannot be run again by itself.
      if (isBegun) throw lost(from, to);
      isBegun = true;
      await takeTime(target);
      await setPlainText(target);
      await refuseFilled(to, tables, target);
      return await copyAll({ from, to, enqueue, onRows }, { source, target, tables });
    });
    return moved;
  });
}
