/**
 * The requests of a conversation, kept so that no stored answer is paid twice: each is held against the run's cap, marked
 * before it is sent, and closed with its outcome. Every statement may be repeated, and none is carried out for a lease that was lost.
 */
import type { Attempt } from "../domain/attempt.ts";
import { defined } from "../domain/defined.ts";
import type { Purpose, Tier } from "../domain/usage.ts";
import { leaseLost } from "./faults.ts";
import type { Sql } from "./sql.ts";

/** Which request of a conversation: the digest of its body, and how many like it came before. */
export interface RequestKey {
  digest: string;
  /** Counted from 0. */
  occurrence: number;
}

/** A request, with what it is for. */
export interface RequestId extends RequestKey {
  purpose: Purpose;
  turn: number | undefined;
  persona: string | undefined;
  model: string;
}

export const REQUEST_STATES = ["held", "sent", "open", "parked", "arrived", "answered", "failed"] as const;

export interface KeptRequest extends RequestId {
  /**
   * held: money is set aside; sent: on its way; open: neither, an attempt was lost or failed; parked: it waits for a batch,
   * or is in one; arrived: a batch brought what it came to, which is to be counted; else closed.
   */
  state: (typeof REQUEST_STATES)[number];
  /** Of all attempts up to now: the most the ones that are lost can have cost is in each. */
  attempts: unknown[];
  /** What it was closed with, as it was given. */
  outcome: unknown;
  /** The most the attempt that is on its way can cost; undefined: its model has no price. */
  boundNanoUsd: number | undefined;
  /** Of the run's money; undefined: nothing is. */
  heldNanoUsd: number | undefined;
  /** At which it was sent last; undefined: it was not yet, or before stores kept it. */
  tier: Tier | undefined;
  /** Whether the offline server was asked last, or answered. */
  isOffline: boolean;
}

/** How a request is sent, or was answered. */
interface Sender {
  /** Default: unknown. */
  tier?: Tier | undefined;
  /** Default false. */
  isOffline?: boolean | undefined;
}

/** Who writes: a run's conversation, under the lease of its worker. */
export interface Holder {
  runId: string;
  conversationId: string;
  lease: string;
}

export interface Funds {
  spentNanoUsd: number;
  heldNanoUsd: number;
  capNanoUsd: number | undefined;
}

export interface HoldResult extends Funds {
  isGranted: boolean;
}

interface Row {
  digest: string;
  occurrence: number;
  purpose: Purpose;
  turn: number | null;
  persona: string | null;
  model: string;
  state: KeptRequest["state"];
  attempts: unknown[];
  outcome: unknown;
  bound_nano_usd: number | null;
  held_nano_usd: number | null;
  tier: Tier | null;
  offline: boolean;
}

const keptOf = (row: Row): KeptRequest => ({
  digest: row.digest,
  occurrence: row.occurrence,
  purpose: row.purpose,
  turn: row.turn ?? undefined,
  persona: row.persona ?? undefined,
  model: row.model,
  state: row.state,
  attempts: row.attempts,
  outcome: row.outcome ?? undefined,
  boundNanoUsd: row.bound_nano_usd ?? undefined,
  heldNanoUsd: row.held_nano_usd ?? undefined,
  tier: row.tier ?? undefined,
  isOffline: row.offline,
});

/** All requests of a conversation, in the order in which they were first made. */
export async function requestsOf(sql: Sql, conversationId: string): Promise<KeptRequest[]> {
  const rows = await sql.query<Row>(
    {
      name: "dramatis-requests-of",
      text: `select digest, occurrence, purpose, turn, persona, model, state, attempts, outcome, bound_nano_usd,
       held_nano_usd, tier, offline
     from dramatis.requests where conversation_id = $1 order by first_at, occurrence`,
    },
    [conversationId],
  );
  return rows.map(keptOf);
}

/** What a run may still spend. */
export async function fundsOf(sql: Sql, runId: string): Promise<Funds> {
  const [row] = await sql.query<{ spent: number; held: number; cap: number | null }>(
    {
      name: "dramatis-funds-of",
      text: "select spent_nano_usd spent, held_nano_usd held, max_cost_nano_usd cap from dramatis.runs where id = $1",
    },
    [runId],
  );
  return { spentNanoUsd: row?.spent ?? 0, heldNanoUsd: row?.held ?? 0, capNanoUsd: row?.cap ?? undefined };
}

/** Sets an amount aside for a request that is to be sent; not granted where the cap could be passed. */
export async function hold(
  sql: Sql,
  holder: Holder,
  { digest, occurrence, purpose, turn, persona, model, amountNanoUsd }: RequestId & { amountNanoUsd: number },
): Promise<HoldResult> {
  const { runId, conversationId, lease } = holder;
  const [row] = await sql.query<{
    fence: boolean;
    granted: boolean;
    spent: number;
    held: number;
    cap: number | null;
  }>(
    {
      name: "dramatis-hold",
      text: `with fence as (
       select id from dramatis.conversations where id = $2 and lease = $3 for share
     ), before as (
       select coalesce(held_nano_usd, 0) as held from dramatis.requests
       where conversation_id = $2 and digest = $4 and occurrence = $5
     ), granted as (
       update dramatis.runs
       set held_nano_usd = held_nano_usd - coalesce((select held from before), 0) + $10
       where id = $1 and exists (select from fence)
         and (max_cost_nano_usd is null
           or spent_nano_usd + held_nano_usd - coalesce((select held from before), 0) + $10 <= max_cost_nano_usd)
       returning spent_nano_usd, held_nano_usd, max_cost_nano_usd
     ), made as (
       insert into dramatis.requests
         (conversation_id, digest, occurrence, run_id, purpose, turn, persona, model, state, held_nano_usd)
       select $2, $4, $5, $1, $6, $7, $8, $9, 'held', $10 from granted
       on conflict (conversation_id, digest, occurrence) do update set state = 'held', held_nano_usd = excluded.held_nano_usd
     )
     select exists (select from fence) as fence, exists (select from granted) as granted,
       spent_nano_usd as spent, held_nano_usd as held, max_cost_nano_usd as cap
     from dramatis.runs where id = $1`,
    },
    [runId, conversationId, lease, digest, occurrence, purpose, turn, persona, model, amountNanoUsd],
  );
  if (row === undefined || !row.fence) throw leaseLost(conversationId);
  return {
    isGranted: row.granted,
    spentNanoUsd: row.spent,
    heldNanoUsd: row.held,
    capNanoUsd: row.cap ?? undefined,
  };
}

/** Marks a request as on its way, with the attempts that came to nothing before. Written before it is sent. */
export async function markSent(
  sql: Sql,
  holder: Holder,
  request: RequestId & Sender & { attempts: readonly unknown[]; boundNanoUsd: number | undefined },
): Promise<void> {
  const { runId, conversationId, lease } = holder;
  const { digest, occurrence, purpose, turn, persona, model, attempts, boundNanoUsd } = request;
  const { tier = null, isOffline = false } = request;
  const rows = await sql.query(
    {
      name: "dramatis-mark-sent",
      text: `insert into dramatis.requests
       (conversation_id, digest, occurrence, run_id, purpose, turn, persona, model, state, attempts, bound_nano_usd, tier,
        offline)
     select id, $4, $5, $1, $6, $7, $8, $9, 'sent', $10, $11, $12, $13
     from dramatis.conversations where id = $2 and lease = $3 for share
     on conflict (conversation_id, digest, occurrence) do update
       set state = 'sent', attempts = excluded.attempts, bound_nano_usd = excluded.bound_nano_usd,
         tier = excluded.tier, offline = excluded.offline
     returning 1`,
    },
    [
      runId,
      conversationId,
      lease,
      digest,
      occurrence,
      purpose,
      turn,
      persona,
      model,
      JSON.stringify(attempts),
      boundNanoUsd,
      tier,
      isOffline,
    ],
  );
  if (rows.length === 0) throw leaseLost(conversationId);
}

export interface Closing extends RequestId, Sender {
  /** open: an attempt came to nothing, and it may be made again. */
  state: "open" | "answered" | "failed";
  attempts: readonly unknown[];
  outcome: unknown;
  /** What takes the place of what was held: the cost, or the most it can have been. */
  spentNanoUsd: number;
}

/** Closes a request or an attempt of it: what was held for it is given back, what it cost is counted. */
export async function settle(sql: Sql, holder: Holder, closing: Closing): Promise<void> {
  const { runId, conversationId, lease } = holder;
  const { digest, occurrence, purpose, turn, persona, model, state, attempts, outcome, spentNanoUsd } =
    closing;
  const { tier = null, isOffline = false } = closing;
  const [row] = await sql.query<{ fence: boolean }>(
    {
      name: "dramatis-settle",
      text: `with fence as (
       select id from dramatis.conversations where id = $2 and lease = $3 for share
     ), before as (
       select held_nano_usd from dramatis.requests
       where conversation_id = $2 and digest = $4 and occurrence = $5 and exists (select from fence)
     ), closed as (
       insert into dramatis.requests
         (conversation_id, digest, occurrence, run_id, purpose, turn, persona, model, state, attempts, outcome, cost_nano_usd,
          tier, offline)
       select id, $4, $5, $1, $6, $7, $8, $9, $10, $11, $12, case when $10 = 'answered' then $13::bigint end, $14, $15
       from fence
       on conflict (conversation_id, digest, occurrence) do update set
         state = excluded.state, attempts = excluded.attempts, outcome = excluded.outcome,
         cost_nano_usd = excluded.cost_nano_usd, held_nano_usd = null, bound_nano_usd = null,
         tier = coalesce(excluded.tier, requests.tier), offline = excluded.offline
     ), counted as (
       update dramatis.runs
       set held_nano_usd = runs.held_nano_usd - before.held_nano_usd, spent_nano_usd = spent_nano_usd + $13
       from before where runs.id = $1 and before.held_nano_usd is not null
     )
     select exists (select from fence) as fence`,
    },
    [
      runId,
      conversationId,
      lease,
      digest,
      occurrence,
      purpose,
      turn,
      persona,
      model,
      state,
      JSON.stringify(attempts),
      outcome === undefined ? null : JSON.stringify(outcome),
      spentNanoUsd,
      tier,
      isOffline,
    ],
  );
  if (!row?.fence) throw leaseLost(conversationId);
}

/** An attempt whose process ended before its answer was stored: sent, and nobody knows whether it was paid. */
const lostAttempt = ({
  turn,
  persona,
  purpose,
  model,
  tier,
  isOffline,
  attempts,
  boundNanoUsd,
}: KeptRequest): Attempt =>
  defined({
    turn,
    persona,
    purpose,
    model,
    tier,
    offline: isOffline ? (true as const) : undefined,
    attempt: attempts.length + 1,
    problem: "lost" as const,
    costBoundNanoUsd: boundNanoUsd,
    mayBeBilled: true,
  });

/** Who may open a request: the lease of its conversation; undefined: it has none. */
interface Opener {
  runId: string;
  conversationId: string;
  lease: string | undefined;
}

/**
 * Money held for what was not sent is given back; what was sent and not answered counts as lost, at the most it can have cost.
 * @throws DramatisError `lease-lost` when the conversation is another worker's by now
 */
async function reopenRequest(
  sql: Sql,
  { runId, conversationId, lease }: Opener,
  request: KeptRequest,
): Promise<KeptRequest> {
  const { digest, occurrence, state, boundNanoUsd } = request;
  const attempts = state === "sent" ? [...request.attempts, lostAttempt(request)] : request.attempts;
  const [row] = await sql.query<{ fence: boolean }>(
    `with fence as (
       select id from dramatis.conversations where id = $2 and lease is not distinct from $3 for share
     ), before as (
       select held_nano_usd from dramatis.requests
       where conversation_id = $2 and digest = $4 and occurrence = $5 and state in ('held', 'sent') and exists (select from fence)
     ), opened as (
       update dramatis.requests set state = 'open', attempts = $6, held_nano_usd = null, bound_nano_usd = null
       where conversation_id = $2 and digest = $4 and occurrence = $5 and state in ('held', 'sent') and exists (select from fence)
     ), counted as (
       update dramatis.runs
       set held_nano_usd = runs.held_nano_usd - before.held_nano_usd, spent_nano_usd = spent_nano_usd + $7
       from before where runs.id = $1 and before.held_nano_usd is not null
     )
     select exists (select from fence) as fence`,
    [
      runId,
      conversationId,
      lease ?? null,
      digest,
      occurrence,
      JSON.stringify(attempts),
      state === "sent" ? (boundNanoUsd ?? 0) : 0,
    ],
  );
  if (!row?.fence) throw leaseLost(conversationId);
  return { ...request, state: "open", attempts, heldNanoUsd: undefined, boundNanoUsd: undefined };
}

const isUnderWay = ({ state }: KeptRequest) => state === "held" || state === "sent";

/**
 * What a worker that went away left behind, made good under the new lease: money held for what was not sent is given back, what
 * was sent and not answered counts as lost, at the most it can have cost.
 * @returns all requests of the conversation
 * @throws DramatisError `lease-lost` when it is another worker's by now
 */
export async function takeOver(sql: Sql, holder: Opener): Promise<KeptRequest[]> {
  const requests: KeptRequest[] = [];
  for (const request of await requestsOf(sql, holder.conversationId))
    requests.push(isUnderWay(request) ? await reopenRequest(sql, holder, request) : request);
  return requests;
}

/** The same for conversations that were ended by somebody else than their worker, and are nobody's any more. */
export async function abandonRequests(
  tx: Sql,
  runId: string,
  conversationIds: readonly string[],
): Promise<void> {
  const concerned = await tx.query<{ id: string }>(
    `select distinct conversation_id as id from dramatis.requests
     where conversation_id = any($1) and state in ('held', 'sent') order by 1`,
    [conversationIds],
  );
  for (const { id: conversationId } of concerned)
    await takeOver(tx, { runId, conversationId, lease: undefined });
}
