/** What of a node's update changes the state. Each channel that is written is validated, stored and told to streams, at every step. */
import { DeltaValue, ReducedValue } from "@langchain/langgraph";
import { type ConversationState, type ConversationUpdate, conversationState } from "./state.ts";

type Key = keyof ConversationState;

/** What is returned for a list or a sum is added to it. */
const isAdded = (key: string) => {
  const channel: unknown = conversationState.fields[key as Key];
  return DeltaValue.isInstance(channel) || ReducedValue.isInstance(channel);
};

function addsNothing(key: string, value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return key === "totals" && (value as ConversationState["totals"]).requests === 0;
}

/** The update without what adds nothing and what is already so. */
export function changesIn(state: ConversationState, update: ConversationUpdate): ConversationUpdate {
  const kept = Object.entries(update).filter(([key, value]) =>
    isAdded(key) ? !addsNothing(key, value) : value !== undefined && value !== state[key as Key],
  );
  return Object.fromEntries(kept);
}
