/** How much of a limit is used: in a bucket that refills all the time, or in fixed windows. Pure arithmetic on a given time. */

const MINUTE_MS = 60_000;
/** What refilling loses to floating point: who waited as long as it was told must get through. */
const ROUNDING = 1e-6;

export interface Meter {
  /** The most that can be used at once. */
  readonly capacity: number;
  /** What is used now, and when (in ms from now) nothing of it is any more. */
  read(now: number): { used: number; resetMs: number };
  /** Milliseconds until `amount` fits; 0: now; undefined: never. */
  waitMs(amount: number, now: number): number | undefined;
  use(amount: number, now: number): void;
}

export function createBucket(perMinute: number, startedAt: number): Meter {
  let used = 0;
  let at = startedAt;
  const msFor = (amount: number) => (amount * MINUTE_MS) / perMinute;
  const refill = (now: number) => {
    used = Math.max(0, used - ((now - at) * perMinute) / MINUTE_MS);
    at = now;
  };
  return {
    capacity: perMinute,
    read(now) {
      refill(now);
      return { used, resetMs: msFor(used) };
    },
    waitMs(amount, now) {
      refill(now);
      if (amount > perMinute) return undefined;
      const excess = used + amount - perMinute;
      return excess <= ROUNDING ? 0 : msFor(excess - ROUNDING / 2);
    },
    use(amount, now) {
      refill(now);
      used += amount;
    },
  };
}

/** Windows begin at `startedAt` and every `windowMs` after it, whether or not anything is used in them. */
export function createWindow(perMinute: number, windowMs: number, startedAt: number): Meter {
  const capacity = Math.floor((perMinute * windowMs) / MINUTE_MS);
  let used = 0;
  let current = 0;
  const enter = (now: number) => {
    const window = Math.floor((now - startedAt) / windowMs);
    if (window !== current) used = 0;
    current = window;
  };
  const leftMs = (now: number) => startedAt + (current + 1) * windowMs - now;
  return {
    capacity,
    read(now) {
      enter(now);
      return { used, resetMs: used === 0 ? 0 : leftMs(now) };
    },
    waitMs(amount, now) {
      enter(now);
      if (amount > capacity) return undefined;
      return used + amount <= capacity ? 0 : leftMs(now);
    },
    use(amount, now) {
      enter(now);
      used += amount;
    },
  };
}
