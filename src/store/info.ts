/** What there is in a store, and how large it is. */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { EngineName } from "./engine.ts";
import type { Store } from "./store.ts";
import { fullName, tablesOf } from "./tables.ts";

export interface StoreInfo {
  engine: EngineName;
  place: string;
  /** Of its tables. */
  version: number;
  /** Of the database software. */
  server: string;
  /** Of the database as it counts itself. */
  databaseBytes: number;
  /** Of all files in the directory, the log among them; embedded stores only. */
  directoryBytes: number | undefined;
  tables: { name: string; rows: number; bytes: number }[];
  runs: number;
  cancelledRuns: number;
  conversations: number;
  /** Conversations by status. */
  byStatus: Record<string, number>;
  /** Requests that are kept, by state. */
  requestsByState: Record<string, number>;
  /** Threads of graphs that have checkpoints here. */
  threads: number;
}

/** Bytes of all files in a folder; one that goes away meanwhile counts nothing. */
export function bytesIn(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const stats = lstatSync(join(folder, entry), { throwIfNoEntry: false });
    if (stats?.isFile()) bytes += stats.size;
  }
  return bytes;
}

async function countsBy(store: Store, statement: string): Promise<Record<string, number>> {
  const rows = await store.sql.query<{ name: string; count: number }>(statement);
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}

export async function infoOf(store: Store): Promise<StoreInfo> {
  const { sql, engine, place } = store;
  const [whole] = await sql.query<{ server: string; bytes: number; version: number }>(
    `select current_setting('server_version') as server, pg_database_size(current_database())::bigint as bytes,
       (select max(version) from dramatis.migrations)::int as version`,
  );
  const [runs] = await sql.query<{ runs: number; cancelled: number; threads: number }>(
    `select count(*)::int as runs, (count(*) filter (where is_cancelled))::int as cancelled,
       (select count(distinct thread_id) from dramatis.checkpoints)::int as threads from dramatis.runs`,
  );
  const byStatus = await countsBy(
    store,
    "select status as name, count(*)::int as count from dramatis.conversations group by 1 order by 1",
  );
  const tables: StoreInfo["tables"] = [];
  for (const table of await tablesOf(sql)) {
    const [row] = await sql.query<{ rows: number; bytes: number }>(
      `select (select count(*) from ${fullName(table)})::bigint as rows, pg_total_relation_size($1)::bigint as bytes`,
      [fullName(table)],
    );
    tables.push({ name: table.name, rows: row?.rows ?? 0, bytes: row?.bytes ?? 0 });
  }
  return {
    engine,
    place,
    version: whole?.version ?? 0,
    server: whole?.server ?? "",
    databaseBytes: whole?.bytes ?? 0,
    directoryBytes: engine === "pglite" ? bytesIn(place) : undefined,
    tables,
    runs: runs?.runs ?? 0,
    cancelledRuns: runs?.cancelled ?? 0,
    conversations: Object.values(byStatus).reduce((sum, count) => sum + count, 0),
    byStatus,
    requestsByState: await countsBy(
      store,
      "select state as name, count(*)::int as count from dramatis.requests group by 1 order by 1",
    ),
    threads: runs?.threads ?? 0,
  };
}
