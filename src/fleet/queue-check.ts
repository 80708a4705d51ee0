/** Whether the queue of a store has a place for every conversation that is to be held, and for no other. */
import type { Inconsistency } from "../store/consistency.ts";
import type { Sql } from "../store/sql.ts";
import { hasTables, IN_HAND, IS_LOST, QUEUE, SCHEMA } from "./jobs.ts";

const EXAMPLES = 3;

/** Conversations that nobody will ever hold. */
export async function queueInconsistencies(sql: Sql): Promise<Inconsistency[]> {
  if (!(await hasTables(sql))) return [];
  const [row] = await sql.query<{ count: number; examples: string[] | null }>(
    `with lost as (select id from dramatis.conversations where ${IS_LOST}) select (select count(*) from lost)::int as count,
       (select json_agg(id) from (select id from lost order by id limit ${EXAMPLES}) as few) as examples`,
  );
  if (row === undefined || row.count === 0) return [];
  const what = "conversations are to be held, and have no place in the queue";
  return [{ what, count: row.count, examples: row.examples ?? [] }];
}

/** Conversations that workers have in hand, and say so every few seconds. */
export async function heldNow(sql: Sql): Promise<number> {
  if (!(await hasTables(sql))) return 0;
  const [row] = await sql.query<{ count: number }>(
    `select count(*)::int as count from ${SCHEMA}.job where name = $1 and ${IN_HAND}`,
    [QUEUE],
  );
  return row?.count ?? 0;
}
