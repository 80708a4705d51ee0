/** Runs: what is simulated, how often, and how far it is. */
import { DramatisError } from "../domain/errors.ts";
import { formatUsd } from "../domain/money.ts";
import { nearNames } from "../domain/near-names.ts";
import type { ConversationStatus } from "./conversations.ts";
import { abandonRequests } from "./requests.ts";
import type { Sql } from "./sql.ts";

/** One conversation of a run, as it is planned. */
export interface PlannedConversation {
  id: string;
  /** Counted from 0. */
  position: number;
  /** Of an experiment: the combination of factors it belongs to. */
  arm?: string | undefined;
  /** What differs from the run's definition: at least the seed. */
  settings: object;
}

export interface NewRun {
  id: string;
  scenario: string;
  /** Everything its conversations have in common, so that a worker elsewhere needs no file. */
  definition: object;
  maxCostNanoUsd: number | undefined;
  conversations: readonly PlannedConversation[];
}

export interface StoredRun {
  id: string;
  scenario: string;
  definition: object;
  conversations: number;
  maxCostNanoUsd: number | undefined;
  isCancelled: boolean;
  createdAt: Date;
}

/** Of a conversation: what a batch brought is kept with the money that is held for it, until whoever goes on has counted it. */
export const IN_BATCHES = `exists (
  select from dramatis.requests where conversation_id = conversations.id and state in ('parked', 'arrived'))`;

/** How many rows one statement inserts: a large one blocks the embedded engine, and the process with it. */
const ROWS_AT_ONCE = 500;

interface Row {
  id: string;
  scenario: string;
  definition: object;
  conversations: number;
  max_cost_nano_usd: number | null;
  is_cancelled: boolean;
  created_at: Date;
}

const COLUMNS = "id, scenario, definition, conversations, max_cost_nano_usd, is_cancelled, created_at";

const runFrom = (row: Row): StoredRun => ({
  id: row.id,
  scenario: row.scenario,
  definition: row.definition,
  conversations: row.conversations,
  maxCostNanoUsd: row.max_cost_nano_usd ?? undefined,
  isCancelled: row.is_cancelled,
  createdAt: row.created_at,
});

/**
 * Makes a run with its conversations, all or nothing. A run of that id that is there already is left as it is.
 * @returns false when it was there already
 */
export function createRun(sql: Sql, run: NewRun): Promise<boolean> {
  return sql.transaction(async (tx) => {
    const made = await tx.query(
      `insert into dramatis.runs (id, scenario, definition, conversations, max_cost_nano_usd)
       values ($1, $2, $3, $4, $5) on conflict (id) do nothing returning id`,
      [run.id, run.scenario, JSON.stringify(run.definition), run.conversations.length, run.maxCostNanoUsd],
    );
    if (made.length === 0) return false;
    for (let from = 0; from < run.conversations.length; from += ROWS_AT_ONCE) {
      await tx.query(
        `insert into dramatis.conversations (id, run_id, position, arm, settings)
         select id, $1, position, arm, settings
         from json_to_recordset($2) as planned (id text, position integer, arm text, settings json)`,
        [run.id, JSON.stringify(run.conversations.slice(from, from + ROWS_AT_ONCE))],
      );
    }
    return true;
  });
}

/** How many ids a name is compared with, to find one that was meant. */
const NAMES_COMPARED = 2000;

/** @throws DramatisError `unknown-name` when there is no such run, with near names. */
export async function runOf(sql: Sql, id: string): Promise<StoredRun> {
  const [row] = await sql.query<Row>(`select ${COLUMNS} from dramatis.runs where id = $1`, [id]);
  if (row !== undefined) return runFrom(row);
  const known = await sql.query<{ id: string }>(
    "select id from dramatis.runs order by created_at desc limit $1",
    [NAMES_COMPARED],
  );
  const near = nearNames(
    id,
    known.map((one) => one.id),
  );
  const problem = `There is no run ${JSON.stringify(id)} in this store.`;
  throw near.length > 0
    ? new DramatisError("unknown-name", `${problem} Did you mean ${near.join(" or ")}?`)
    : new DramatisError("unknown-name", `${problem} List them:`, { command: "runs" });
}

/** How the requests of a run travel, where its definition says so, else `network`; undefined: there is no such run. */
export async function transportOf(sql: Sql, id: string): Promise<string | undefined> {
  const [row] = await sql.query<{ transport: string }>(
    "select coalesce(definition ->> 'transport', 'network') as transport from dramatis.runs where id = $1",
    [id],
  );
  return row?.transport;
}

/** The seed of a run's first conversation; undefined: there is no such run. */
export async function firstSeed(sql: Sql, runId: string): Promise<number | undefined> {
  const [first] = await sql.query<{ settings: { seed: number } }>(
    "select settings from dramatis.conversations where run_id = $1 order by position limit 1",
    [runId],
  );
  return first?.settings.seed;
}

/** Newest first. */
export async function listRuns(sql: Sql, limit = 100): Promise<StoredRun[]> {
  const rows = await sql.query<Row>(
    `select ${COLUMNS} from dramatis.runs order by created_at desc, id limit $1`,
    [limit],
  );
  return rows.map(runFrom);
}

const MOST_BUDGETS = 100;

/** What unfinished runs with a cap may still spend, the newest first. */
export function budgetsLeft(sql: Sql): Promise<{ run: string; leftNanoUsd: number }[]> {
  return sql.query(
    `select id as run, greatest(0, max_cost_nano_usd - spent_nano_usd - held_nano_usd) as "leftNanoUsd"
     from dramatis.runs where max_cost_nano_usd is not null and exists (
       select from dramatis.conversations where run_id = runs.id and status in ('waiting', 'running', 'parked'))
     order by created_at desc limit $1`,
    [MOST_BUDGETS],
  );
}

/**
 * Nothing more of the run is begun; what is under way ends after its turn, on whichever worker it is. What waits for a batch,
 * or has answers of one that are not counted yet, ends once they are.
 * @param unqueued conversations that stood in the queue and do no more: nobody has them, whatever they say
 */
export async function cancelRun(tx: Sql, id: string, unqueued: readonly string[]): Promise<void> {
  await tx.query("update dramatis.runs set is_cancelled = true where id = $1", [id]);
  const rows = await tx.query<{ id: string }>(
    `update dramatis.conversations set status = 'cancelled', lease = null, ended_at = clock_timestamp()
     where run_id = $1 and (status = 'waiting' or status = 'running' and id = any($2)) and not ${IN_BATCHES}
     returning id`,
    [id, unqueued],
  );
  await abandonRequests(
    tx,
    id,
    rows.map((row) => row.id),
  );
}

/** Deletes a run with everything of it. */
export async function deleteRun(tx: Sql, id: string): Promise<void> {
  await tx.query("delete from dramatis.runs where id = $1", [id]);
}

/** Takes back that a run was cancelled. */
export async function uncancelRun(tx: Sql, id: string): Promise<void> {
  await tx.query("update dramatis.runs set is_cancelled = false where id = $1", [id]);
}

/**
 * Gives a run with a cap another one.
 * @throws DramatisError `invalid-argument` when it has none, or that much is spent or held already
 */
export async function setCap(tx: Sql, id: string, maxCostNanoUsd: number): Promise<void> {
  const [row] = await tx.query<{ spent: number; cap: number | null }>(
    `update dramatis.runs set max_cost_nano_usd =
       case when max_cost_nano_usd is not null and spent_nano_usd + held_nano_usd < $2 then $2 else max_cost_nano_usd end
     where id = $1 returning spent_nano_usd + held_nano_usd as spent, max_cost_nano_usd as cap`,
    [id, maxCostNanoUsd],
  );
  if (row?.cap === maxCostNanoUsd) return;
  const problem =
    row?.cap == null
      ? `The run ${id} has no cap of its own to raise: where its conversations ended at a budget, it is the scenario's.`
      : `The run ${id} has spent ${formatUsd(row.spent)} already: expected a cap above that, got ${formatUsd(maxCostNanoUsd)}.`;
  throw new DramatisError("invalid-argument", problem);
}

/**
 * Makes conversations that ended wait again, under statuses that can go on. What they asked is kept and answered from the
 * store; their results are written anew when they end.
 */
export async function reopen(
  tx: Sql,
  runId: string,
  statuses: readonly ConversationStatus[],
): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `update dramatis.conversations set status = 'waiting', lease = null, worker = null, ending = null, record = null,
       turns = 0, requests = 0, input_tokens = 0, cached_input_tokens = 0, output_tokens = 0, cost_nano_usd = null,
       unpriced_requests = 0, unpriced_bound_nano_usd = 0, ended_at = null
     where run_id = $1 and status = any($2) returning id`,
    [runId, statuses],
  );
  const ids = rows.map(({ id }) => id);
  for (const table of ["turns", "usage_entries", "failures"])
    await tx.query(`delete from dramatis.${table} where conversation_id = any($1)`, [ids]);
  return ids;
}

/**
 * Forgets what the failed conversations of a run failed with, so that it is asked again. Of the failed requests only those
 * after the last answered turn: what came before, the answers that were paid are about. Not so of a cancelled batch: none is
 * about what was in it, since a conversation ends where that is missing. What may have been billed stays.
 */
export async function forgetFailures(tx: Sql, runId: string): Promise<void> {
  await tx.query(
    `update dramatis.requests set state = 'open', outcome = null, attempts = (
       select coalesce(json_agg(attempt), '[]') from json_array_elements(attempts) as attempt
       where (attempt ->> 'mayBeBilled')::boolean)
     where state = 'failed'
       and conversation_id in (select id from dramatis.conversations where run_id = $1 and status = 'failed')
       and (turn is null or outcome #>> '{failure,code}' = 'batch-cancelled' or turn >= (
         select coalesce(max(turn), 0) from dramatis.requests as answered
         where answered.conversation_id = requests.conversation_id and state = 'answered' and purpose = 'turn'))`,
    [runId],
  );
}
