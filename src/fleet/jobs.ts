/** The queue's rows, as the commands of runs need them beside the queue itself; loads nothing of it. */
import type { EngineName } from "../store/engine.ts";
import { IN_BATCHES } from "../store/runs.ts";
import type { Sql } from "../store/sql.ts";

/** The queue's name and schema. */
export const QUEUE = "conversations";
export const SCHEMA = "dramatis_queue";

/** Neither ended nor in hand. */
const QUEUED = "('created', 'retry')";

/** In hand, and whoever has it was heard of lately; whoever says nothing because it need not is always. */
export const IN_HAND = `(state = 'active' and (heartbeat_seconds is null
  or coalesce(heartbeat_on, started_on) > clock_timestamp() - heartbeat_seconds * interval '1 second'))`;

/** Of `dramatis.conversations`: to be held, and nobody ever will. */
export const IS_LOST = `status in ('waiting', 'running') and not exists (
  select from ${SCHEMA}.job
  where name = '${QUEUE}' and state in ('created', 'retry', 'active') and data ->> 'conversationId' = conversations.id)`;

/** The queue makes its tables when it is opened for the first time. */
export async function hasTables(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ name: string | null }>(`select to_regclass('${SCHEMA}.job')::text as name`);
  return row?.name != null;
}

/** Conversations of a run that are to be held and stand in no job, in their order. */
export async function withoutJob(tx: Sql, runId: string): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    `select id from dramatis.conversations where run_id = $1 and ${IS_LOST} order by position`,
    [runId],
  );
  return rows.map(({ id }) => id);
}

/**
 * Takes a run's jobs away: those nobody has or, of a run that is to be deleted, all. Conversations with answers of a batch
 * that are not counted yet keep theirs, unless all go.
 * @returns the conversations that stood in them
 */
export async function dropJobs(tx: Sql, runId: string, which: "queued" | "all"): Promise<string[]> {
  if (!(await hasTables(tx))) return [];
  const rows = await tx.query<{ id: string }>(
    `delete from ${SCHEMA}.job using dramatis.conversations
     where name = $2 ${which === "all" ? "" : `and state < 'completed' and not ${IN_HAND} and not ${IN_BATCHES}`} and run_id = $1
       and conversations.id = data ->> 'conversationId'
     returning conversations.id`,
    [runId, QUEUE],
  );
  return rows.map(({ id }) => id);
}

/**
 * In an embedded store, whoever works on one run leaves the others alone: what was stopped there must not be paid because
 * something else is run. Without a run, nothing is left alone. On Postgres workers take what there is.
 */
export async function focus(sql: Sql, engine: EngineName, runId: string | undefined): Promise<void> {
  if (engine !== "pglite") return;
  await sql.query(
    `update ${SCHEMA}.job set start_after = case when $1::text is null or run_id = $1 then now() else 'infinity' end
     from dramatis.conversations
     where name = $2 and state in ${QUEUED} and conversations.id = data ->> 'conversationId'`,
    [runId ?? null, QUEUE],
  );
}
