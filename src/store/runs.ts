/** Runs: what is simulated, how often, and how far it is. */
import { DramatisError } from "../domain/errors.ts";
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

/** @throws DramatisError `unknown-name` when there is no such run. */
export async function runOf(sql: Sql, id: string): Promise<StoredRun> {
  const [row] = await sql.query<Row>(`select ${COLUMNS} from dramatis.runs where id = $1`, [id]);
  if (row !== undefined) return runFrom(row);
  throw new DramatisError(
    "unknown-name",
    `There is no run ${JSON.stringify(id)} in this store. List them: dramatis runs`,
  );
}

/** Newest first. */
export async function listRuns(sql: Sql, limit = 100): Promise<StoredRun[]> {
  const rows = await sql.query<Row>(
    `select ${COLUMNS} from dramatis.runs order by created_at desc, id limit $1`,
    [limit],
  );
  return rows.map(runFrom);
}

export interface Progress {
  /** Conversations by status. */
  byStatus: Record<string, number>;
  turns: number;
  requests: number;
  costNanoUsd: number;
  /** The most that requests without a known cost can have cost. */
  unpricedBoundNanoUsd: number;
  /** Failed conversations by the kind of their ending. */
  failures: Record<string, number>;
}

/** Sums over a run's conversations; what is under way counts once it has ended. */
export async function progressOf(sql: Sql, runId: string): Promise<Progress> {
  const rows = await sql.query<{
    status: string;
    kind: string | null;
    count: number;
    turns: number;
    requests: number;
    cost: number;
    bound: number;
  }>(
    `select status, case when status = 'failed' then ending ->> 'kind' end as kind, count(*)::int as count,
       sum(turns)::int as turns, sum(requests)::int as requests,
       coalesce(sum(cost_nano_usd), 0)::bigint as cost, sum(unpriced_bound_nano_usd)::bigint as bound
     from dramatis.conversations where run_id = $1 group by 1, 2`,
    [runId],
  );
  const progress: Progress = {
    byStatus: {},
    turns: 0,
    requests: 0,
    costNanoUsd: 0,
    unpricedBoundNanoUsd: 0,
    failures: {},
  };
  for (const { status, kind, count, turns, requests, cost, bound } of rows) {
    progress.byStatus[status] = (progress.byStatus[status] ?? 0) + count;
    progress.turns += turns;
    progress.requests += requests;
    progress.costNanoUsd += cost;
    progress.unpricedBoundNanoUsd += bound;
    if (kind !== null) progress.failures[kind] = (progress.failures[kind] ?? 0) + count;
  }
  return progress;
}

const MOST_BUDGETS = 100;

/** What unfinished runs with a cap may still spend, the newest first. */
export function budgetsLeft(sql: Sql): Promise<{ run: string; leftNanoUsd: number }[]> {
  return sql.query(
    `select id as run, greatest(0, max_cost_nano_usd - spent_nano_usd - held_nano_usd) as "leftNanoUsd"
     from dramatis.runs where max_cost_nano_usd is not null and exists (
       select from dramatis.conversations where run_id = runs.id and status in ('waiting', 'running'))
     order by created_at desc limit $1`,
    [MOST_BUDGETS],
  );
}

/** Nothing more of the run is begun; what is under way ends after its turn. */
export async function cancelRun(sql: Sql, id: string): Promise<void> {
  await runOf(sql, id);
  await sql.query("update dramatis.runs set is_cancelled = true where id = $1", [id]);
  await sql.query(
    "update dramatis.conversations set status = 'cancelled' where run_id = $1 and status = 'waiting'",
    [id],
  );
}

/** Deletes a run with everything of it. */
export async function deleteRun(sql: Sql, id: string): Promise<void> {
  await runOf(sql, id);
  await sql.query("delete from dramatis.runs where id = $1", [id]);
}
