/** What policies, endings and the complexity rating may look at: a conversation so far, nothing else. */
import type { Persona } from "../domain/persona.ts";
import type { Choice, Turn, TurnFailure } from "../domain/turn.ts";
import type { Totals } from "../domain/usage.ts";

/** A conversation so far, as policies and endings see it. */
export interface ConversationView {
  topic: string;
  cast: readonly Persona[];
  seed: number;
  /** Number of the turn to come, counted from 1. */
  turn: number;
  turns: readonly Turn[];
  failures: readonly TurnFailure[];
  totals: Totals;
  /** Who was called last, whether the turn succeeded or not. */
  last: Choice | undefined;
  elapsedMs: number;
}

/** Who spoke to whom in a turn, without order; `*` is no persona's id. */
export const pairOf = ({ speaker, addressedTo }: Pick<Turn, "speaker" | "addressedTo">): string =>
  [speaker, addressedTo ?? "*"].sort().join(" & ");
