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

export const STATUS_TITLES: Readonly<Record<Status, string>> = {
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

/** How the moderator came to the speaker when its first policy gave no valid choice. */
export function fallbackNote({ choice }: Pick<Turn, "choice">): string | undefined {
  if (choice.fallbackFrom === undefined) return undefined;
  const { policy, problem } = choice.fallbackFrom;
  return `speaker chosen by ${choice.policy} instead of ${policy}: ${problem}`;
}
