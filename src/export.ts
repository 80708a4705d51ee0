/** What a run's conversations were, row by row from the store; memory holds a page of them, however many there are. */
import { DramatisError } from "./domain/errors.ts";
import { hintFor } from "./domain/near-names.ts";
import { withChanges } from "./experiment/plan.ts";
import { type ConversationRow, conversationRow, type TurnRow, turnRow } from "./report/export-rows.ts";
import { type TrainingExample, trainingExample } from "./report/training-example.ts";
import type { Scenario } from "./scenario/scenario.ts";
import { armOf, hasArms } from "./store/arms.ts";
import type { ConversationStatus } from "./store/conversations.ts";
import { batchesOf, conversationPages, type StoredConversation, turnsOf } from "./store/export-pages.ts";
import { runOf } from "./store/runs.ts";
import type { Store } from "./store/store.ts";
import { trainingLines } from "./turn/training-lines.ts";

/** Which conversations of a run are exported. */
export interface ExportOptions {
  /** Statuses beside `completed`: what failed, was stopped or is not over is left out unless it is named here. */
  include?: readonly ConversationStatus[] | undefined;
  /** Turns of this persona alone, or its view alone. Default: all. */
  persona?: string | undefined;
  /** Told of each conversation that is left out, so that none is silently. */
  onLeftOut?: ((conversation: { id: string; status: ConversationStatus }) => void) | undefined;
  /** Told of each conversation that is exported. */
  onConversation?:
    | ((conversation: { id: string; status: ConversationStatus; transport: string | undefined }) => void)
    | undefined;
}

type Chosen = Pick<ExportOptions, "include" | "onLeftOut" | "onConversation">;

async function* chosenPages(
  { sql }: Store,
  runId: string,
  { include = [], onLeftOut, onConversation }: Chosen,
): AsyncGenerator<StoredConversation[]> {
  const wanted = new Set<ConversationStatus>(["completed", ...include]);
  for await (const page of conversationPages(sql, runId)) {
    const chosen = page.filter((conversation) => {
      const { id, status, outcome } = conversation;
      const isChosen = wanted.has(status);
      if (isChosen) onConversation?.({ id, status, transport: outcome?.transport });
      else onLeftOut?.({ id, status });
      return isChosen;
    });
    if (chosen.length > 0) yield chosen;
  }
}

/** What is told to the personas of a conversation. */
type Scene = Pick<Scenario, "topic" | "cast">;

/**
 * The scenario of a run; of an experiment, what its arms change.
 * @throws DramatisError `unknown-name` when there is no such run, or nobody of that id in its cast
 */
async function exportedScenario(
  { sql }: Store,
  runId: string,
  persona: string | undefined,
): Promise<Scenario> {
  const { scenario } = (await runOf(sql, runId)).definition as { scenario: Scenario };
  const ids = scenario.cast.map(({ id }) => id);
  // An arm may have another cast.
  if (persona === undefined || ids.includes(persona) || (await hasArms(sql, runId))) return scenario;
  throw new DramatisError(
    "unknown-name",
    `There is no persona ${JSON.stringify(persona)} in this run. ${hintFor(persona, ids)}`,
  );
}

/**
 * The turns of a run, one row each, in the order of its conversations and their turns. Rows are read in pages while they are
 * asked for: a run that is still going is exported as far as it is.
 * @throws DramatisError `unknown-name` when the store has no such run, or the run no such persona
 */
export async function* exportTurns(
  store: Store,
  runId: string,
  options: ExportOptions = {},
): AsyncGenerator<TurnRow> {
  const { persona } = options;
  await exportedScenario(store, runId, persona);
  for await (const page of chosenPages(store, runId, options)) {
    for (const batch of batchesOf(page)) {
      const turns = await turnsOf(store.sql, batch);
      for (const conversation of batch) {
        for (const turn of turns.get(conversation.id) ?? []) {
          if (persona === undefined || turn.speaker === persona) yield turnRow(conversation, turn);
        }
      }
    }
  }
}

/**
 * The conversations of a run, one row each: how they ended, their turns, tokens and costs.
 * @throws DramatisError `unknown-name` when the store has no such run
 */
export async function* exportConversations(
  store: Store,
  runId: string,
  options: Omit<ExportOptions, "persona"> = {},
): AsyncGenerator<ConversationRow> {
  await runOf(store.sql, runId);
  for await (const page of chosenPages(store, runId, options)) yield* page.map(conversationRow);
}

/** What personas are told, by arm; a scenario's knowledge is not kept for it. */
function scenesOf(
  { sql }: Store,
  runId: string,
  base: Scenario,
): (arm: string | undefined) => Promise<Scene> {
  const scenes = new Map<string, Scene>();
  return async (arm) => {
    if (arm === undefined) return base;
    const known = scenes.get(arm);
    if (known !== undefined) return known;
    const { topic, cast } = withChanges(base, (await armOf(sql, runId, arm)).changes);
    scenes.set(arm, { topic, cast });
    return { topic, cast };
  };
}

/**
 * The conversations of a run as training examples, one for each persona that spoke: what it was told, its own turns as the
 * assistant's, everybody else's as a user's with their ids as names. A persona's private notes are in its examples. In an
 * experiment each persona is told what its arm tells it.
 * @throws DramatisError `unknown-name` when the store has no such run, or the run no such persona
 */
export async function* exportTrainingExamples(
  store: Store,
  runId: string,
  options: ExportOptions = {},
): AsyncGenerator<TrainingExample> {
  const { persona } = options;
  const sceneOf = scenesOf(store, runId, await exportedScenario(store, runId, persona));
  for await (const page of chosenPages(store, runId, options)) {
    for (const batch of batchesOf(page)) {
      const turns = await turnsOf(store.sql, batch);
      for (const { id, arm, outcome } of batch) {
        const { topic, cast } = await sceneOf(arm);
        for (const one of cast) {
          if (persona !== undefined && one.id !== persona) continue;
          const example = trainingExample({
            persona: one.id,
            system: trainingLines({ topic, cast, persona: one }),
            turns: turns.get(id) ?? [],
            remarks: outcome?.remarks ?? [],
          });
          if (example !== undefined) yield example;
        }
      }
    }
  }
}
