/**
 * The batches of a run, each written down before anything of it is sent, and the one process that looks after them: it is
 * elected here, and whoever was elected before can write nothing more.
 */
import { DramatisError } from "../domain/errors.ts";
import type { Sql } from "./sql.ts";

/**
 * planned: its lines are chosen; uploading, creating: it was begun, and nobody knows whether it got there; uploaded, created:
 * it got there; ended: all its lines have come to something.
 */
export const BATCH_STATES = ["planned", "uploading", "uploaded", "creating", "created", "ended"] as const;
export type BatchState = (typeof BATCH_STATES)[number];

export interface StoredBatch {
  /** Ours: what the provider's metadata holds, so that it is found again. */
  id: string;
  runId: string;
  /** Counted from 1. */
  wave: number;
  /** Of the wave, counted from 1. */
  part: number;
  model: string;
  state: BatchState;
  requests: number;
  bytes: number;
  /** Of its prompts, estimated. */
  tokens: number;
  fileId: string | undefined;
  /** The provider's. */
  providerId: string | undefined;
  /** As the provider said last. */
  status: string | undefined;
  completed: number;
  failed: number;
  /** Why it came to nothing as a whole. */
  problem: string | undefined;
  plannedAt: Date;
  /** Since when its state is in doubt. */
  begunAt: Date | undefined;
  endedAt: Date | undefined;
}

interface Row {
  id: string;
  run_id: string;
  wave: number;
  part: number;
  model: string;
  state: BatchState;
  requests: number;
  bytes: number;
  tokens: number;
  file_id: string | null;
  provider_id: string | null;
  status: string | null;
  completed: number;
  failed: number;
  problem: string | null;
  planned_at: Date;
  begun_at: Date | null;
  ended_at: Date | null;
}

const batchFrom = (row: Row): StoredBatch => ({
  id: row.id,
  runId: row.run_id,
  wave: row.wave,
  part: row.part,
  model: row.model,
  state: row.state,
  requests: row.requests,
  bytes: row.bytes,
  tokens: row.tokens,
  fileId: row.file_id ?? undefined,
  providerId: row.provider_id ?? undefined,
  status: row.status ?? undefined,
  completed: row.completed,
  failed: row.failed,
  problem: row.problem ?? undefined,
  plannedAt: row.planned_at,
  begunAt: row.begun_at ?? undefined,
  endedAt: row.ended_at ?? undefined,
});

/** Who looks after the batches of a run. */
export interface Coordinator {
  runId: string;
  /** Of this process, and of no other. */
  token: string;
}

/** A coordinator that is silent for that long is replaced; longer than any statement or request of it should take. */
const SILENCE = "interval '30 seconds'";

/** Makes this process the coordinator of a run, or keeps it so. False: another one is. */
export async function lead(sql: Sql, { runId, token }: Coordinator): Promise<boolean> {
  const rows = await sql.query(
    {
      name: "dramatis-lead",
      text: `insert into dramatis.coordinators (run_id, token, until)
       select id, $2, clock_timestamp() + ${SILENCE} from dramatis.runs where id = $1
       on conflict (run_id) do update set token = excluded.token, until = excluded.until
         where coordinators.token = excluded.token or coordinators.until < clock_timestamp()
       returning run_id`,
    },
    [runId, token],
  );
  return rows.length === 1;
}

/** Lets another process be the coordinator at once. */
export async function resign(sql: Sql, { runId, token }: Coordinator): Promise<void> {
  await sql.query("delete from dramatis.coordinators where run_id = $1 and token = $2", [runId, token]);
}

/** In an embedded store, whoever led before is no more. */
export async function forgetCoordinators(sql: Sql): Promise<void> {
  await sql.query("delete from dramatis.coordinators");
}

/**
 * Writes as the coordinator, all or nothing.
 * @throws DramatisError `lease-lost` when another process is it by now
 */
export function asCoordinator<T>(
  sql: Sql,
  { runId, token }: Coordinator,
  write: (tx: Sql) => Promise<T>,
): Promise<T> {
  return sql.transaction(async (tx) => {
    const leading = await tx.query(
      `select from dramatis.coordinators where run_id = $1 and token = $2 and until > clock_timestamp() for update`,
      [runId, token],
    );
    if (leading.length > 0) return await write(tx);
    throw new DramatisError(
      "lease-lost",
      `Another process looks after the batches of ${runId} by now. Nothing was written.`,
    );
  });
}

/** How a run is, as far as its batches depend on it. */
export interface Outlook {
  /** Conversations that may still come to a request. */
  live: number;
  isCancelled: boolean;
  waiting: { requests: number; bytes: number; oldestMs: number };
  /** What its cap leaves; undefined: it has none. */
  leftNanoUsd: number | undefined;
  /** Held for what is on its way. */
  heldNanoUsd: number;
}

export async function outlookOf(sql: Sql, runId: string): Promise<Outlook> {
  const [row] = await sql.query<{
    live: number;
    is_cancelled: boolean;
    left: number | null;
    held: number;
    requests: number;
    bytes: number;
    oldest: number;
  }>(
    {
      name: "dramatis-outlook",
      text: `select is_cancelled, held_nano_usd as held, max_cost_nano_usd - spent_nano_usd - held_nano_usd as left,
         (select count(*)::int from dramatis.conversations
          where run_id = $1 and status in ('waiting', 'running')) as live,
         w.requests, w.bytes, w.oldest
       from dramatis.runs, lateral (
         select count(*)::int as requests, coalesce(sum(bytes), 0)::bigint as bytes,
           coalesce(extract(epoch from clock_timestamp() - min(parked_at)) * 1000, 0)::double precision as oldest
         from dramatis.batch_lines where run_id = $1 and batch_id is null) as w
       where id = $1`,
    },
    [runId],
  );
  return {
    live: row?.live ?? 0,
    isCancelled: row?.is_cancelled ?? true,
    waiting: { requests: row?.requests ?? 0, bytes: row?.bytes ?? 0, oldestMs: row?.oldest ?? 0 },
    leftNanoUsd: row?.left ?? undefined,
    heldNanoUsd: row?.held ?? 0,
  };
}

/** Runs of which something waits for a batch, or is in one. */
export async function runsInBatches(sql: Sql): Promise<string[]> {
  const rows = await sql.query<{ id: string }>({
    name: "dramatis-runs-in-batches",
    text: `select run_id as id from dramatis.batches where state <> 'ended'
      union select run_id from dramatis.batch_lines where batch_id is null`,
  });
  return rows.map(({ id }) => id);
}

/** A batch that is to be sent, with the requests that are in it. */
export interface PlannedBatch {
  id: string;
  model: string;
  customIds: readonly string[];
  bytes: number;
  tokens: number;
  /** Whether it goes to the offline server. Default false. */
  isOffline?: boolean | undefined;
}

/** Writes a wave down: its batches, which requests are in each, and the money that is held for them. */
export async function planWave(tx: Sql, runId: string, planned: readonly PlannedBatch[]): Promise<void> {
  const [last] = await tx.query<{ wave: number }>(
    "select coalesce(max(wave), 0)::int as wave from dramatis.batches where run_id = $1",
    [runId],
  );
  const wave = (last?.wave ?? 0) + 1;
  for (const [index, { id, model, customIds, bytes, tokens, isOffline = false }] of planned.entries()) {
    await tx.query(
      `insert into dramatis.batches (id, run_id, wave, part, model, requests, bytes, tokens)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [id, runId, wave, index + 1, model, customIds.length, bytes, tokens],
    );
    await tx.query(
      `with line as (
         update dramatis.batch_lines set batch_id = $2 where run_id = $1 and batch_id is null and custom_id = any($3)
         returning conversation_id, digest, occurrence, bound_nano_usd
       ), held as (
         update dramatis.requests as request
         set held_nano_usd = line.bound_nano_usd, bound_nano_usd = line.bound_nano_usd, tier = 'batch', offline = $4
         from line where request.conversation_id = line.conversation_id and request.digest = line.digest
           and request.occurrence = line.occurrence
         returning line.bound_nano_usd as amount
       )
       update dramatis.runs set held_nano_usd = held_nano_usd + coalesce((select sum(amount) from held), 0)::bigint
       where id = $1`,
      [runId, id, customIds, isOffline],
    );
  }
}

const COLUMNS = `id, run_id, wave, part, model, state, requests, bytes, tokens, file_id, provider_id, status, completed,
  failed, problem, planned_at, begun_at, ended_at`;

/** The batches of a run, the latest first; of all runs, those of the newest. */
export async function batchesOf(
  sql: Sql,
  {
    runId,
    isOpen = false,
    limit = 1000,
  }: { runId?: string | undefined; isOpen?: boolean; limit?: number } = {},
): Promise<StoredBatch[]> {
  const rows = await sql.query<Row>(
    `select ${COLUMNS} from dramatis.batches
     where ($1::text is null or run_id = $1) and (not $2 or state <> 'ended')
     order by planned_at desc, wave desc, part limit $3`,
    [runId ?? null, isOpen, limit],
  );
  return rows.map(batchFrom);
}

/**
 * The batch that an id names: ours, or the beginning of it, or the provider's.
 * @throws DramatisError `unknown-name` when none or several are meant
 */
export async function findBatch(sql: Sql, id: string): Promise<StoredBatch> {
  const [batch, another] =
    id === ""
      ? []
      : await sql.query<Row>(
          `select ${COLUMNS} from dramatis.batches where provider_id = $1 or starts_with(id, $1)
           order by provider_id = $1 desc nulls last, id limit 2`,
          [id],
        );
  if (batch === undefined) {
    throw new DramatisError(
      "unknown-name",
      `There is no batch ${JSON.stringify(id)} in this store. List them:`,
      {
        command: "batches list",
      },
    );
  }
  const isWhole = [batch.provider_id, batch.id].includes(id);
  if (another === undefined || isWhole) return batchFrom(batch);
  throw new DramatisError(
    "unknown-name",
    `Several batches begin with ${JSON.stringify(id)}: expected enough of the id to tell them apart. List them:`,
    { command: "batches list" },
  );
}

/** What becomes of a batch; what is left out stays as it is. */
export interface BatchChange {
  state?: BatchState;
  fileId?: string | undefined;
  providerId?: string;
  status?: string;
  completed?: number;
  failed?: number;
  problem?: string | undefined;
}

export async function changeBatch(tx: Sql, id: string, change: BatchChange): Promise<void> {
  await tx.query(
    `update dramatis.batches set state = coalesce($2, state), file_id = coalesce($3, file_id),
       provider_id = coalesce($4, provider_id), status = coalesce($5, status), completed = coalesce($6, completed),
       failed = coalesce($7, failed), problem = coalesce($8, problem),
       begun_at = case when $2 in ('uploading', 'creating') then clock_timestamp() else begun_at end,
       ended_at = case when $2 = 'ended' then clock_timestamp() else ended_at end
     where id = $1`,
    [
      ...[id, change.state ?? null, change.fileId, change.providerId, change.status, change.completed],
      ...[change.failed, change.problem],
    ],
  );
}

/**
 * Writes down that the provider told of a batch's end, for whoever looks after it. False: none of those under way is meant.
 * What became of it is not believed until it was asked after.
 */
export async function tellEnd(
  sql: Sql,
  { providerId, status }: { providerId: string; status: string },
): Promise<boolean> {
  const told = await sql.query(
    "update dramatis.batches set status = $2 where provider_id = $1 and state = 'created' returning id",
    [providerId, status],
  );
  return told.length > 0;
}

/** How long the state of a batch has been in doubt, in milliseconds, at the database's clock. */
export async function doubtMs(sql: Sql, id: string): Promise<number> {
  const [row] = await sql.query<{ ms: number }>(
    `select coalesce(extract(epoch from clock_timestamp() - begun_at) * 1000, 0)::double precision as ms
     from dramatis.batches where id = $1`,
    [id],
  );
  return row?.ms ?? 0;
}
