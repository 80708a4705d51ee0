/** A conversation so far, as policies and endings see it; and a way to play one without any model. */
import type { Policy } from "../../src/conversation/policies.ts";
import type { ConversationView } from "../../src/conversation/view.ts";
import type { Persona } from "../../src/domain/persona.ts";
import type { Choice, Turn, TurnFailure } from "../../src/domain/turn.ts";
import { emptySubtotal, emptyTotals } from "../../src/ledger/totals.ts";
import { samplePersona } from "../domain/sample-persona.ts";

export const castOf = (...ids: string[]): Persona[] => ids.map((id) => samplePersona(id));

export const sampleChoice = (turn: number, speaker: string): Choice => ({
  turn,
  speaker,
  policy: "test",
  reason: "because",
});

const spoken = (turn: number, speaker: string) => ({
  turn,
  speaker,
  choice: sampleChoice(turn, speaker),
  model: { id: "gpt-4.1-nano", reason: "no other rule applies" },
  startedAt: "2026-01-02T03:04:05.000Z",
  durationMs: 0,
  usage: emptySubtotal(),
});

export const sampleTurn = (turn: number, speaker: string, more: Partial<Turn> = {}): Turn => ({
  ...spoken(turn, speaker),
  message: `What ${speaker} says in turn ${turn}.`,
  confidence: 0.8,
  reasoning: "",
  relevantExpertise: [],
  emotions: [],
  addressedTo: null,
  citations: [],
  removedCitations: [],
  wantsToConclude: false,
  toolCalls: [],
  complexity: "low",
  ...more,
});

export const sampleFailure = (turn: number, speaker: string): TurnFailure => ({
  ...spoken(turn, speaker),
  kind: "refused",
  detail: "The model refused.",
  outcome: "skipped",
});

/** The turn to come follows the last one of `turns` and `failures`. */
export function sampleView(more: Partial<ConversationView> = {}): ConversationView {
  const { turns = [], failures = [] } = more;
  const last = [...turns, ...failures].sort((a, b) => a.turn - b.turn).at(-1)?.choice;
  return {
    topic: "Exports",
    cast: castOf("ada", "ben", "cleo"),
    seed: 7,
    turn: (last?.turn ?? 0) + 1,
    turns,
    failures,
    totals: emptyTotals(),
    last,
    elapsedMs: 0,
    ...more,
  };
}

/** What happens in a turn, whoever speaks: whom it addresses, or that it fails. */
export interface Script {
  addressedTo?: string | null;
  fails?: boolean;
}

/** Plays so many turns as scripted and returns the view before each of them, with the speaker that was chosen. */
export async function play(policy: Policy, start: Partial<ConversationView>, scripts: readonly Script[]) {
  const steps: { view: ConversationView; speaker: string; reason: string }[] = [];
  let [turns, failures]: [Turn[], TurnFailure[]] = [[], []];
  for (const { addressedTo = null, fails = false } of scripts) {
    const view = sampleView({ ...start, turns, failures });
    const chosen = await policy(view);
    steps.push({ view, ...chosen });
    if (fails) failures = [...failures, sampleFailure(view.turn, chosen.speaker)];
    else turns = [...turns, sampleTurn(view.turn, chosen.speaker, { addressedTo })];
  }
  return steps;
}

export const speakersOf = (steps: readonly { speaker: string }[]): string[] =>
  steps.map(({ speaker }) => speaker);
