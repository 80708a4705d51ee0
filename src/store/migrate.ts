/** Brings a store's tables to this version: forward only, once, however many processes start at the same time. */
import type pg from "pg";
import { DramatisError } from "../domain/errors.ts";
import { createCheckpointer } from "./checkpointer.ts";
import { type Engine, noStoreAt } from "./engine.ts";
import { tables } from "./migrations/0001-tables.ts";
import { paces } from "./migrations/0002-paces.ts";
import { batches } from "./migrations/0003-batches.ts";
import { bookings } from "./migrations/0004-bookings.ts";
import { sentAt } from "./migrations/0005-sent-at.ts";
import { entryTimes } from "./migrations/0006-entry-times.ts";
import { senders } from "./migrations/0007-senders.ts";
import { sqlOf } from "./sql.ts";

/** In order; what was released is never changed. */
const MIGRATIONS: readonly string[] = [tables, paces, batches, bookings, sentAt, entryTimes, senders];
export const STORE_VERSION = MIGRATIONS.length;

/** Any number, as long as nothing else in the database locks the same. */
const LOCK = 0x64726d73;

/** The version of the tables; 0: there are none. */
async function versionOf(pool: pg.Pool): Promise<number> {
  const sql = sqlOf(pool);
  const [there] = await sql.query<{ name: string | null }>(
    "select to_regclass('dramatis.migrations')::text as name",
  );
  if (there?.name == null) return 0;
  const [row] = await sql.query<{ version: number }>(
    "select coalesce(max(version), 0)::int as version from dramatis.migrations",
  );
  return row?.version ?? 0;
}

function checkVersion(version: number, place: string): void {
  if (version <= STORE_VERSION) return;
  throw new DramatisError(
    "store-failed",
    `The store ${place} was made by a newer version of Dramatis: its tables are version ${version}, this one knows ${STORE_VERSION}. Update Dramatis, or name another store.`,
  );
}

async function migrateAlone({ pool, place }: Engine): Promise<void> {
  const sql = sqlOf(pool);
  await sql.query("create schema if not exists dramatis");
  await sql.query(
    "create table if not exists dramatis.migrations (version integer primary key, applied_at timestamptz not null default clock_timestamp())",
  );
  const version = await versionOf(pool);
  checkVersion(version, place);
  // First, since whoever sees the version below takes everything to be there. Its own migrations race, which the lock around
  // this prevents.
  await createCheckpointer(pool).setup();
  for (const [place, statements] of MIGRATIONS.entries()) {
    if (place < version) continue;
    await sql.transaction(async (tx) => {
      for (const statement of statements.split(";\n")) if (statement.trim()) await tx.query(statement);
      await tx.query("insert into dramatis.migrations (version) values ($1)", [place + 1]);
    });
  }
}

/**
 * @throws DramatisError `store-failed` when a newer version of Dramatis made the tables, `unknown-name` when there are none and
 * there must be some.
 */
export async function migrate(
  engine: Engine,
  { mustExist }: { mustExist?: boolean | undefined } = {},
): Promise<void> {
  const { pool, name, place } = engine;
  const version = await versionOf(pool);
  checkVersion(version, place);
  if (version === STORE_VERSION) return;
  if (version === 0 && mustExist) throw noStoreAt(place);
  if (name === "pglite") return migrateAlone(engine);
  const client = await pool.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [LOCK]);
    await migrateAlone(engine);
  } finally {
    await client.query("select pg_advisory_unlock($1)", [LOCK]).finally(() => client.release());
  }
}
