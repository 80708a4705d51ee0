/**
 * One model's pace in one of several processes: who waits here, and the slots that were booked for them in the store. A few
 * are booked at a time, about what a tenth of a second holds; whoever is due goes, and the next are booked before they run out.
 */
import { DramatisError } from "../../domain/errors.ts";
import type { Booking, PaceRejection, PaceState, PaceStep } from "../../store/pace.ts";
import { createBookedSlots, type Slot, type Waiter } from "./booked-slots.ts";
import { isTokenCount, smaller, tooLarge } from "./limit-checks.ts";
import type { Limits, Permit, PermitRequest } from "./permit.ts";
import { createRemoteClock } from "./remote-clock.ts";
import { LONGEST_TIMER_MS, type Timer } from "./timer.ts";
import { heldBack, toldLimits } from "./told-limits.ts";

/** What a store does for one account and model. */
export interface SharedPace {
  book(step: PaceStep): Promise<Booking>;
  pause(rejection: PaceRejection): Promise<PaceState>;
}

export interface SharedModelPaceOptions {
  model: string;
  pace: SharedPace;
  /** Milliseconds; never goes back. */
  clock: () => number;
  random: () => number;
  timer: Timer;
}

export interface SharedModelPace {
  acquire(request: PermitRequest, configured: Limits): Promise<Permit>;
  limits(configured: Limits): Limits;
  /** Since when nobody was let go or waits; undefined: somebody waits. */
  idleSince(): number | undefined;
}

/** What is booked at a time. */
const BATCH_MS = 100;
const LARGEST_BATCH = 64;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5000;
/** A store that is away for longer ends the requests that wait for it. */
const GIVE_UP_MS = 60_000;

export function createSharedModelPace(options: SharedModelPaceOptions): SharedModelPace {
  const { model, pace, clock, random, timer } = options;
  const slots = createBookedSlots(() => inForce().tokensPerMinute !== undefined);
  const storeClock = createRemoteClock();
  let state: PaceState | undefined;
  let known: Limits = {};
  let configured: Limits = {};
  let told: Limits = {};
  /** To be told to the store with the next statement, or at once. */
  let news: Pick<PaceStep, "told" | "holdMs" | "accepted"> = {};
  let unused = { requests: 0, tokens: 0 };
  let isUrgent = false;
  const rejections: PaceRejection[] = [];
  let isAsking = false;
  let isComing = false;
  let failures = 0;
  let failingSince = 0;
  let retryAt = Number.NEGATIVE_INFINITY;
  let grantedAt = clock();
  let callOff: (() => void) | undefined;

  const inForce = (): Limits => ({
    requestsPerMinute: smaller(configured.requestsPerMinute, known.requestsPerMinute),
    tokensPerMinute: smaller(configured.tokensPerMinute, known.tokensPerMinute),
  });

  function batchSize(): number {
    const { requestsPerMinute, tokensPerMinute } = inForce();
    const next = slots.peek();
    const byTokens = (tokensPerMinute ?? Number.POSITIVE_INFINITY) / Math.max(1, next?.tokens ?? 1);
    const perMinute = Math.min(requestsPerMinute ?? Number.POSITIVE_INFINITY, byTokens);
    // Nothing is known yet, but the store may know a low limit.
    if (state === undefined && perMinute === Number.POSITIVE_INFINITY) return 1;
    return Math.max(1, Math.min(LARGEST_BATCH, Math.ceil((perMinute * BATCH_MS) / 60_000)));
  }

  function permit(slot: Slot, now: number): Permit {
    grantedAt = now;
    let isSettled = false;
    const learn = (headers: Headers | undefined, cost: number) => {
      if (headers === undefined) return;
      const said = toldLimits(headers, cost);
      const isNew =
        (said.requestsPerMinute ?? told.requestsPerMinute) !== told.requestsPerMinute ||
        (said.tokensPerMinute ?? told.tokensPerMinute) !== told.tokensPerMinute;
      if (isNew) {
        told = { ...told, ...said };
        news.told = told;
      }
      const holdMs = heldBack(headers, { cost, limits: inForce() });
      if (holdMs !== undefined) news.holdMs = holdMs;
      isUrgent ||= isNew || holdMs !== undefined;
    };
    return {
      waitedMs: now - slot.waiter.since,
      settle({ tokens, headers }) {
        if (isSettled) return;
        isSettled = true;
        const actual = tokens !== undefined && isTokenCount(tokens) ? tokens : slot.tokens;
        unused.tokens += slot.tokens - actual;
        // A difference that matters to the others is not kept until somebody here asks again.
        isUrgent ||= Math.abs(unused.tokens) * 100 > (inForce().tokensPerMinute ?? Number.POSITIVE_INFINITY);
        if (state?.pauses === slot.pauses && state.growth > 0) {
          news.accepted = slot.pauses;
          isUrgent = true;
        }
        learn(headers, actual);
        advance();
      },
      rejected({ retryAfterMs, headers }) {
        if (isSettled) return;
        isSettled = true;
        learn(headers, 0);
        const isKnown =
          state !== undefined &&
          slot.pauses < state.pauses &&
          storeClock.localOf(state.pausedUntil) >= clock() + (retryAfterMs ?? 0);
        if (!isKnown) {
          rejections.push({ limits: inForceOrTold(), pauses: slot.pauses, retryAfterMs, jitter: random() });
          slots.clear();
        }
        advance();
      },
    };
  }

  /** A pace concluded from rejections is no limit that is known. */
  const inForceOrTold = (): Limits => ({
    requestsPerMinute: smaller(configured.requestsPerMinute, told.requestsPerMinute),
  });

  /** Booked, and nobody here can use it. */
  function giveBack(slot: Slot | undefined): void {
    if (slot === undefined) return;
    unused.requests += 1;
    unused.tokens += slot.tokens;
    isUrgent = true;
  }

  function takeBatch(): Waiter[] {
    const batch: Waiter[] = [];
    const most = batchSize();
    const { tokensPerMinute } = inForce();
    while (batch.length < most) {
      const waiter = slots.take();
      if (waiter === undefined) break;
      if (tokensPerMinute !== undefined && waiter.tokens > tokensPerMinute)
        waiter.fail(tooLarge(model, waiter.tokens, tokensPerMinute));
      else batch.push(waiter);
    }
    return batch;
  }

  async function ask(batch: readonly Waiter[]): Promise<void> {
    const step = { costs: batch.map(({ tokens }) => tokens), limits: configured, unused, ...news };
    unused = { requests: 0, tokens: 0 };
    news = {};
    isUrgent = false;
    const sentAt = clock();
    const booking = await pace.book(step);
    const now = clock();
    storeClock.observe({ sentAt, receivedAt: now, at: booking.at });
    known = booking.limits;
    state = booking;
    slots.checked(now, booking.pausedUntil);
    for (const [index, waiter] of batch.entries()) {
      const at = booking.slots[index] ?? booking.at;
      const { tokens } = waiter;
      const dueAt = storeClock.localOf(at);
      slots.add({ waiter, tokens, pauses: booking.pauses, at, dueAt, checkedAt: now });
      const most = inForce().tokensPerMinute;
      if (most !== undefined && tokens > most && !waiter.hasLeft) {
        waiter.hasLeft = true;
        waiter.fail(tooLarge(model, tokens, most));
      }
      if (waiter.hasLeft) giveBack(slots.leave(waiter));
    }
    // Whoever was turned away meanwhile knows more than what was booked before.
    if (rejections.length > 0) slots.clear();
  }

  async function tellRejection(rejection: PaceRejection): Promise<void> {
    const sentAt = clock();
    const paused = await pace.pause(rejection);
    const now = clock();
    storeClock.observe({ sentAt, receivedAt: now, at: paused.at });
    rejections.shift();
    state = paused;
    slots.checked(now, paused.pausedUntil);
  }

  /** What is to be asked next of the store; one thing at a time. */
  function nextAsk(now: number): (() => Promise<void>) | undefined {
    if (now < retryAt) return undefined;
    const [rejection] = rejections;
    if (rejection !== undefined) return () => tellRejection(rejection);
    const isDueForCheck = slots.needsCheck(now);
    const isShort = slots.isWaitedFor && slots.size <= batchSize() / 2;
    if (!isShort && !isDueForCheck && !isUrgent) return undefined;
    const batch = isShort ? takeBatch() : [];
    return async () => {
      try {
        await ask(batch);
      } catch (error) {
        slots.putBack(batch);
        throw error;
      }
    };
  }

  function failed(cause: unknown): void {
    const now = clock();
    failures += 1;
    if (failures === 1) failingSince = now;
    retryAt = now + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
    if (now - failingSince < GIVE_UP_MS) return;
    rejections.length = 0;
    const error = new DramatisError(
      "store-failed",
      `${model}: the store that keeps the rate limit could not be asked for ${Math.round((now - failingSince) / 1000)} s. Nothing was sent. Check that its database runs and can be reached.`,
      { cause },
    );
    for (let waiter = slots.take(); waiter !== undefined; waiter = slots.take()) waiter.fail(error);
  }

  /** Lets everybody go who is due, asks the store for what is needed, and sets the one timer for what comes next. */
  function advance(): void {
    callOff?.();
    callOff = undefined;
    isComing = false;
    const now = clock();
    for (const slot of slots.takeDue(now)) slot.waiter.grant(permit(slot, now));
    const task = isAsking ? undefined : nextAsk(now);
    if (task !== undefined) {
      isAsking = true;
      // What failed long before is another story.
      if (now - retryAt > LONGEST_RETRY_MS) failures = 0;
      task()
        .then(() => {
          failures = 0;
        }, failed)
        .finally(() => {
          isAsking = false;
          advance();
        });
    }
    const next = slots.wakeAt();
    const wakes = next === undefined ? [] : [next.isCheck ? Math.max(retryAt, next.at) : next.at];
    if (retryAt > now && (slots.isWaitedFor || rejections.length > 0)) wakes.push(retryAt);
    const wake = Math.min(...wakes);
    // A check that is on its way calls again when it is there.
    if (wake !== Number.POSITIVE_INFINITY && (wake > now || !isAsking))
      callOff = timer(advance, Math.min(LONGEST_TIMER_MS, Math.max(1, Math.ceil(wake - now))));
  }

  return {
    acquire({ tokens, conversation, priority = "bulk", signal }, limits) {
      configured = limits;
      const { tokensPerMinute } = inForce();
      if (tokensPerMinute !== undefined && tokens > tokensPerMinute)
        return Promise.reject(tooLarge(model, tokens, tokensPerMinute));
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          reject(signal?.reason);
          giveBack(slots.leave(waiter));
          advance();
        };
        const stopListening = () => signal?.removeEventListener("abort", onAbort);
        const waiter: Waiter = {
          conversation,
          priority,
          tokens,
          since: clock(),
          wasPassed: false,
          hasLeft: false,
          grant(granted) {
            stopListening();
            resolve(granted);
          },
          fail(reason) {
            stopListening();
            reject(reason);
          },
        };
        signal?.addEventListener("abort", onAbort, { once: true });
        slots.push(waiter);
        // Those that come together are booked together.
        if (isComing) return;
        isComing = true;
        queueMicrotask(advance);
      });
    },
    limits(set) {
      configured = set;
      return inForce();
    },
    idleSince: () =>
      slots.isWaitedFor || slots.size > 0 || isAsking || rejections.length > 0 ? undefined : grantedAt,
  };
}
