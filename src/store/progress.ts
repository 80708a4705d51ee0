/** How far runs are and what they cost: sums over conversations, those under way by what they have asked up to now. */
import type { EndingRecord } from "../domain/record.ts";
import type { ConversationStatus } from "./conversations.ts";
import type { Sql } from "./sql.ts";

export interface Figures {
  turns: number;
  requests: number;
  /** Undefined while a conversation that has no record yet has asked something: its tokens are known at its end. */
  inputTokens: number | undefined;
  cachedInputTokens: number | undefined;
  outputTokens: number | undefined;
  /** Known costs. While a conversation is under way, an answer whose cost is unknown counts here, at the most it can be. */
  costNanoUsd: number;
  /** Requests whose cost is unknown. */
  unpricedRequests: number;
  /** The most those can have cost. */
  unpricedBoundNanoUsd: number;
}

/** How far a run is: sums over its conversations. */
export interface Progress extends Figures {
  /** Turns of conversations that have ended. */
  endedTurns: number;
  /** Conversations by status. */
  byStatus: Partial<Record<ConversationStatus, number>>;
  /** Failed conversations by what failed last in them. */
  failures: Record<string, number>;
  /** When the first conversation was begun, and when the last one ended; undefined: none. */
  startedAt: Date | undefined;
  endedAt: Date | undefined;
}

/** How one conversation is, or ended. */
export interface ConversationProgress extends Figures {
  id: string;
  runId: string;
  position: number;
  status: ConversationStatus;
  /** Of the experiment it belongs to. */
  arm: string | undefined;
  settings: object;
  /** Who holds it, or did at last. */
  worker: string | undefined;
  ending: EndingRecord | undefined;
  /** Of a failed conversation: what failed last. */
  failure: string | undefined;
}

/**
 * Of every conversation of the runs `$1`: a record's figures, or those of what it has asked where there is none yet; of its
 * tokens only the stored answers tell, which are too long to be read twice a second.
 */
const EACH = `
  select c.id, c.run_id, c.position, c.status, c.arm, c.settings, c.worker, c.ending, c.started_at, c.ended_at,
    case when c.status = 'failed' then coalesce((
      select kind from dramatis.failures f where f.conversation_id = c.id order by f.position desc limit 1
    ), c.ending ->> 'kind') end as failure,
    case when c.record is null then coalesce(live.turns, 0) else c.turns end as turns,
    case when c.record is null then coalesce(live.requests, 0) else c.requests end as requests,
    case when c.record is null and live.requests > 0 then null else c.input_tokens end as input_tokens,
    case when c.record is null and live.requests > 0 then null else c.cached_input_tokens end as cached_input_tokens,
    case when c.record is null and live.requests > 0 then null else c.output_tokens end as output_tokens,
    coalesce(case when c.record is null then live.cost else c.cost_nano_usd end, 0) as cost,
    case when c.record is null then coalesce(live.unpriced, 0) else c.unpriced_requests end as unpriced,
    case when c.record is null then coalesce(live.bound, 0) else c.unpriced_bound_nano_usd end as bound
  from dramatis.conversations c left join lateral (
    select max(r.turn) filter (where r.purpose = 'turn' and r.state = 'answered') as turns,
      (count(*) filter (where r.state = 'answered') + sum(lost.count))::int as requests,
      sum(r.cost_nano_usd)::bigint as cost, sum(lost.count)::int as unpriced, sum(lost.bound)::bigint as bound
    from dramatis.requests r cross join lateral (
      select count(*) as count, coalesce(sum((attempt ->> 'costBoundNanoUsd')::bigint), 0) as bound
      from json_array_elements(r.attempts) as attempt where (attempt ->> 'mayBeBilled')::boolean
    ) as lost
    where r.conversation_id = c.id
  ) as live on c.record is null and c.started_at is not null
  where c.run_id = any($1)`;

interface FiguresRow {
  turns: number;
  requests: number;
  input_tokens: number | null;
  cached_input_tokens: number | null;
  output_tokens: number | null;
  cost: number;
  unpriced: number;
  bound: number;
}

const figuresOf = (row: FiguresRow): Figures => ({
  turns: row.turns,
  requests: row.requests,
  inputTokens: row.input_tokens ?? undefined,
  cachedInputTokens: row.cached_input_tokens ?? undefined,
  outputTokens: row.output_tokens ?? undefined,
  costNanoUsd: row.cost,
  unpricedRequests: row.unpriced,
  unpricedBoundNanoUsd: row.bound,
});

const noProgress = (): Progress => ({
  byStatus: {},
  failures: {},
  endedTurns: 0,
  startedAt: undefined,
  endedAt: undefined,
  turns: 0,
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  costNanoUsd: 0,
  unpricedRequests: 0,
  unpricedBoundNanoUsd: 0,
});

const TOKENS = ["inputTokens", "cachedInputTokens", "outputTokens"] as const;
const FIGURES = [
  "turns",
  "requests",
  "costNanoUsd",
  "unpricedRequests",
  "unpricedBoundNanoUsd",
] as const satisfies readonly Exclude<keyof Figures, (typeof TOKENS)[number]>[];

interface SumsRow extends FiguresRow {
  run_id: string;
  status: ConversationStatus;
  failure: string | null;
  count: number;
  started_at: Date | null;
  ended_at: Date | null;
}

/** Null where one of them is unknown. */
const knownSum = (column: string) =>
  `case when count(${column}) = count(*) then sum(${column})::bigint end as ${column}`;

const plus = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? undefined : a + b;

/** How far each of the runs is. */
export async function progressOfEach(sql: Sql, runIds: readonly string[]): Promise<Map<string, Progress>> {
  const rows = await sql.query<SumsRow>(
    `select run_id, status, failure, count(*)::int as count, min(started_at) as started_at, max(ended_at) as ended_at,
       sum(turns)::bigint as turns, sum(requests)::bigint as requests, ${knownSum("input_tokens")},
       ${knownSum("cached_input_tokens")}, ${knownSum("output_tokens")},
       sum(cost)::bigint as cost, sum(unpriced)::bigint as unpriced, sum(bound)::bigint as bound
     from (${EACH}) as each group by 1, 2, 3`,
    [runIds],
  );
  const byRun = new Map(runIds.map((id) => [id, noProgress()]));
  for (const row of rows) {
    const progress = byRun.get(row.run_id);
    if (progress === undefined) continue;
    const { status, failure, count } = row;
    progress.byStatus[status] = (progress.byStatus[status] ?? 0) + count;
    if (failure !== null) progress.failures[failure] = (progress.failures[failure] ?? 0) + count;
    progress.startedAt = earlier(progress.startedAt, row.started_at);
    progress.endedAt = later(progress.endedAt, row.ended_at);
    const figures = figuresOf(row);
    if (!isOpen(status)) progress.endedTurns += figures.turns;
    for (const figure of FIGURES) progress[figure] += figures[figure];
    for (const tokens of TOKENS) progress[tokens] = plus(progress[tokens], figures[tokens]);
  }
  return byRun;
}

const earlier = (a: Date | undefined, b: Date | null) => (b !== null && (a === undefined || b < a) ? b : a);
const later = (a: Date | undefined, b: Date | null) => (b !== null && (a === undefined || b > a) ? b : a);

/** How far a run is; of one that is not there, nothing. */
export const progressOf = async (sql: Sql, runId: string): Promise<Progress> =>
  (await progressOfEach(sql, [runId])).get(runId) ?? noProgress();

const OPEN = ["waiting", "running", "parked"] as const satisfies readonly ConversationStatus[];
const isOpen = (status: ConversationStatus): boolean => OPEN.some((open) => open === status);

/** Conversations that have not ended. */
export const openCount = ({ byStatus }: Progress): number =>
  OPEN.reduce((sum, status) => sum + (byStatus[status] ?? 0), 0);

/** Whether a run has conversations that have not ended; cheaper than its progress. */
export async function hasOpen(sql: Sql, runId: string): Promise<boolean> {
  const [row] = await sql.query<{ found: boolean }>(
    "select exists (select from dramatis.conversations where run_id = $1 and status = any($2)) as found",
    [runId, OPEN],
  );
  return row?.found === true;
}

interface EachRow extends FiguresRow {
  id: string;
  run_id: string;
  position: number;
  status: ConversationStatus;
  arm: string | null;
  settings: object;
  worker: string | null;
  ending: EndingRecord | null;
  failure: string | null;
}

const rowOf = (row: EachRow): ConversationProgress => ({
  ...figuresOf(row),
  id: row.id,
  runId: row.run_id,
  position: row.position,
  status: row.status,
  arm: row.arm ?? undefined,
  settings: row.settings,
  worker: row.worker ?? undefined,
  ending: row.ending ?? undefined,
  failure: row.failure ?? undefined,
});

/** Conversations of a run, in their order. */
export async function conversationsOf(
  sql: Sql,
  runId: string,
  { limit, status }: { limit: number; status?: ConversationStatus | undefined },
): Promise<ConversationProgress[]> {
  const rows = await sql.query<EachRow>(
    `${EACH} and ($3::text is null or c.status = $3) order by c.position limit $2`,
    [[runId], limit, status ?? null],
  );
  return rows.map(rowOf);
}

/** A conversation of that id; undefined: there is none. */
export async function conversationOf(sql: Sql, id: string): Promise<ConversationProgress | undefined> {
  const [owner] = await sql.query<{ run_id: string }>(
    "select run_id from dramatis.conversations where id = $1",
    [id],
  );
  if (owner === undefined) return undefined;
  const [row] = await sql.query<EachRow>(`${EACH} and c.id = $2`, [[owner.run_id], id]);
  return row && rowOf(row);
}

/** Who holds conversations of a run, and how many each; as of the store, which learns of a lost worker with a delay. */
export async function workersOf(
  sql: Sql,
  runId: string,
): Promise<{ worker: string; conversations: number }[]> {
  return await sql.query(
    `select coalesce(worker, 'unknown') as worker, count(*)::int as conversations from dramatis.conversations
     where run_id = $1 and status = 'running' group by 1 order by 1`,
    [runId],
  );
}

/** Runs beside this one of which conversations wait, by their ids, and how many of each. */
export function othersWaiting(sql: Sql, runId: string): Promise<{ id: string; waiting: number }[]> {
  return sql.query(
    `select run_id as id, count(*)::int as waiting from dramatis.conversations
     where status = 'waiting' and run_id <> $1 group by 1 order by 1`,
    [runId],
  );
}

/** Whether a conversation of the run has ended whose answers came by another transport. */
export async function wasAnsweredOtherwise(
  sql: Sql,
  { runId, transport }: { runId: string; transport: string },
): Promise<boolean> {
  const rows = await sql.query(
    `select from dramatis.conversations
     where run_id = $1 and record is not null and record ->> 'transport' <> $2 limit 1`,
    [runId, transport],
  );
  return rows.length > 0;
}
