/** What a conversation tells in LangGraph's stream mode `custom`, as it happens. */
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import type { Attempt } from "../domain/attempt.ts";
import type { SummaryEntry } from "../domain/summary.ts";
import type { Choice, Rating, Turn, TurnFailure } from "../domain/turn.ts";

/** Writes an event to whoever streams the mode `custom`. */
export const emit = ({ writer }: LangGraphRunnableConfig, event: ConversationEvent): void => writer?.(event);

/** What the stream mode `custom` and `onEvent` tell; decide by `type`. */
export type ConversationEvent =
  | { type: "choice"; choice: Choice; complexity: Rating }
  | TokenEvent
  /** A request of the turn failed; with `waitMs` it is made again after that time. */
  | { type: "attempt"; attempt: Attempt }
  | { type: "turn"; turn: Turn }
  | { type: "failure"; failure: TurnFailure }
  | { type: "summary"; summary: SummaryEntry }
  /** Something that is no failure, in a sentence for people. */
  | { type: "notice"; turn: number; text: string };

/**
 * Words of a message that is still arriving, plain text; only told in runs whose context says `stream: true`.
 *
 * Append `text` to what the turn has told; when `attempt` is another than before, drop that first: the request was
 * retried, or the answer repaired. The texts of a turn's last attempt make up the message of its event `turn`. A turn
 * that comes to nothing ends with a `failure` whose outcome is not `repaired` instead: drop what it told.
 */
export interface TokenEvent {
  type: "token";
  turn: number;
  speaker: string;
  /** Never empty. */
  text: string;
  /** Counts from 1 the attempts of this turn that said anything. */
  attempt: number;
}
