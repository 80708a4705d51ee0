/**
 * What turns paid before they were broken off: by a tool that calls `interrupt()`, or by LangGraph's own signal. The graph
 * forgets such a step and takes it anew, so its requests would be missing from usage, totals and budget. They are kept in
 * memory until the turn is taken again; a process that goes on in another's place does not know them.
 */
import { LRUCache } from "lru-cache";
import type { Attempt } from "../domain/attempt.ts";
import type { UsageEntry } from "../domain/usage.ts";

export interface Paid {
  usage: readonly UsageEntry[];
  attempts: readonly Attempt[];
}

/** Of one turn of one conversation. */
export interface TurnKey {
  conversationId: string;
  turn: number;
}

export interface BrokenOff {
  keep(key: TurnKey, paid: Paid): void;
  /** What was kept, once. */
  take(key: TurnKey): Paid;
}

/** Turns nobody ever goes on with must not fill the memory. */
const MOST_TURNS = 1_000;
const NOTHING: Paid = { usage: [], attempts: [] };

export function createBrokenOff(): BrokenOff {
  const turns = new LRUCache<string, Paid>({ max: MOST_TURNS });
  const nameOf = ({ conversationId, turn }: TurnKey) => `${turn} ${conversationId}`;
  return {
    keep(key, paid) {
      if (paid.usage.length + paid.attempts.length > 0) turns.set(nameOf(key), paid);
    },
    take(key) {
      const paid = turns.get(nameOf(key));
      turns.delete(nameOf(key));
      return paid ?? NOTHING;
    },
  };
}
