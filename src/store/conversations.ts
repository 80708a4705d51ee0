/** Conversations of a run: claimed by one worker at a time, and written as a whole when they end. */
import { type ConversationRecord, conversationRecordSchema } from "../domain/record.ts";
import { type UsageEntry, usageEntrySchema } from "../domain/usage.ts";
import { answeredAtOf } from "./answered-at.ts";
import { DROP_UNSENT } from "./batch-lines.ts";
import { leaseLost } from "./faults.ts";
import { abandonRequests, type Holder } from "./requests.ts";
import type { Sql } from "./sql.ts";

/**
 * waiting: nobody has begun it, or it was given back; running: a worker has it; parked: its requests wait for a batch, or are in
 * one; else how it ended.
 */
export const CONVERSATION_STATUSES = [
  "waiting",
  "running",
  "parked",
  "completed",
  "budget",
  "interrupted",
  "failed",
  "cancelled",
] as const;
/** What became of a conversation, or what is to become of it. */
export type ConversationStatus = (typeof CONVERSATION_STATUSES)[number];

export interface Claimed extends Holder {
  position: number;
  /** Of an experiment. */
  arm: string | undefined;
  settings: object;
  /** Its run was cancelled after somebody had begun it. */
  isCancelled: boolean;
}

const ATTEMPT_DIGITS = 7;

/** The lease of an attempt of a job: of two of the same job, the later one has the greater text. */
export const leaseOf = (job: string, attempt: number): string =>
  `${job}:${String(attempt).padStart(ATTEMPT_DIGITS, "0")}`;

/**
 * Gives a conversation to a worker; whoever had it before can write nothing more. Undefined: it has ended, was cancelled, or
 * a later attempt of the same job has it, and there is nothing to do.
 */
export async function claim(
  sql: Sql,
  { conversationId, lease, worker }: { conversationId: string; lease: string; worker: string },
): Promise<Claimed | undefined> {
  const [row] = await sql.query<{
    run_id: string;
    position: number;
    arm: string | null;
    settings: object;
    is_cancelled: boolean;
  }>(CLAIM, [conversationId, lease, worker]);
  if (row === undefined) return undefined;
  const { run_id: runId, position, arm, settings, is_cancelled: isCancelled } = row;
  return { runId, conversationId, lease, position, arm: arm ?? undefined, settings, isCancelled };
}

const CLAIM = {
  name: "dramatis-claim",
  text: `update dramatis.conversations
      set status = 'running', lease = $2, worker = $3, started_at = coalesce(started_at, clock_timestamp())
      where id = $1 and status in ('waiting', 'running')
        and (lease is null or split_part(lease, ':', 1) <> split_part($2, ':', 1) or lease <= $2 collate "C")
      returning run_id, position, arm, settings, (select is_cancelled from dramatis.runs where runs.id = run_id)`,
};

/** Puts a conversation back that was begun and is not over; what it asked is kept. False: it is another worker's by now. */
export async function giveBack(sql: Sql, { conversationId, lease }: Holder): Promise<boolean> {
  const rows = await sql.query(
    `update dramatis.conversations set status = 'waiting', lease = null, worker = null
     where id = $1 and lease = $2 returning id`,
    [conversationId, lease],
  );
  return rows.length === 1;
}

/**
 * What an earlier process of an embedded store had in hand when it was killed waits again; nobody else can have it. What it
 * asked is kept.
 */
export async function releaseOrphans(sql: Sql): Promise<void> {
  await sql.query(
    "update dramatis.conversations set status = 'waiting', worker = null where status = 'running'",
  );
}

/** When the provider says that it answered, in its seconds, by its id of the request. */
type AnswerTimes = Readonly<Record<string, unknown>>;

const column = (entries: readonly UsageEntry[], times: AnswerTimes) =>
  entries.map((entry, position) => ({
    position,
    turn: entry.turn,
    persona: entry.persona,
    purpose: entry.purpose,
    model: entry.model,
    tier: entry.tier,
    input_tokens: entry.inputTokens,
    cached_input_tokens: entry.cachedInputTokens,
    output_tokens: entry.outputTokens,
    reasoning_tokens: entry.reasoningTokens,
    cost_nano_usd: entry.costNanoUsd,
    cost_bound_nano_usd: entry.costBoundNanoUsd,
    from_cache: entry.fromCache === true,
    saved_nano_usd: entry.savedNanoUsd,
    request_id: entry.requestId,
    offline: entry.offline === true,
    answered_at: answeredAtOf(entry.requestId === undefined ? undefined : times[entry.requestId]),
  }));

/**
 * Writes how a conversation ended, its turns and its ledger, inside a transaction of whoever closes its job with it. The kept
 * requests of a conversation that can go on (failed, cancelled, or at the cap) stay, so that it goes on where it was.
 * @param status how it ended, where its record cannot say: cancelled
 * @throws DramatisError `lease-lost` when it is another worker's by now
 */
export async function finish(
  tx: Sql,
  holder: Holder,
  record: ConversationRecord,
  status: ConversationStatus = record.status,
): Promise<void> {
  const { conversationId, lease } = holder;
  const { turns, failures, usage, ending, status: _, startedAt, endedAt, ...rest } = record;
  const { totals, entries } = usage;
  const kept = { ...rest, totals };
  const [row] = await tx.query<{ times: AnswerTimes | null }>(FINISH, [
    conversationId,
    lease,
    status,
    JSON.stringify(ending),
    JSON.stringify(kept),
    turns.length,
    totals.requests,
    totals.inputTokens,
    totals.cachedInputTokens,
    totals.outputTokens,
    totals.costNanoUsd,
    totals.unpricedRequests,
    totals.unpricedBoundNanoUsd,
    startedAt,
    endedAt,
  ]);
  if (row === undefined) throw leaseLost(conversationId);
  await tx.query(INSERT_PARTS, [
    conversationId,
    JSON.stringify(turns),
    JSON.stringify(column(entries, row.times ?? {})),
    JSON.stringify(failures),
  ]);
}

/**
 * One that went on began when it was first claimed. What an earlier end left goes with it: a statement that deletes and inserts the same key would see both. Gives back when its
 * requests were answered, which goes with the requests of a conversation that completed.
 */
const FINISH = {
  name: "dramatis-finish",
  text: `with ended as (
       update dramatis.conversations set
         status = $3, lease = null, ending = $4, record = $5, turns = $6, requests = $7, input_tokens = $8,
         cached_input_tokens = $9, output_tokens = $10, cost_nano_usd = $11, unpriced_requests = $12,
         unpriced_bound_nano_usd = $13, started_at = least(started_at, $14::timestamptz), ended_at = $15
       where id = $1 and lease = $2 returning id, status
     ), ${DROP_UNSENT}, no_turns as (
       delete from dramatis.turns where conversation_id in (select id from ended)
     ), no_entries as (
       delete from dramatis.usage_entries where conversation_id in (select id from ended)
     ), no_failures as (
       delete from dramatis.failures where conversation_id in (select id from ended)
     ), no_requests as (
       delete from dramatis.requests where conversation_id in (select id from ended where status = 'completed')
     )
     select id, (
       select json_object_agg(outcome ->> 'requestId', outcome #> '{completion,created}')
       from dramatis.requests where conversation_id = ended.id and outcome ->> 'requestId' is not null
     ) as times
     from ended`,
};

const INSERT_PARTS = {
  name: "dramatis-insert-parts",
  text: `with said as (
       insert into dramatis.turns (conversation_id, turn, speaker, model, message, body)
       select $1, (one ->> 'turn')::integer, one ->> 'speaker', one -> 'model' ->> 'id', one ->> 'message', one
       from json_array_elements($2) as one
     ), spent as (
       insert into dramatis.usage_entries
       select $1, entry.* from json_to_recordset($3) as entry (
         position integer, turn integer, persona text, purpose text, model text, tier text, input_tokens bigint,
         cached_input_tokens bigint, output_tokens bigint, reasoning_tokens bigint, cost_nano_usd bigint,
         cost_bound_nano_usd bigint, from_cache boolean, saved_nano_usd bigint, request_id text,
         answered_at timestamptz, offline boolean)
     )
     insert into dramatis.failures (conversation_id, position, turn, kind, body)
     select $1, place, (one ->> 'turn')::integer, one ->> 'kind', one
     from json_array_elements($4) with ordinality as listed (one, place)`,
};

/** Ends a conversation that could not even begin: it has no record, but says why. Of what it asked, nothing is on its way any more. */
export async function finishAsFailed(tx: Sql, holder: Holder, evidence: string): Promise<void> {
  const { runId, conversationId, lease } = holder;
  const rows = await tx.query(
    `with ended as (
       update dramatis.conversations set status = 'failed', lease = null, ending = $3, ended_at = clock_timestamp()
       where id = $1 and lease = $2 returning id, status
     ), ${DROP_UNSENT}
     select id from ended`,
    [conversationId, lease, JSON.stringify({ kind: "error", evidence })],
  );
  if (rows.length === 0) throw leaseLost(conversationId);
  await abandonRequests(tx, runId, [conversationId]);
}

interface Row {
  record: object;
  ending: unknown;
  status: string;
  started_at: Date;
  ended_at: Date;
}

/** The record of a conversation that has ended; undefined while it has not. */
export async function recordOf(sql: Sql, conversationId: string): Promise<ConversationRecord | undefined> {
  const [row] = await sql.query<Row>(
    `select record, ending, status, started_at, ended_at from dramatis.conversations
     where id = $1 and record is not null`,
    [conversationId],
  );
  if (row === undefined) return undefined;
  const turns = await sql.query<{ body: unknown }>(
    "select body from dramatis.turns where conversation_id = $1 order by turn",
    [conversationId],
  );
  const failures = await sql.query<{ body: unknown }>(
    "select body from dramatis.failures where conversation_id = $1 order by position",
    [conversationId],
  );
  const entries = await entriesOf(sql, conversationId);
  return conversationRecordSchema.parse({
    ...row.record,
    status: row.status === "cancelled" ? "interrupted" : row.status,
    ending: row.ending,
    startedAt: row.started_at.toISOString(),
    endedAt: row.ended_at.toISOString(),
    turns: turns.map(({ body }) => body),
    failures: failures.map(({ body }) => body),
    usage: { entries, totals: (row.record as { totals: unknown }).totals },
  });
}

/** The ledger of a conversation that has ended, in the order of its requests. */
export async function entriesOf(sql: Sql, conversationId: string): Promise<UsageEntry[]> {
  const rows = await sql.query<Record<string, unknown>>(
    `select turn, persona, purpose, model, tier, input_tokens as "inputTokens", cached_input_tokens as "cachedInputTokens",
       output_tokens as "outputTokens", reasoning_tokens as "reasoningTokens", cost_nano_usd as "costNanoUsd",
       cost_bound_nano_usd as "costBoundNanoUsd", nullif(from_cache, false) as "fromCache",
       saved_nano_usd as "savedNanoUsd", request_id as "requestId", nullif(offline, false) as offline
     from dramatis.usage_entries where conversation_id = $1 order by position`,
    [conversationId],
  );
  return rows.map((row) =>
    usageEntrySchema.parse(Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))),
  );
}
