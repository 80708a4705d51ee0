/**
 * One model's pace in one of several processes: who waits here, and the slots that were booked for them in the store. A few
 * are booked at a time, about what a tenth of a second holds; whoever is due goes, and the next are booked before they run out.
 */
import { DramatisError } from "../../domain/errors.ts";
import {
  type Booking,
  LATE_MS,
  type PaceRejection,
  type PaceState,
  type PaceStep,
} from "../../store/pace.ts";
import { createFairQueue } from "./fair-queue.ts";
import { isTokenCount, smaller, tooLarge } from "./limit-checks.ts";
import type { Limits, Permit, PermitRequest, Priority } from "./permit.ts";
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

interface Waiter {
  readonly conversation: string | undefined;
  readonly priority: Priority;
  readonly tokens: number;
  readonly since: number;
  /** An interactive one took its slot; that happens once. */
  wasPassed: boolean;
  hasLeft: boolean;
  grant(permit: Permit): void;
  fail(reason: unknown): void;
}

interface Slot {
  waiter: Waiter;
  readonly tokens: number;
  readonly pauses: number;
  /** At the store's clock, and at ours. */
  readonly at: number;
  readonly dueAt: number;
  /** When the store last said that nothing speaks against it. */
  checkedAt: number;
}

/** What is booked at a time. */
const BATCH_MS = 100;
const LARGEST_BATCH = 64;
/** A slot that was booked longer ago is asked for again before it is used: all may have been told to pause since. */
const CHECK_AFTER_MS = 500;
const CHECK_BEFORE_MS = 30;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5000;
/** A store that is away for longer ends the requests that wait for it. */
const GIVE_UP_MS = 60_000;

export function createSharedModelPace(options: SharedModelPaceOptions): SharedModelPace {
  const { model, pace, clock, random, timer } = options;
  const queue = createFairQueue<Waiter>();
  /** Before the queue: those whose slot was lost, or taken by an interactive one. */
  const first: Waiter[] = [];
  /** In the order of their times. */
  let booked: Slot[] = [];
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
  let failures = 0;
  let failingSince = 0;
  let retryAt = Number.NEGATIVE_INFINITY;
  let grantedAt = clock();
  let callOff: (() => void) | undefined;

  const inForce = (): Limits => ({
    requestsPerMinute: smaller(configured.requestsPerMinute, known.requestsPerMinute),
    tokensPerMinute: smaller(configured.tokensPerMinute, known.tokensPerMinute),
  });

  const isWaitedFor = () => first.length + queue.size > 0;

  const needsCheck = ({ dueAt, checkedAt }: Slot) => dueAt - checkedAt > CHECK_AFTER_MS;

  function batchSize(): number {
    const { requestsPerMinute, tokensPerMinute } = inForce();
    const next = first[0] ?? queue.peek();
    const byTokens = (tokensPerMinute ?? Number.POSITIVE_INFINITY) / Math.max(1, next?.tokens ?? 1);
    const perMinute = Math.min(requestsPerMinute ?? Number.POSITIVE_INFINITY, byTokens);
    // Nothing is known yet, but the store may know a low limit.
    if (state === undefined && perMinute === Number.POSITIVE_INFINITY) return 1;
    return Math.max(1, Math.min(LARGEST_BATCH, Math.ceil((perMinute * BATCH_MS) / 60_000)));
  }

  function putBack(slots: readonly Slot[]): void {
    first.unshift(...slots.map(({ waiter }) => waiter));
  }

  function permit(slot: Slot, waiter: Waiter, now: number): Permit {
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
      waitedMs: now - waiter.since,
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
          putBack(booked);
          booked = [];
        }
        advance();
      },
    };
  }

  /** A pace concluded from rejections is no limit that is known. */
  const inForceOrTold = (): Limits => ({
    requestsPerMinute: smaller(configured.requestsPerMinute, told.requestsPerMinute),
  });

  /** Whether a waiter may have what another was booked. */
  const fits = (waiter: Waiter | undefined, tokens: number): waiter is Waiter =>
    waiter !== undefined && (inForce().tokensPerMinute === undefined || waiter.tokens <= tokens);

  /** An interactive one that has just come goes before a bulk one that has a slot already. */
  function takerOf(slot: Slot): Waiter {
    const { waiter, tokens } = slot;
    const urgent = queue.peek();
    const passes =
      waiter.priority === "bulk" &&
      !waiter.wasPassed &&
      urgent?.priority === "interactive" &&
      fits(urgent, tokens);
    if (!passes) return waiter;
    waiter.wasPassed = true;
    first.unshift(waiter);
    return queue.take() ?? waiter;
  }

  function letGo(now: number): void {
    const late: Slot[] = [];
    for (let slot = booked[0]; slot !== undefined; slot = booked[0]) {
      if (slot.dueAt > now || needsCheck(slot)) break;
      booked.shift();
      if (now - slot.dueAt > LATE_MS) late.push(slot);
      else {
        const waiter = takerOf(slot);
        waiter.grant(permit(slot, waiter, now));
      }
    }
    putBack(late);
  }

  /** Gives the slot of someone who left to the next who fits in, else back to the store. */
  function handOver(slot: Slot): void {
    const heir = fits(first[0], slot.tokens)
      ? first.shift()
      : fits(queue.peek(), slot.tokens)
        ? queue.take()
        : undefined;
    if (heir !== undefined) {
      slot.waiter = heir;
      return;
    }
    booked = booked.filter((other) => other !== slot);
    unused.requests += 1;
    unused.tokens += slot.tokens;
    isUrgent = true;
  }

  function takeBatch(): Waiter[] {
    const batch: Waiter[] = [];
    const most = batchSize();
    const { tokensPerMinute } = inForce();
    while (batch.length < most) {
      const waiter = first.shift() ?? queue.take();
      if (waiter === undefined) break;
      if (tokensPerMinute !== undefined && waiter.tokens > tokensPerMinute)
        waiter.fail(tooLarge(model, waiter.tokens, tokensPerMinute));
      else batch.push(waiter);
    }
    return batch;
  }

  function heard(heard: PaceState, now: number): void {
    const hasPaused = state !== undefined && heard.pauses !== state.pauses;
    state = heard;
    for (const slot of booked) slot.checkedAt = now;
    if (!hasPaused) return;
    putBack(booked.filter(({ at }) => at < heard.pausedUntil));
    booked = booked.filter(({ at }) => at >= heard.pausedUntil);
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
    heard(booking, now);
    for (const [index, waiter] of batch.entries()) {
      const at = booking.slots[index] ?? booking.at;
      const { tokens } = waiter;
      const slot = {
        waiter,
        tokens,
        pauses: booking.pauses,
        at,
        dueAt: storeClock.localOf(at),
        checkedAt: now,
      };
      const most = inForce().tokensPerMinute;
      if (most !== undefined && tokens > most && !waiter.hasLeft) {
        waiter.hasLeft = true;
        waiter.fail(tooLarge(model, tokens, most));
      }
      booked.push(slot);
      if (waiter.hasLeft) handOver(slot);
    }
    // Whoever was turned away meanwhile knows more than what was booked before.
    if (rejections.length > 0) putBack(booked.splice(0));
  }

  async function tellRejection(rejection: PaceRejection): Promise<void> {
    const sentAt = clock();
    const paused = await pace.pause(rejection);
    const now = clock();
    storeClock.observe({ sentAt, receivedAt: now, at: paused.at });
    rejections.shift();
    heard(paused, now);
  }

  /** What is to be asked next of the store; one thing at a time. */
  function nextAsk(now: number): (() => Promise<void>) | undefined {
    if (now < retryAt) return undefined;
    const [rejection] = rejections;
    if (rejection !== undefined) return () => tellRejection(rejection);
    const [slot] = booked;
    const isDueForCheck = slot !== undefined && needsCheck(slot) && slot.dueAt - CHECK_BEFORE_MS <= now;
    const isShort = isWaitedFor() && booked.length <= batchSize() / 2;
    if (!isShort && !isDueForCheck && !isUrgent) return undefined;
    const batch = isShort ? takeBatch() : [];
    return async () => {
      try {
        await ask(batch);
      } catch (error) {
        first.unshift(...batch.filter(({ hasLeft }) => !hasLeft));
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
    for (
      let waiter = first.shift() ?? queue.take();
      waiter !== undefined;
      waiter = first.shift() ?? queue.take()
    )
      waiter.fail(error);
  }

  /** Lets everybody go who is due, asks the store for what is needed, and sets the one timer for what comes next. */
  function advance(): void {
    callOff?.();
    callOff = undefined;
    const now = clock();
    letGo(now);
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
    const wakes = booked
      .slice(0, 1)
      .map((slot) => (needsCheck(slot) ? Math.max(retryAt, slot.dueAt - CHECK_BEFORE_MS) : slot.dueAt));
    if (retryAt > now && (isWaitedFor() || rejections.length > 0)) wakes.push(retryAt);
    const wake = Math.min(...wakes);
    // A check that is on its way calls again when it is there.
    if (wake !== Number.POSITIVE_INFINITY && (wake > now || !isAsking))
      callOff = timer(advance, Math.min(LONGEST_TIMER_MS, Math.max(1, Math.ceil(wake - now))));
  }

  function leave(waiter: Waiter): void {
    waiter.hasLeft = true;
    const place = first.indexOf(waiter);
    const slot = booked.find((one) => one.waiter === waiter);
    if (place >= 0) first.splice(place, 1);
    else if (slot !== undefined) handOver(slot);
    else queue.remove(waiter);
    advance();
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
          leave(waiter);
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
        queue.push(waiter);
        advance();
      });
    },
    limits(set) {
      configured = set;
      return inForce();
    },
    idleSince: () =>
      isWaitedFor() || booked.length > 0 || isAsking || rejections.length > 0 ? undefined : grantedAt,
  };
}
