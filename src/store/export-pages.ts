/** A run's conversations and their turns, page by page in the order of their positions: however many there are, few are held. */
import { z } from "zod";
import { conversationRecordSchema, type EndingRecord, endingRecordSchema } from "../domain/record.ts";
import { type Turn, turnSchema } from "../domain/turn.ts";
import { totalsSchema } from "../domain/usage.ts";
import { CONVERSATION_STATUSES, type ConversationStatus } from "./conversations.ts";
import type { Sql } from "./sql.ts";

const { participants, remarks, transport, replayOf, seed } = conversationRecordSchema.shape;

/** What a conversation was as a whole; there is none before it ended for the first time. */
const outcomeSchema = z.object({
  ending: endingRecordSchema,
  participants,
  remarks,
  transport,
  replayOf,
  seed,
  totals: totalsSchema,
});

export interface StoredOutcome extends z.output<typeof outcomeSchema> {
  ending: EndingRecord;
  endedAt: Date;
  /** Turns that succeeded, and what went wrong in any. */
  turns: number;
  failures: number;
}

export interface StoredConversation {
  id: string;
  runId: string;
  scenario: string;
  /** Counted from 0. */
  position: number;
  arm: string | undefined;
  settings: object;
  status: ConversationStatus;
  startedAt: Date | undefined;
  outcome: StoredOutcome | undefined;
}

const rowSchema = z.object({
  id: z.string(),
  run_id: z.string(),
  scenario: z.string(),
  position: z.int(),
  arm: z.string().nullable(),
  settings: z.record(z.string(), z.unknown()),
  status: z.enum(CONVERSATION_STATUSES),
  turns: z.int(),
  failures: z.int(),
  started_at: z.date().nullable(),
  ended_at: z.date().nullable(),
  outcome: z.unknown(),
});

/** A page is one statement: a large one would block the embedded engine, and the process with it. */
const CONVERSATIONS_AT_ONCE = 100;
const TURNS_AT_ONCE = 500;

function conversationFrom(given: object): StoredConversation {
  const row = rowSchema.parse(given);
  const { ended_at: endedAt, turns, failures } = row;
  return {
    id: row.id,
    runId: row.run_id,
    scenario: row.scenario,
    position: row.position,
    arm: row.arm ?? undefined,
    settings: row.settings,
    status: row.status,
    startedAt: row.started_at ?? undefined,
    outcome:
      row.outcome === null || endedAt === null
        ? undefined
        : { ...outcomeSchema.parse(row.outcome), endedAt, turns, failures },
  };
}

/**
 * All conversations of a run, whatever became of them; the next page is read when it is asked for. A page is a range of
 * positions: an embedded store keeps no statistics, and sorted the rest of the run for each page that was cut by a limit.
 */
export async function* conversationPages(sql: Sql, runId: string): AsyncGenerator<StoredConversation[]> {
  const [run] = await sql.query<{ last: number | null }>(
    "select max(position) as last from dramatis.conversations where run_id = $1",
    [runId],
  );
  for (let from = 0; from <= (run?.last ?? -1); from += CONVERSATIONS_AT_ONCE) {
    const rows = await sql.query(
      `select c.id, c.run_id, r.scenario, c.position, c.arm, c.settings, c.status, c.turns, c.started_at, c.ended_at,
         (select count(*)::integer from dramatis.failures f where f.conversation_id = c.id) as failures,
         case when c.record is null then null else json_strip_nulls(json_build_object(
           'ending', c.ending, 'participants', c.record -> 'participants', 'remarks', c.record -> 'remarks',
           'transport', c.record -> 'transport', 'replayOf', c.record -> 'replayOf', 'seed', c.record -> 'seed',
           'totals', c.record -> 'totals')) end as outcome
       from dramatis.conversations c join dramatis.runs r on r.id = c.run_id
       where c.run_id = $1 and c.position >= $2 and c.position < $3 order by c.position`,
      [runId, from, from + CONVERSATIONS_AT_ONCE],
    );
    if (rows.length > 0) yield rows.map(conversationFrom);
  }
}

/** Neighbours whose turns are read together: so many turns in all, or one conversation that alone has more. */
export function batchesOf(
  page: readonly StoredConversation[],
  turnsAtOnce = TURNS_AT_ONCE,
): StoredConversation[][] {
  const batches: StoredConversation[][] = [];
  let room = 0;
  for (const conversation of page) {
    const turns = conversation.outcome?.turns ?? 0;
    const batch = batches.at(-1);
    if (batch === undefined || turns > room) {
      batches.push([conversation]);
      room = turnsAtOnce - turns;
    } else {
      batch.push(conversation);
      room -= turns;
    }
  }
  return batches;
}

/** The turns of some conversations, each conversation's in their order. */
export async function turnsOf(
  sql: Sql,
  conversations: readonly StoredConversation[],
): Promise<Map<string, Turn[]>> {
  const turns = new Map<string, Turn[]>(conversations.map(({ id }) => [id, []]));
  // An embedded store keeps no statistics: asked for all at once, the whole table would be read each time.
  const rows = await sql.query<{ conversation_id: string; body: unknown }>(
    `select wanted.id as conversation_id, said.body
     from unnest($1::text[]) as wanted (id),
       lateral (select turn, body from dramatis.turns where conversation_id = wanted.id order by turn) as said`,
    [conversations.map(({ id }) => id)],
  );
  for (const { conversation_id, body } of rows) turns.get(conversation_id)?.push(turnSchema.parse(body));
  for (const those of turns.values()) those.sort((a, b) => a.turn - b.turn);
  return turns;
}
