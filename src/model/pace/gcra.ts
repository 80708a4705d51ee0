/**
 * The pace of one dimension (requests, or tokens) of one model: GCRA, with a second look at the windows a provider may
 * count in. Pure: time comes in as an argument, what comes out is when.
 *
 * Let L be the limit a minute, T0 = 60 s / L, and W a window of the provider's, of which neither the length nor the
 * beginning is known to us; it may hold C = L x W / 60 s.
 *
 * GCRA sends at T = T0 / SHARE and lets one be TOLERANCE_MS early, which is what late timers catch up with: a timer
 * that is late by less costs nothing, since the theoretical time goes on by T and not from when the timer fired. In any
 * stretch of W it lets through less than (W + TOLERANCE_MS) / T plus the last cost, that is for requests at most
 * ceil(SHARE x (W + TOLERANCE_MS) / T0). With SHARE = 0.975 and W = 2 s that stays within C for a tolerance of up to
 * W x (1 / SHARE - 1) = 51 ms, less what the way to the provider adds; and never for costs above 2.5 % of C.
 *
 * Such a tolerance is too small for a busy process, and token costs are not that small. So what was sent is also held
 * against C in the last W + WAY_MS exactly. For 6,000 requests a minute and W = 2 s these are 200 in 2.02 s (2.03 with
 * the grain of RecentTotal), 98.5 % of the limit and more than SHARE: in the long run the GCRA sets the pace, and the
 * window only cuts off what the tolerance would let through. What the pace stays below the limit is for the way: a
 * request may reach the provider up to WAY_MS sooner or later than its neighbours, and no window of theirs is passed.
 *
 * A request that is a large part of C leaves a gap in each window. One that is more than LARGEST_PART of C is therefore
 * held against the longer window of which it is that part, up to the minute that every limit is stated for. So no window
 * of 2 s is passed by requests of up to 4 % of what it holds, and none of a minute by any. Where there is always demand,
 * at least 96 % of the limit is used by requests of up to 2.5 % of C, and 95 % by those of up to 4 % of a minute's: where
 * 24.9 equal ones would fill a window, the provider itself takes but 24.
 */
import { createRecentTotal } from "./recent-total.ts";

const MINUTE_MS = 60_000;
const SHARE = 0.975;
const TOLERANCE_MS = 100;
const WAY_MS = 20;
const SHORTEST_WINDOW_MS = 2000;
const LARGEST_PART = 0.04;

/** What an answer's headers say about a limit, for the request that they answer. */
export interface Told {
  remaining: number;
  resetMs: number;
  /** Of the provider; default: the limit in force. */
  limit?: number | undefined;
  grantedAt: number;
  cost: number;
  now: number;
}

export interface Gcra {
  /** Undefined: not limited. */
  limitTo(perMinute: number | undefined): void;
  /** When a cost may be sent; not later than `now` for at once. */
  dueAt(cost: number, now: number): number;
  charge(cost: number, now: number): void;
  /** What was charged for `from` went out at `to` only: it leaves the windows so much later. */
  move(cost: number, from: number, to: number): void;
  /** The cost of what was sent at `sentAt` was other than charged, by so much. */
  correct(difference: number, sentAt: number, now: number): void;
  /** From then on at the pace, without catching up what was missed before. */
  resumeAt(time: number): void;
  /** Goes slower when the provider has less left than we think. */
  told(told: Told): void;
  /** Observed a minute, as the lower of the last 2 s and the last minute (or since `startedAt`). */
  observed(startedAt: number, now: number): number;
}

/** A bucket that refills all the time is full after the time its used part takes; a window's end has nothing to do with it. */
export function isRefilling(
  { remaining, resetMs }: Pick<Told, "remaining" | "resetMs">,
  limit: number,
): boolean {
  const refillMs = ((limit - remaining) * MINUTE_MS) / limit;
  return Math.abs(resetMs - refillMs) <= 100 + MINUTE_MS / limit + refillMs / 50;
}

/** `isCounted`: costs are 1 each, so that a window's capacity is whole; otherwise of any size. */
export function createGcra({ isCounted }: { isCounted: boolean }): Gcra {
  const recent = createRecentTotal();
  let limit: number | undefined;
  let intervalMs = 0;
  /** When, at the pace exactly, the next would be sent. */
  let theoreticalAt = Number.NEGATIVE_INFINITY;

  function windowOf(cost: number, perMinute: number): { windowMs: number; capacity: number } {
    const wanted = isCounted ? 0 : (cost * MINUTE_MS) / perMinute / LARGEST_PART;
    // A millisecond more, so that rounding does not keep the last of a whole number out.
    const windowMs = wanted <= SHORTEST_WINDOW_MS ? SHORTEST_WINDOW_MS : Math.min(MINUTE_MS, wanted + 1);
    const capacity = (perMinute * windowMs) / MINUTE_MS;
    return { windowMs: windowMs + WAY_MS, capacity: isCounted ? Math.ceil(capacity) : capacity };
  }

  return {
    limitTo(perMinute) {
      if (perMinute === limit) return;
      limit = perMinute;
      intervalMs = perMinute === undefined ? 0 : MINUTE_MS / perMinute / SHARE;
    },

    dueAt(cost, now) {
      if (limit === undefined) return Number.NEGATIVE_INFINITY;
      return Math.max(
        theoreticalAt - TOLERANCE_MS,
        recent.roomAt({ ...windowOf(cost, limit), cost, now }),
        recent.roomAt({ windowMs: MINUTE_MS + WAY_MS, capacity: Math.max(1, Math.floor(limit)), cost, now }),
      );
    },

    charge(cost, now) {
      recent.add(cost, now);
      if (limit !== undefined) theoreticalAt = Math.max(theoreticalAt, now) + cost * intervalMs;
    },

    move(cost, from, to) {
      recent.correct(-cost, from, to);
      recent.add(cost, to);
    },

    correct(difference, sentAt, now) {
      recent.correct(difference, sentAt, now);
      if (limit === undefined) return;
      // What someone else reports may hold us up for a minute, not for ever.
      theoreticalAt += Math.min(difference, limit) * intervalMs;
    },

    resumeAt(time) {
      theoreticalAt = Math.max(theoreticalAt, time + TOLERANCE_MS);
    },

    told(told) {
      const { remaining, resetMs, grantedAt, cost, now } = told;
      // A longer reset speaks of another limit, a day's; when that is used up, a 429 says so.
      if (limit === undefined || resetMs > MINUTE_MS + 1000) return;
      // Refilling: only the next request's cost must have come back. A window: what remains must last until its end.
      const neededMs = isRefilling(told, told.limit ?? limit) ? cost * intervalMs : resetMs;
      // The figures are of some moment between sending and now. Were they taken at the beginning, what was sent since
      // is not in them; at the end, it is. Each bound alone is the truth of one end, and what lies between is between.
      const sentSince = Math.max(0, recent.since(grantedAt, now) - cost);
      const atArrival = grantedAt + neededMs - (remaining - sentSince) * intervalMs;
      const atAnswer = now + neededMs - remaining * intervalMs;
      const startAt = Math.min(Math.max(atArrival, atAnswer), now + MINUTE_MS);
      if (startAt > now) theoreticalAt = Math.max(theoreticalAt, startAt + TOLERANCE_MS);
    },

    observed(startedAt, now) {
      const activeMs = Math.min(MINUTE_MS, Math.max(SHORTEST_WINDOW_MS, now - startedAt));
      const perMinute = (windowMs: number) => (recent.since(now - windowMs, now) * MINUTE_MS) / windowMs;
      return Math.min(perMinute(SHORTEST_WINDOW_MS), perMinute(activeMs));
    },
  };
}
