/** What of a node's update changes the state. Each channel that is written is validated, stored and told to streams, at every step. */
import type { ConversationState, ConversationUpdate } from "./state.ts";

type Key = keyof ConversationState;

/** Lists and sums that what is returned is added to. */
const ADDED: ReadonlySet<string> = new Set<Key>([
  "messages",
  "turns",
  "failures",
  "notices",
  "usage",
  "attempts",
  "summaries",
  "totals",
]);

function addsNothing(key: string, value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return key === "totals" && (value as ConversationState["totals"]).requests === 0;
}

/** The update without what adds nothing and what is already so. */
export function changesIn(state: ConversationState, update: ConversationUpdate): ConversationUpdate {
  const kept = Object.entries(update).filter(([key, value]) =>
    ADDED.has(key) ? !addsNothing(key, value) : value !== undefined && value !== state[key as Key],
  );
  return Object.fromEntries(kept);
}
