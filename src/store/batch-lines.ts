/** Requests that wait for a batch, or are in one: parked by whoever holds their conversation, and answered by what the batch brought. */
import { leaseLost } from "./faults.ts";
import type { Holder, RequestId } from "./requests.ts";
import type { Sql } from "./sql.ts";

export interface ParkedRequest extends RequestId {
  /** Of this attempt: no other request ever has it. */
  customId: string;
  attempts: readonly unknown[];
  /** JSON as it is sent. */
  body: string;
  /** Of its line in a file, the line's end included. */
  bytes: number;
  /** Of the prompt, as the provider counts what is enqueued; an estimate. */
  tokens: number;
  /** The most it can cost; undefined: its model has no price. */
  boundNanoUsd: number | undefined;
}

/** Puts a request aside until a batch takes it; nothing is held for it yet. Once more does nothing. */
export async function park(sql: Sql, holder: Holder, request: ParkedRequest): Promise<void> {
  const { runId, conversationId, lease } = holder;
  const { digest, occurrence, purpose, turn, persona, model } = request;
  const [row] = await sql.query<{ fence: boolean }>(
    {
      name: "dramatis-park",
      text: `with fence as (
       select id from dramatis.conversations where id = $2 and lease = $3 for share
     ), parked as (
       insert into dramatis.requests
         (conversation_id, digest, occurrence, run_id, purpose, turn, persona, model, state, attempts)
       select id, $4, $5, $1, $6, $7, $8, $9, 'parked', $10 from fence
       on conflict (conversation_id, digest, occurrence) do update set
         state = 'parked', attempts = excluded.attempts, outcome = null
     ), line as (
       insert into dramatis.batch_lines
         (custom_id, run_id, conversation_id, digest, occurrence, model, body, bytes, tokens, bound_nano_usd)
       select $11, $1, id, $4, $5, $9, $12, $13, $14, $15 from fence on conflict do nothing
     )
     select exists (select from fence) as fence`,
    },
    [
      ...[runId, conversationId, lease, digest, occurrence, purpose, turn, persona, model],
      ...[JSON.stringify(request.attempts), request.customId, request.body, request.bytes, request.tokens],
      request.boundNanoUsd,
    ],
  );
  if (!row?.fence) throw leaseLost(conversationId);
}

/** What a batch brought for one request. */
export interface Arrival {
  customId: string;
  /** As a journal keeps outcomes. */
  outcome: unknown;
}

/**
 * Writes what a batch brought, once for each request: one that is not waited for any more is left as it is. The money that is
 * held for it stays held until whoever goes on with the conversation has counted what it cost.
 * @returns conversations of which nothing is waited for any more, and that are to be gone on with
 */
export async function arrive(
  tx: Sql,
  { runId, batchId }: { runId: string; batchId: string },
  arrivals: readonly Arrival[],
): Promise<string[]> {
  const concerned = await lockConversations(
    tx,
    arrivals.map(({ customId }) => customId),
  );
  await tx.query(
    `with come as (
       select * from json_to_recordset($3) as come ("customId" text, outcome json)
     ), line as (
       delete from dramatis.batch_lines using come
       where custom_id = come."customId" and run_id = $1 and batch_id = $2
       returning conversation_id, digest, occurrence, outcome
     )
     update dramatis.requests set state = 'arrived', outcome = line.outcome, bound_nano_usd = null from line
     where requests.conversation_id = line.conversation_id and requests.digest = line.digest
       and requests.occurrence = line.occurrence and state = 'parked'`,
    [runId, batchId, JSON.stringify(arrivals)],
  );
  return await wake(tx, concerned);
}

/** Takes the lines of a batch that was never begun back to those that wait for one; what was held for them is given back. */
export async function unassign(
  tx: Sql,
  { runId, batchId }: { runId: string; batchId: string },
): Promise<void> {
  await tx.query(
    `with line as (
       update dramatis.batch_lines set batch_id = null where run_id = $1 and batch_id = $2
       returning conversation_id, digest, occurrence
     ), freed as (
       update dramatis.requests as request set held_nano_usd = null, bound_nano_usd = null from line
       where request.conversation_id = line.conversation_id and request.digest = line.digest
         and request.occurrence = line.occurrence
       returning (select held_nano_usd from dramatis.requests as before
         where before.conversation_id = request.conversation_id and before.digest = request.digest
           and before.occurrence = request.occurrence) as held
     )
     update dramatis.runs set held_nano_usd = held_nano_usd - coalesce((select sum(held) from freed), 0)::bigint
     where id = $1`,
    [runId, batchId],
  );
}

/** Gives up lines that no batch may take any more, so that their conversations find out why. */
export async function dropLines(tx: Sql, runId: string, customIds: readonly string[]): Promise<string[]> {
  const concerned = await lockConversations(tx, customIds);
  await tx.query(
    `with line as (
       delete from dramatis.batch_lines where run_id = $1 and batch_id is null and custom_id = any($2)
       returning conversation_id, digest, occurrence
     )
     update dramatis.requests set state = 'open' from line
     where requests.conversation_id = line.conversation_id and requests.digest = line.digest
       and requests.occurrence = line.occurrence`,
    [runId, customIds],
  );
  return await wake(tx, concerned);
}

/**
 * Part of a statement that ends conversations, whose `ended` has their id and status: what waits for a batch, and is in none, is
 * never sent, since nobody would read the answers. Nothing is held for it yet.
 */
export const DROP_UNSENT = `unsent as (
       delete from dramatis.batch_lines where conversation_id in (select id from ended) and batch_id is null
       returning conversation_id, digest, occurrence
     ), unparked as (
       update dramatis.requests as request set state = 'open' from unsent
       where request.conversation_id = unsent.conversation_id and request.digest = unsent.digest
         and request.occurrence = unsent.occurrence
         and request.conversation_id in (select id from ended where status <> 'completed')
     )`;

/** Whoever sets one of them aside at the same time does so before, or after the lines have gone: see `setAside`. */
async function lockConversations(tx: Sql, customIds: readonly string[]): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `select id from dramatis.conversations where id in (
       select conversation_id from dramatis.batch_lines where custom_id = any($1)) order by id for update`,
    [customIds],
  );
  return rows.map(({ id }) => id);
}

/** Those among some conversations that wait for nothing any more wait to be held again. */
async function wake(tx: Sql, conversationIds: readonly string[]): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `update dramatis.conversations set status = 'waiting' where id = any($1) and status = 'parked'
       and not exists (select from dramatis.batch_lines where conversation_id = conversations.id)
     returning id`,
    [conversationIds],
  );
  return rows.map(({ id }) => id);
}

/** Sets a conversation aside whose requests wait for a batch. False: they do no longer, and it waits to be held again. */
export async function setAside(tx: Sql, { conversationId, lease }: Holder): Promise<boolean> {
  // The lock first, and the look at the lines in a statement of its own: else lines that go meanwhile would be seen.
  const held = await tx.query("select from dramatis.conversations where id = $1 and lease = $2 for update", [
    conversationId,
    lease,
  ]);
  if (held.length === 0) throw leaseLost(conversationId);
  const [row] = await tx.query<{ status: string }>(
    `update dramatis.conversations set lease = null, worker = null, status = case
       when exists (select from dramatis.batch_lines where conversation_id = $1) then 'parked' else 'waiting' end
     where id = $1 returning status`,
    [conversationId],
  );
  return row?.status === "parked";
}

export interface WaitingLine {
  customId: string;
  model: string;
  bytes: number;
  tokens: number;
  boundNanoUsd: number | undefined;
}

/**
 * Requests of a run that wait for a batch, in the order of its conversations. Those of a conversation that is in hand are not
 * among them: it may end meanwhile, as at its cap, and nobody would read what was paid.
 */
export async function waitingLines(sql: Sql, runId: string): Promise<WaitingLine[]> {
  const rows = await sql.query<Omit<WaitingLine, "boundNanoUsd"> & { bound: number | null }>(
    `select custom_id as "customId", model, bytes, l.tokens, bound_nano_usd as bound
     from dramatis.batch_lines l join dramatis.conversations c on c.id = l.conversation_id
     where l.run_id = $1 and batch_id is null and c.status = 'parked' order by c.position, parked_at, custom_id`,
    [runId],
  );
  return rows.map(({ bound, ...line }) => ({ ...line, boundNanoUsd: bound ?? undefined }));
}

export interface BatchLine {
  customId: string;
  body: string;
}

const LINES_AT_ONCE = 500;

/** The lines of a batch as its file has them, always in the same order; a page of them is held at a time. */
export async function* linesOf(sql: Sql, batchId: string): AsyncGenerator<BatchLine[]> {
  for (let after = ""; ; ) {
    const page = await sql.query<BatchLine>(
      `select custom_id as "customId", body from dramatis.batch_lines
       where batch_id = $1 and custom_id > $2 order by custom_id limit ${LINES_AT_ONCE}`,
      [batchId, after],
    );
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.customId;
  }
}

/** Ids of requests that a batch has not brought anything for. */
export async function missingFrom(sql: Sql, batchId: string, limit: number): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(
    "select custom_id as id from dramatis.batch_lines where batch_id = $1 order by custom_id limit $2",
    [batchId, limit],
  );
  return rows.map(({ id }) => id);
}
