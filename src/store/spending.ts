/**
 * What was asked of a provider in some time, by all runs of a store: sums of the ledgers of conversations that completed, and
 * the kept requests of all others, whose ledgers may not hold everything yet. Kept requests are read first: a conversation that
 * completes meanwhile is then in both, and can be left out of the one; read last, it would be in neither.
 */
import { z } from "zod";
import { attemptSchema } from "../domain/attempt.ts";
import { TIERS } from "../domain/usage.ts";
import { answeredAtOf } from "./answered-at.ts";
import type { Sql } from "./sql.ts";

/** Times are milliseconds since 1970; both are wanted. */
export interface SpendingTime {
  since: number;
  /** Excluded. */
  until: number;
}

const bigCount = z.int().min(0);
const sumsSchema = z.object({
  run: z.string(),
  model: z.string(),
  tier: z.enum(TIERS),
  /** Between these it was answered; the same where that is known, to the hour or minute that was asked for. */
  earliest: z.date(),
  latest: z.date(),
  /** False: nothing but the most that each may have cost. */
  isCounted: z.boolean(),
  requests: bigCount,
  inputTokens: bigCount,
  cachedInputTokens: bigCount,
  outputTokens: bigCount,
  costNanoUsd: bigCount,
  /** Of the counted ones: without a price. */
  unpriced: bigCount,
  /** Of those that are not counted, one for each; null: no price. */
  bounds: z.array(bigCount.nullable()),
});
/** Entries of ledgers that have run, model, tier and time in common. */
export type SpentSums = z.output<typeof sumsSchema>;

/** An answer out of a cache, of this process or another time, asked nobody; what the offline server answers is on no bill. */
const ENTRIES = `
  with entries as (
    select c.run_id, e.model, e.tier, e.input_tokens is not null and e.output_tokens is not null as counted,
      date_trunc($3, coalesce(e.answered_at, c.started_at), 'UTC') as earliest,
      date_trunc($3, coalesce(e.answered_at, c.ended_at), 'UTC') as latest,
      e.input_tokens, e.cached_input_tokens, e.output_tokens, e.cost_nano_usd, e.cost_bound_nano_usd
    from dramatis.conversations c join dramatis.usage_entries e on e.conversation_id = c.id
    where c.status = 'completed' and not e.from_cache and not e.offline and not c.id = any($4)
  )
  select run_id as run, model, tier, earliest, latest, counted as "isCounted", count(*)::int as requests,
    coalesce(sum(input_tokens) filter (where counted), 0)::bigint as "inputTokens",
    coalesce(sum(cached_input_tokens) filter (where counted), 0)::bigint as "cachedInputTokens",
    coalesce(sum(output_tokens) filter (where counted), 0)::bigint as "outputTokens",
    coalesce(sum(cost_nano_usd) filter (where counted), 0)::bigint as "costNanoUsd",
    count(*) filter (where counted and cost_nano_usd is null)::int as unpriced,
    coalesce(json_agg(cost_bound_nano_usd) filter (where not counted), '[]') as bounds
  from entries where latest >= $1 and earliest < $2
  group by 1, 2, 3, 4, 5, 6 order by 4, 1, 2, 3`;

/** How the sums of a time are told. */
export interface SumsOptions {
  /** In which times are told. Default `hour`. */
  width?: "hour" | "minute" | undefined;
  /** Ids of conversations that are left out: their kept requests were read before. Default: none. */
  without?: readonly string[] | undefined;
}

export async function spentSums(
  sql: Sql,
  { since, until }: SpendingTime,
  { width = "hour", without = [] }: SumsOptions = {},
): Promise<SpentSums[]> {
  const rows = await sql.query(ENTRIES, [new Date(since), new Date(until), width, without]);
  return rows.map((row) => sumsSchema.parse(row));
}

const keptSchema = z.object({
  id: z.string(),
  run: z.string(),
  model: z.string(),
  state: z.string(),
  isOffline: z.boolean(),
  /** At which it was sent, else as the run asks for it. */
  tier: z.enum(TIERS),
  attempts: z.array(attemptSchema),
  isInBatch: z.boolean(),
  hasAnswer: z.boolean(),
  isFromCache: z.boolean(),
  failureMayBeBilled: z.boolean(),
  usage: z.unknown(),
  serviceTier: z.string().nullable(),
  answeredTier: z.enum(TIERS).nullable(),
  created: z.unknown(),
  bound: bigCount.nullable(),
  firstAt: z.date(),
  endedAt: z.date().nullable(),
});

/** A request of a conversation that did not complete, or has not yet. Times are milliseconds since 1970. */
export interface KeptSpending {
  conversation: string;
  run: string;
  model: string;
  /** At which it was asked, or answered. */
  tier: (typeof TIERS)[number];
  /** Undefined: there is none. */
  answer:
    | {
        /** As the provider tells it: `prompt_tokens`… */
        usage: unknown;
        serviceTier: string | undefined;
        at: number | undefined;
        /** The most it can have cost; undefined: no price. */
        boundNanoUsd: number | undefined;
      }
    | undefined;
  /** Of attempts that may have been billed, and of one that is on its way or not counted yet: the most each can have cost; undefined: no price. */
  lost: { tier: (typeof TIERS)[number]; boundNanoUsd: number | undefined }[];
  firstAt: number;
  /** Of its conversation; undefined: it is under way. */
  endedAt: number | undefined;
}

const KEPT = `
  select q.conversation_id as id, q.run_id as run, q.model, q.state, q.offline as "isOffline", coalesce(q.tier, r.definition #>> '{context,tier}',
      case when r.definition ->> 'transport' = 'batch' then 'batch' end, 'standard') as tier,
    q.attempts, l.custom_id is not null as "isInBatch", q.outcome #> '{completion}' is not null as "hasAnswer",
    q.outcome ->> 'fromCache' is not null as "isFromCache",
    coalesce((q.outcome #>> '{failure,mayBeBilled}')::boolean, false) as "failureMayBeBilled", q.outcome #> '{completion,usage}' as usage,
    q.outcome #>> '{completion,service_tier}' as "serviceTier", q.outcome ->> 'tier' as "answeredTier",
    q.outcome #> '{completion,created}' as created,
    case q.state when 'sent' then q.bound_nano_usd when 'parked' then l.bound_nano_usd when 'arrived' then q.held_nano_usd
      when 'answered' then nullif(q.cost_nano_usd, 0) end as bound,
    least(q.first_at, c.started_at) as "firstAt", c.ended_at as "endedAt"
  from dramatis.conversations c
  join dramatis.runs r on r.id = c.run_id
  join dramatis.requests q on q.conversation_id = c.id
  left join dramatis.batch_lines l on l.conversation_id = q.conversation_id and l.digest = q.digest
    and l.occurrence = q.occurrence and l.batch_id is not null
  where c.id = any($1) and (q.state <> 'parked' or l.batch_id is not null or json_array_length(q.attempts) > 0)`;

const CONVERSATIONS_AT_ONCE = 200;

type KeptRow = z.output<typeof keptSchema>;

const isOnItsWay = ({ state, isInBatch }: KeptRow) => state === "sent" || (state === "parked" && isInBatch);

/** A batch brought what cannot be used; it becomes an attempt when its conversation goes on. */
const isUnusable = ({ state, failureMayBeBilled }: KeptRow) => state === "arrived" && failureMayBeBilled;

/** Out of the cache, or by the offline server, it is on no bill. */
function answerOf(row: KeptRow): KeptSpending["answer"] {
  if (!row.hasAnswer || row.isFromCache || row.isOffline) return undefined;
  return {
    usage: row.usage,
    serviceTier: row.serviceTier ?? undefined,
    at: answeredAtOf(row.created)?.getTime(),
    boundNanoUsd: row.bound ?? undefined,
  };
}

function keptFrom(given: object): KeptSpending {
  const row = keptSchema.parse(given);
  const tier = row.answeredTier ?? row.tier;
  const lost = row.attempts
    .filter(({ mayBeBilled, offline }) => mayBeBilled && !offline)
    .map((attempt) => ({ tier: attempt.tier ?? tier, boundNanoUsd: attempt.costBoundNanoUsd }));
  const isOpen = !row.isOffline && (isOnItsWay(row) || isUnusable(row));
  return {
    conversation: row.id,
    run: row.run,
    model: row.model,
    tier,
    answer: answerOf(row),
    lost: isOpen ? [...lost, { tier, boundNanoUsd: row.bound ?? undefined }] : lost,
    firstAt: row.firstAt.getTime(),
    endedAt: row.endedAt?.getTime(),
  };
}

/** The kept requests of all conversations but those that completed, a page at a time; some may be of another time. */
export async function* keptSpending(sql: Sql): AsyncGenerator<KeptSpending[]> {
  for (let after = ""; ; ) {
    const page = await sql.query<{ id: string }>(
      `select id from dramatis.conversations where id > $1 and status <> 'completed' and started_at is not null
       order by id limit ${CONVERSATIONS_AT_ONCE}`,
      [after],
    );
    const ids = page.map(({ id }) => id);
    const last = ids.at(-1);
    if (last === undefined) return;
    const rows = await sql.query(KEPT, [ids]);
    if (rows.length > 0) yield rows.map(keptFrom);
    after = last;
  }
}

const gapSchema = z.object({
  conversation: z.string(),
  requests: z.int(),
  inputTokens: z.int(),
  cachedInputTokens: z.int(),
  outputTokens: z.int(),
  costNanoUsd: z.int(),
  /** Places in the ledger that have no entry, counted from 0. */
  positions: z.array(z.int()),
});
/** What a conversation counts and its ledger does not hold. */
export type LedgerGap = z.output<typeof gapSchema>;

const MOST_GAPS = 100;

/** Conversations of that time whose ledger does not hold as many requests as they made, some of them; a sound store has none. */
export async function ledgerGaps(sql: Sql, { since, until }: SpendingTime): Promise<LedgerGap[]> {
  const rows = await sql.query(
    `select c.id as conversation, c.requests - e.requests as requests,
       c.input_tokens - e.input_tokens as "inputTokens",
       c.cached_input_tokens - e.cached_input_tokens as "cachedInputTokens",
       c.output_tokens - e.output_tokens as "outputTokens",
       coalesce(c.cost_nano_usd, 0) - e.cost as "costNanoUsd", (
         select coalesce(json_agg(place), '[]') from generate_series(0, c.requests - 1) as place where not exists (
           select from dramatis.usage_entries u where u.conversation_id = c.id and u.position = place)) as positions
     from dramatis.conversations c, lateral (
       select count(*)::int as requests, coalesce(sum(input_tokens), 0)::bigint as input_tokens,
         coalesce(sum(cached_input_tokens), 0)::bigint as cached_input_tokens,
         coalesce(sum(output_tokens), 0)::bigint as output_tokens, coalesce(sum(cost_nano_usd), 0)::bigint as cost
       from dramatis.usage_entries u where u.conversation_id = c.id) as e
     where c.ended_at >= $1 and c.started_at < $2 and c.record is not null and c.requests <> e.requests
     order by c.id limit ${MOST_GAPS}`,
    [new Date(since), new Date(until)],
  );
  return rows.map((row) => gapSchema.parse(row));
}
