/** Whether what a store says of itself is so: counts against rows, sums against ledgers, money against who holds it. */
import { messageOf } from "../domain/errors.ts";
import type { Sql } from "./sql.ts";
import { digestOf, fullName, quoted, SCHEMA, tablesOf } from "./tables.ts";

export interface Inconsistency {
  /** What is wrong, in words for people. */
  what: string;
  /** How many runs, conversations or rows it is wrong in. */
  count: number;
  /** Some of them, by their ids. */
  examples: string[];
}

/**
 * A conversation that did not complete may have answers that are paid and kept, and not in its ledger yet: they are when it
 * goes on. So a run may have spent more than its ledgers hold as long as there is such a one, and never less.
 */
interface Rule {
  what: string;
  /** Gives one row, with its `id`, for each place where it is wrong. */
  statement: string;
}

/** What an ended conversation's row says, next to what its rows elsewhere add up to. */
const RULES: readonly Rule[] = [
  {
    what: "runs do not have the number of conversations they were planned with",
    statement: `select id from dramatis.runs
      where conversations <> (select count(*) from dramatis.conversations where run_id = runs.id)`,
  },
  {
    what: "conversations have another number of turns than they count",
    statement: `select id from dramatis.conversations
      where turns <> (select count(*) from dramatis.turns where conversation_id = conversations.id)`,
  },
  {
    what: "conversations lack turns in the middle",
    statement: `select conversation_id as id from dramatis.turns group by 1
      having count(distinct turn) <> count(*) or min(turn) < 0`,
  },
  {
    what: "conversations count other tokens, requests or costs than their ledger holds",
    statement: `select c.id from dramatis.conversations c
      left join (
        select conversation_id, count(*) as requests, sum(coalesce(input_tokens, 0)) as input_tokens,
          sum(coalesce(cached_input_tokens, 0)) as cached_input_tokens, sum(coalesce(output_tokens, 0)) as output_tokens,
          sum(cost_nano_usd) as cost, count(*) filter (where cost_nano_usd is null) as unpriced,
          sum(cost_bound_nano_usd) filter (where cost_nano_usd is null) as bound
        from dramatis.usage_entries group by 1
      ) e on e.conversation_id = c.id
      where c.record is not null and (
        c.requests <> coalesce(e.requests, 0) or c.input_tokens <> coalesce(e.input_tokens, 0)
        or c.cached_input_tokens <> coalesce(e.cached_input_tokens, 0)
        or c.output_tokens <> coalesce(e.output_tokens, 0) or coalesce(c.cost_nano_usd, 0) <> coalesce(e.cost, 0)
        or c.unpriced_requests <> coalesce(e.unpriced, 0) or c.unpriced_bound_nano_usd <> coalesce(e.bound, 0))`,
  },
  {
    what: "runs with a cap have not spent what their conversations' ledgers add up to",
    statement: `select r.id from dramatis.runs r
      join dramatis.conversations c on c.run_id = r.id
      where r.max_cost_nano_usd is not null
      group by r.id, r.spent_nano_usd
      having r.spent_nano_usd < sum(coalesce(c.cost_nano_usd, 0) + c.unpriced_bound_nano_usd)
        or (bool_and(c.status = 'completed')
          and r.spent_nano_usd <> sum(coalesce(c.cost_nano_usd, 0) + c.unpriced_bound_nano_usd))`,
  },
  {
    what: "runs hold another amount than their requests hold",
    statement: `select id from dramatis.runs
      where held_nano_usd <> (select coalesce(sum(held_nano_usd), 0) from dramatis.requests where run_id = runs.id)`,
  },
  {
    what: "conversations that have ended still have requests on their way, or money held",
    statement: `select distinct c.id from dramatis.conversations c join dramatis.requests q on q.conversation_id = c.id
      where c.status not in ('waiting', 'running', 'parked')
        and (q.state in ('held', 'sent', 'parked', 'arrived') or q.held_nano_usd is not null)`,
  },
  {
    what: "conversations are parked without a request that waits for a batch",
    statement: `select id from dramatis.conversations where status = 'parked'
      and not exists (select from dramatis.batch_lines where conversation_id = conversations.id)`,
  },
  {
    what: "requests are parked without a line for a batch, or have one and are not parked",
    statement: `select coalesce(q.conversation_id, l.conversation_id) || ' ' || coalesce(q.digest, l.digest) as id
      from (select * from dramatis.requests where state = 'parked') q
      full join dramatis.batch_lines l using (conversation_id, digest, occurrence)
      where q.state is null or l.custom_id is null`,
  },
  {
    what: "requests belong to another run than their conversation",
    statement: `select q.conversation_id || ' ' || q.digest as id
      from dramatis.requests q join dramatis.conversations c on c.id = q.conversation_id where c.run_id <> q.run_id`,
  },
  {
    what: "requests are closed without an outcome",
    statement: `select conversation_id || ' ' || digest as id from dramatis.requests
      where state in ('answered', 'failed') and outcome is null`,
  },
  {
    // One that could not begin has no record, and says why.
    what: "conversations have ended without a record, or a time of their end",
    statement: `select id from dramatis.conversations
      where status in ('completed', 'budget', 'interrupted', 'failed')
        and (ended_at is null or record is null and not (status = 'failed' and turns = 0 and ending ->> 'evidence' is not null))`,
  },
];

const EXAMPLES = 3;

async function ask(sql: Sql, { what, statement }: Rule): Promise<Inconsistency | undefined> {
  const [row] = await sql.query<{ count: number; examples: string[] | null }>(
    `with wrong as (${statement})
     select (select count(*) from wrong)::int as count,
       (select json_agg(id) from (select id from wrong order by id limit ${EXAMPLES}) as few) as examples`,
  );
  return row === undefined || row.count === 0
    ? undefined
    : { what, count: row.count, examples: row.examples ?? [] };
}

/** References that lead nowhere; a database that was not damaged has none. */
async function orphanRules(sql: Sql): Promise<Rule[]> {
  const references = await sql.query<{ table: string; column: string; other: string; key: string }>(
    `select c.relname as table, a.attname as column, o.relname as other, b.attname as key
     from pg_constraint f join pg_class c on c.oid = f.conrelid join pg_class o on o.oid = f.confrelid
       join pg_attribute a on a.attrelid = f.conrelid and a.attnum = f.conkey[1]
       join pg_attribute b on b.attrelid = f.confrelid and b.attnum = f.confkey[1]
     where f.contype = 'f' and f.connamespace = $1::regnamespace and cardinality(f.conkey) = 1`,
    [SCHEMA],
  );
  return references.map(({ table, column, other, key }) => ({
    what: `rows of ${table} belong to ${other} that are not there`,
    statement: `select distinct t.${quoted(column)}::text as id from ${fullName({ name: table })} t
      where t.${quoted(column)} is not null and not exists (
        select from ${fullName({ name: other })} o where o.${quoted(key)} = t.${quoted(column)})`,
  }));
}

/** Reads every row of a table; a damaged one cannot be. */
async function unreadable(sql: Sql): Promise<Inconsistency[]> {
  const found: Inconsistency[] = [];
  for (const table of await tablesOf(sql)) {
    try {
      await digestOf(sql, table);
    } catch (error) {
      const words = messageOf(error);
      found.push({ what: `table ${table.name} cannot be read: ${words}`, count: 1, examples: [table.name] });
    }
  }
  return found;
}

/** Everything that is wrong; nothing is changed. */
export async function inconsistenciesOf(sql: Sql): Promise<Inconsistency[]> {
  const damaged = await unreadable(sql);
  if (damaged.length > 0) return damaged;
  const found: Inconsistency[] = [];
  for (const rule of [...RULES, ...(await orphanRules(sql))]) {
    const wrong = await ask(sql, rule);
    if (wrong !== undefined) found.push(wrong);
  }
  return found;
}
