/** When to ask again after what takes long: each time later. */
import type { WaveTiming } from "./wave-plan.ts";

const GROWTH = 1.5;

/** The pause after one of so many milliseconds: half as long again, at most `mostMs`. */
export const laterPause = (pauseMs: number, mostMs: number): number => Math.min(mostMs, pauseMs * GROWTH);

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
      const last = asked.get(key);
      const pauseMs =
        last === undefined ? Math.min(mostPollMs, firstPollMs) : laterPause(last.pauseMs, mostPollMs);
      asked.set(key, { at: clock(), pauseMs });
    },
    forget: (key) => void asked.delete(key),
  };
}
