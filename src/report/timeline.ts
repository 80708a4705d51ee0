/** A record in the order it happened, and the words reports use for its parts. */
import type { ConversationRecord, Status } from "../domain/record.ts";
import type { Turn, TurnFailure } from "../domain/turn.ts";

export type Participant = ConversationRecord["participants"][number];
export type Remark = ConversationRecord["remarks"][number];

export type Happening =
  | { kind: "remark"; remark: Remark }
  | { kind: "failure"; failure: TurnFailure }
  | { kind: "turn"; turn: Turn };

interface Placed {
  turn: number;
  /** Within a turn: what failed, then what was said, then what others remarked. */
  rank: 0 | 1 | 2;
  happening: Happening;
}

/** Everything that was said or failed, in order. The opening comes first; a repaired failure before its turn. */
export function timeline(record: ConversationRecord): Happening[] {
  const placed: Placed[] = [
    ...record.failures.map(
      (failure): Placed => ({ turn: failure.turn, rank: 0, happening: { kind: "failure", failure } }),
    ),
    ...record.turns.map((turn): Placed => ({ turn: turn.turn, rank: 1, happening: { kind: "turn", turn } })),
    ...record.remarks.map(
      (remark): Placed => ({ turn: remark.afterTurn, rank: 2, happening: { kind: "remark", remark } }),
    ),
  ];
  return placed.sort((a, b) => a.turn - b.turn || a.rank - b.rank).map(({ happening }) => happening);
}

/** A speaker's name as shown; somebody who is no participant (the host, a human) keeps the id. */
export function nameOf(participants: readonly Participant[], id: string): string {
  return participants.find((participant) => participant.id === id)?.name ?? id;
}

const STATUS_TITLES: Readonly<Record<Status, string>> = {
  completed: "Completed",
  budget: "Budget reached",
  interrupted: "Interrupted",
  failed: "Failed",
};

export const OUTCOME_TITLES: Readonly<Record<TurnFailure["outcome"], string>> = {
  repaired: "repaired: asked again, the answer follows",
  skipped: "turn skipped",
  stopped: "conversation stopped",
};

/** An ending's kind in words; kinds that an embedder named stand as they are. */
const ENDING_WORDS: ReadonlyMap<string, string> = new Map([
  ["maxTurns", "turn limit reached"],
  ["maxCostUsd", "budget reached"],
  ["maxTokens", "token limit reached"],
  ["maxDurationSeconds", "time limit reached"],
  ["phrase", "closing phrase said"],
  ["consensus", "all want to conclude"],
  ["stalemate", "nothing new was said"],
  ["any", "one of the conditions met"],
  ["all", "all conditions met"],
]);
/** Kinds that say no more than the status does. */
const SAID_BY_STATUS: ReadonlySet<string> = new Set(["failure", "error", "abort"]);

/** How it ended, as a title: `Completed: turn limit reached`, `Failed`. */
export function endingTitle({ status, ending }: Pick<ConversationRecord, "status" | "ending">): string {
  const title = STATUS_TITLES[status];
  const words = ENDING_WORDS.get(ending.kind) ?? ending.kind;
  const isSaid = SAID_BY_STATUS.has(ending.kind) || words === title.toLowerCase();
  return isSaid ? title : `${title}: ${words}`;
}

/** Why this speaker, where it was not simply because the one before asked; of a repaired failure, its turn says it. */
export function choiceNote(spoken: Turn | TurnFailure): { text: string; isFallback: boolean } | undefined {
  const { policy, reason, fallbackFrom } = spoken.choice;
  if ("outcome" in spoken && spoken.outcome === "repaired") return undefined;
  if (fallbackFrom !== undefined) {
    const text = `chosen by ${policy} instead of ${fallbackFrom.policy} (${fallbackFrom.problem}): ${reason}`;
    return { text, isFallback: true };
  }
  return reason.startsWith("addressed by ") ? undefined : { text: `chosen: ${reason}`, isFallback: false };
}
