/** What a conversation tells in LangGraph's stream mode `custom`, as it happens. */
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import type { SummaryEntry } from "../domain/summary.ts";
import type { Choice, Rating, Turn, TurnFailure } from "../domain/turn.ts";

/** Writes an event to whoever streams the mode `custom`. */
export const emit = ({ writer }: LangGraphRunnableConfig, event: ConversationEvent): void => writer?.(event);

export type ConversationEvent =
  | { type: "choice"; choice: Choice; complexity: Rating }
  | { type: "turn"; turn: Turn }
  | { type: "failure"; failure: TurnFailure }
  | { type: "summary"; summary: SummaryEntry }
  /** Something that is no failure, in a sentence for people. */
  | { type: "notice"; turn: number; text: string };
