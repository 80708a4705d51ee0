/** What a conversation tells in LangGraph's stream mode `custom`, as it happens. */
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import type { Choice, Rating, Turn, TurnFailure } from "../domain/turn.ts";

/** Writes an event to whoever streams the mode `custom`. */
export const emit = ({ writer }: LangGraphRunnableConfig, event: ConversationEvent): void => writer?.(event);

export type ConversationEvent =
  | { type: "choice"; choice: Choice; complexity: Rating }
  | { type: "turn"; turn: Turn }
  | { type: "failure"; failure: TurnFailure };
