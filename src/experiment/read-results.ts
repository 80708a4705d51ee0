/** Reads the results of an experiment from its store. */
import { DramatisError } from "../domain/errors.ts";
import { armsOf } from "../store/arms.ts";
import { runOf } from "../store/runs.ts";
import type { Sql } from "../store/sql.ts";
import type { Store } from "../store/store.ts";
import { type MeasuredTurn, type Measures, measure } from "./measures.ts";
import { type StoredExperiment, storedExperimentSchema } from "./plan.ts";
import { isFinished, type ResultRow, type ResultsSummary, summarise } from "./results.ts";

/** A row a conversation, a summary an arm, and differences between arms. */
export interface ExperimentResults extends ResultsSummary {
  run: string;
  experiment: StoredExperiment;
  /** By arm, then by repeat. */
  rows: ResultRow[];
}

/** Conversations whose turns are read at a time: a large statement blocks the embedded engine. */
const CONVERSATIONS_AT_ONCE = 200;

interface Row {
  id: string;
  arm: string;
  settings: { seed: number; repeat: number };
  status: string;
  ending: string | null;
  cast: string[] | null;
  turns: number;
  requests: number;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  cost_nano_usd: number | null;
  unpriced_requests: number;
  unpriced_bound_nano_usd: number;
  duration_ms: number | null;
}

const UNMEASURED: Measures = {
  concluding: undefined,
  confidence: undefined,
  citationsPerTurn: undefined,
  wordsPerTurn: undefined,
  inequality: undefined,
};

async function turnsOf(sql: Sql, conversationIds: readonly string[]): Promise<Map<string, MeasuredTurn[]>> {
  const rows = await sql.query<{ id: string; said: MeasuredTurn }>(
    `select conversation_id as id, json_build_object('speaker', speaker, 'message', message,
       'confidence', body -> 'confidence', 'citations', body -> 'citations',
       'wantsToConclude', body -> 'wantsToConclude') as said
     from dramatis.turns where conversation_id = any($1) order by conversation_id, turn`,
    [conversationIds],
  );
  const turns = new Map<string, MeasuredTurn[]>(conversationIds.map((id) => [id, []]));
  for (const { id, said } of rows) turns.get(id)?.push(said);
  return turns;
}

function rowFrom(
  row: Row,
  levels: ResultRow["levels"],
  turns: readonly MeasuredTurn[] | undefined,
): ResultRow {
  return {
    conversation: row.id,
    arm: row.arm,
    levels,
    repeat: row.settings.repeat,
    seed: row.settings.seed,
    status: row.status,
    ending: row.ending ?? undefined,
    turns: row.turns,
    requests: row.requests,
    inputTokens: row.input_tokens,
    cachedInputTokens: row.cached_input_tokens,
    outputTokens: row.output_tokens,
    costNanoUsd: row.cost_nano_usd ?? undefined,
    unpricedRequests: row.unpriced_requests,
    unpricedBoundNanoUsd: row.unpriced_bound_nano_usd,
    durationMs: row.duration_ms ?? undefined,
    ...(turns === undefined ? UNMEASURED : measure(turns, row.cast ?? [])),
  };
}

/**
 * The results of a run so far; it may still be under way.
 * @throws DramatisError `unknown-name` when there is no such run, `invalid-argument` when it is no experiment
 */
export async function experimentResults({ sql }: Store, runId: string): Promise<ExperimentResults> {
  const run = await runOf(sql, runId);
  const stored = storedExperimentSchema.safeParse((run.definition as { experiment?: unknown }).experiment);
  const arms = await armsOf(sql, runId);
  if (!stored.success || arms.length === 0) {
    throw new DramatisError(
      "invalid-argument",
      `The run ${runId} is no experiment: it has no arms that could be compared. To see it:`,
      { command: `show ${runId}` },
    );
  }
  const levelsOf = new Map(arms.map(({ name, levels }, place) => [name, { levels, place }]));
  const found = await sql.query<Row>(
    `select id, arm, settings, status, ending ->> 'kind' as ending,
       (select json_agg(one ->> 'id') from json_array_elements(record -> 'participants') as one) as cast,
       turns, requests, input_tokens, cached_input_tokens, output_tokens, cost_nano_usd, unpriced_requests,
       unpriced_bound_nano_usd, (extract(epoch from ended_at - started_at) * 1000)::double precision as duration_ms
     from dramatis.conversations where run_id = $1 order by position`,
    [runId],
  );
  const rows: ResultRow[] = [];
  for (let from = 0; from < found.length; from += CONVERSATIONS_AT_ONCE) {
    const batch = found.slice(from, from + CONVERSATIONS_AT_ONCE);
    const turns = await turnsOf(
      sql,
      batch.filter(isFinished).map(({ id }) => id),
    );
    for (const row of batch) rows.push(rowFrom(row, levelsOf.get(row.arm)?.levels ?? {}, turns.get(row.id)));
  }
  const placeOf = ({ arm }: ResultRow) => levelsOf.get(arm)?.place ?? 0;
  rows.sort((a, b) => placeOf(a) - placeOf(b) || a.repeat - b.repeat);
  return { run: runId, experiment: stored.data, rows, ...summarise(arms, rows, stored.data) };
}
