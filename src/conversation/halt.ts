/** What a turn that came to nothing means for the conversation: it ends here, or the next speaker goes on. */
import type { ScenarioFile } from "../domain/scenario.ts";
import type { SummaryEntry } from "../domain/summary.ts";
import type { Choice } from "../domain/turn.ts";
import type { TurnProblem } from "../turn/persona-turn.ts";
import { budgetReached, type ConversationBudget } from "./budget.ts";
import type { ConversationState } from "./state.ts";

export type Halt = NonNullable<ConversationState["halt"]>;

export interface FailedTurn {
  choice: Pick<Choice, "speaker" | "turn">;
  /** What failed it in the end. */
  problem: TurnProblem;
  /** The conversation as it was before. */
  before: Pick<ConversationState, "turns" | "failures">;
  /** What is left of the budget after it. */
  budget: ConversationBudget | undefined;
  onFailure: ScenarioFile["onFailure"];
}

/**
 * Failures that the next speaker would meet as well: going on cannot help. Or should not: whoever cancels a batch wants
 * what was in it to fail, and nothing of these conversations to be sent in another.
 */
const FATAL: ReadonlySet<string> = new Set([
  "unauthorised",
  "quota-exhausted",
  "model-not-found",
  "replay-differs",
  "batch-cancelled",
]);

/** Failures of the connection, the server or its room: once may be chance. */
const NO_SERVER: ReadonlySet<string> = new Set([
  "unreachable",
  "timed-out",
  "server-error",
  "tier-unavailable",
]);

/** A server that has never answered, or not the speaker before either, will not answer the next one. */
function isHopeless({ problem: { kind }, before: { turns, failures } }: FailedTurn): boolean {
  const previous = failures.at(-1);
  const failedBefore =
    previous !== undefined && NO_SERVER.has(previous.kind) && previous.turn > (turns.at(-1)?.turn ?? 0);
  return FATAL.has(kind) || (NO_SERVER.has(kind) && (turns.length === 0 || failedBefore));
}

/** The summary among these that was in a batch that was cancelled: with fewer words in its place, the next turns would be others. */
export function cancelledSummary(summaries: readonly SummaryEntry[]): SummaryEntry["failure"] {
  return summaries.find(({ failure }) => failure?.kind === "batch-cancelled")?.failure;
}

/** How the conversation ends at a request of the moderator that was in a batch that was cancelled. */
export function haltAtCancelled(what: string, detail: string): Halt {
  const evidence = `${what}: batch-cancelled. ${detail}`;
  return { ending: { kind: "failure", evidence }, status: "failed" };
}

/** How the conversation ends; undefined: the next speaker goes on. */
export function haltAfter(failed: FailedTurn): Halt | undefined {
  const { choice, problem, budget, onFailure } = failed;
  const { kind, detail } = problem;
  if (kind === "aborted") {
    const evidence = `broken off in turn ${choice.turn}`;
    return { ending: { kind: "abort", evidence }, status: "interrupted" };
  }
  if (kind === "budget") return { ending: budgetReached(budget, detail), status: "budget" };
  if (onFailure !== "stop" && !isHopeless(failed)) return undefined;
  const evidence = `${choice.speaker} in turn ${choice.turn}: ${kind}. ${detail}`;
  return { ending: { kind: "failure", evidence }, status: "failed" };
}
