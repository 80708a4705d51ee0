/** When to ask again after what takes long: each time later. */
import type { WaveTiming } from "./wave-plan.ts";

/** Each pause is so much longer than the one before. */
export const LATER = 1.5;

export interface Patience {
  isDue(key: string): boolean;
  /** Asked just now. */
  later(key: string): void;
  forget(key: string): void;
}

/** @param clock milliseconds; one that is set back makes no pause longer */
export function createPatience(
  { firstPollMs, mostPollMs }: Pick<WaveTiming, "firstPollMs" | "mostPollMs">,
  clock: () => number,
): Patience {
  const asked = new Map<string, { at: number; pauseMs: number }>();
  return {
    isDue(key) {
      const last = asked.get(key);
      if (last === undefined) return true;
      const sinceMs = clock() - last.at;
      return sinceMs < 0 || sinceMs >= last.pauseMs;
    },
    later(key) {
      const pauseMs = Math.min(mostPollMs, (asked.get(key)?.pauseMs ?? firstPollMs / LATER) * LATER);
      asked.set(key, { at: clock(), pauseMs });
    },
    forget: (key) => void asked.delete(key),
  };
}
