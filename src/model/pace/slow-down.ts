/** What a 429 does to everybody who waits for a model: a pause for all together, then a pace to come back at. */

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** Limits of a day may name hours; nothing names more. */
const LONGEST_HINT_MS = 24 * 60 * 60 * 1000;
const LONGEST_JITTER_MS = 1000;

/** Requests a minute: the least that is concluded from a single rejection, and the least of all. */
const FIRST_LEAST = 600;
const LEAST = 60;
const DECREASE = 0.5;
/** Share of the lowered pace that comes back each second; at double the pace it is forgotten. */
const INCREASE_A_SECOND = 0.05;
const FORGOTTEN_AT = 2;

export interface Rejection {
  /** `epoch` when the request was let go: rejections of requests that left together are one. */
  epoch: number;
  now: number;
  retryAfterMs?: number | undefined;
  /** Requests a minute that went out lately; undefined when the limit is known, which then is the pace. */
  observed: number | undefined;
}

export interface SlowDown {
  /** Counts pauses. */
  readonly epoch: number;
  /** Nobody goes before. */
  readonly holdUntil: number;
  /** Requests a minute learned from rejections; undefined: none. */
  paceAt(now: number): number | undefined;
  rejected(rejection: Rejection): void;
  accepted(epoch: number): void;
}

export function createSlowDown(random: () => number): SlowDown {
  let epoch = 0;
  let holdUntil = Number.NEGATIVE_INFINITY;
  let growth = 0;
  let pace: number | undefined;

  function paceAt(now: number): number | undefined {
    if (pace === undefined) return undefined;
    const factor = 1 + (Math.max(0, now - holdUntil) / 1000) * INCREASE_A_SECOND;
    if (factor >= FORGOTTEN_AT) pace = undefined;
    return pace === undefined ? undefined : pace * factor;
  }

  /** Full jitter over a doubling pause; after a hint a little, since other processes were told the same. */
  function pauseMs(hintMs: number | undefined): number {
    if (hintMs !== undefined) return hintMs + random() * Math.min(hintMs / 4, LONGEST_JITTER_MS);
    return random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (growth - 1));
  }

  return {
    get epoch() {
      return epoch;
    },
    get holdUntil() {
      return holdUntil;
    },
    paceAt,
    rejected({ epoch: sentIn, now, retryAfterMs, observed }) {
      const isHint = retryAfterMs !== undefined && retryAfterMs > 0;
      const hintMs = isHint ? Math.min(retryAfterMs, LONGEST_HINT_MS) : undefined;
      const isNew = sentIn === epoch;
      if (isNew) {
        const lowered = paceAt(now);
        if (observed === undefined) pace = undefined;
        else
          pace =
            lowered === undefined ? Math.max(FIRST_LEAST, observed) : Math.max(LEAST, lowered * DECREASE);
        epoch += 1;
        growth += 1;
      }
      if (isNew || hintMs !== undefined) holdUntil = Math.max(holdUntil, now + pauseMs(hintMs));
    },
    accepted(sentIn) {
      if (sentIn === epoch) growth = 0;
    },
  };
}
