/** Whether the queue of a store has a place for every conversation that is to be held, and for no other. */
import type { Inconsistency } from "../store/consistency.ts";
import type { Sql } from "../store/sql.ts";

const EXAMPLES = 3;

const LOST = `select c.id from dramatis.conversations c join dramatis.runs r on r.id = c.run_id
  where c.status in ('waiting', 'running') and not r.is_cancelled and not exists (
    select from dramatis_queue.job j where j.name = 'conversations' and j.state::text in ('created', 'retry', 'active')
      and j.data ->> 'conversationId' = c.id)`;

/** Conversations that nobody will ever hold. */
export async function queueInconsistencies(sql: Sql): Promise<Inconsistency[]> {
  const [queue] = await sql.query<{ name: string | null }>(
    "select to_regclass('dramatis_queue.job')::text as name",
  );
  if (queue?.name == null) return [];
  const [row] = await sql.query<{ count: number; examples: string[] | null }>(
    `with lost as (${LOST}) select (select count(*) from lost)::int as count,
       (select json_agg(id) from (select id from lost order by id limit ${EXAMPLES}) as few) as examples`,
  );
  if (row === undefined || row.count === 0) return [];
  const what = "conversations are to be held, and have no place in the queue";
  return [{ what, count: row.count, examples: row.examples ?? [] }];
}

/** Conversations that workers have in hand, and say so every few seconds. */
export async function heldNow(sql: Sql): Promise<number> {
  const [queue] = await sql.query<{ name: string | null }>(
    "select to_regclass('dramatis_queue.job')::text as name",
  );
  if (queue?.name == null) return 0;
  const [row] = await sql.query<{ count: number }>(
    `select count(*)::int as count from dramatis_queue.job where name = 'conversations' and state::text = 'active'
       and coalesce(heartbeat_on, started_on) > clock_timestamp() - coalesce(heartbeat_seconds, 60) * interval '1 second'`,
  );
  return row?.count ?? 0;
}
