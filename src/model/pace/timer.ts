/** The timer of those that wait. */

/** Runs `fire` once after so many milliseconds; returns what calls it off. */
export type Timer = (fire: () => void, delayMs: number) => () => void;

/** Longer delays overflow and fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemTimer: Timer = (fire, delayMs) => {
  const timeout = setTimeout(fire, delayMs);
  return () => clearTimeout(timeout);
};
