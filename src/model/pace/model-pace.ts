/** One model's pace: who waits, when the next may go, and what answers and rejections change about it. */
import { createFairQueue } from "./fair-queue.ts";
import { createGcra, type Gcra } from "./gcra.ts";
import { isTokenCount, smaller, tooLarge } from "./limit-checks.ts";
import type { Limits, Permit, PermitRequest, Priority } from "./permit.ts";
import { readRateHeaders } from "./rate-headers.ts";
import { SLOT_MS } from "./recent-total.ts";
import { createSlowDown } from "./slow-down.ts";
import { LONGEST_TIMER_MS, type Timer } from "./timer.ts";

export interface ModelPaceOptions {
  model: string;
  /** Milliseconds; never goes back. */
  clock: () => number;
  random: () => number;
  timer: Timer;
  /** Runs after the task at hand. */
  soon: (run: () => void) => void;
}

export interface ModelPace {
  /** @param configured the limits that are set; those of headers may only be smaller. */
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
  grant(permit: Permit): void;
  fail(reason: unknown): void;
}

const KINDS = ["requests", "tokens"] as const;

export function createModelPace({ model, clock, random, timer, soon }: ModelPaceOptions): ModelPace {
  const lanes: Record<(typeof KINDS)[number], Gcra> = {
    requests: createGcra({ isCounted: true }),
    tokens: createGcra({ isCounted: false }),
  };
  const queue = createFairQueue<Waiter>();
  const slowDown = createSlowDown(random);
  /** What headers said last. */
  const told: { requests?: number; tokens?: number } = {};
  let configured: Limits = {};
  let tokensPerMinute: number | undefined;
  let startedAt: number | undefined;
  let grantedAt = clock();
  let callOff: (() => void) | undefined;
  const leaving: { at: number; tokens: number }[] = [];

  const knownRequests = () => smaller(configured.requestsPerMinute, told.requests);

  /** A pace concluded from rejections is for want of a limit. */
  const requestsPerMinute = (now: number) => knownRequests() ?? slowDown.paceAt(now);

  function applyLimits(now: number): void {
    tokensPerMinute = smaller(configured.tokensPerMinute, told.tokens);
    lanes.requests.limitTo(requestsPerMinute(now));
    lanes.tokens.limitTo(tokensPerMinute);
  }

  const dueAt = (tokens: number, now: number) =>
    Math.max(slowDown.holdUntil, lanes.requests.dueAt(1, now), lanes.tokens.dueAt(tokens, now));

  function learn(headers: Headers, sent: { at: number; tokens: number }, now: number): void {
    const read = {
      requests: readRateHeaders(headers, "requests"),
      tokens: readRateHeaders(headers, "tokens"),
    };
    for (const kind of KINDS) {
      const { limit } = read[kind];
      // A limit below what was just let through says nothing true.
      if (limit !== undefined && limit >= (kind === "tokens" ? sent.tokens : 1)) told[kind] = limit;
    }
    applyLimits(now);
    for (const kind of KINDS) {
      const { limit, remaining, resetMs } = read[kind];
      if (remaining === undefined || resetMs === undefined) continue;
      const cost = kind === "tokens" ? sent.tokens : 1;
      lanes[kind].told({ remaining, resetMs, limit, grantedAt: sent.at, cost, now });
    }
  }

  /**
   * A busy machine may stop the process between letting go and sending. Where that was long, what went out counts from
   * when it surely had: windows would otherwise be passed by what comes after.
   */
  function restamp(): void {
    const now = clock();
    for (const sent of leaving) {
      if (now - sent.at < SLOT_MS) continue;
      lanes.requests.move(1, sent.at, now);
      lanes.tokens.move(sent.tokens, sent.at, now);
      sent.at = now;
    }
    leaving.length = 0;
  }

  function permit(reserved: number, since: number, at: number): Permit {
    lanes.requests.charge(1, at);
    lanes.tokens.charge(reserved, at);
    const sent = { at, tokens: reserved };
    // After this task and its microtasks, in which whoever is let go sends.
    if (leaving.push(sent) === 1) soon(restamp);
    startedAt ??= at;
    grantedAt = at;
    const { epoch } = slowDown;
    let isSettled = false;

    /** Whatever is learned may let the next go earlier or later. */
    function close(headers: Headers | undefined, tokens: number, change: (now: number) => void): void {
      if (isSettled) return;
      isSettled = true;
      const now = clock();
      change(now);
      if (headers !== undefined) learn(headers, { at: sent.at, tokens }, now);
      if (queue.size > 0) letGo();
    }

    return {
      waitedMs: at - since,
      settle({ tokens, headers }) {
        const actual = tokens !== undefined && isTokenCount(tokens) ? tokens : reserved;
        close(headers, actual, (now) => {
          if (actual !== reserved) lanes.tokens.correct(actual - reserved, sent.at, now);
          slowDown.accepted(epoch);
        });
      },
      rejected({ retryAfterMs, headers }) {
        close(headers, 0, (now) => {
          const observed =
            knownRequests() === undefined ? lanes.requests.observed(startedAt ?? at, now) : undefined;
          slowDown.rejected({ epoch, now, retryAfterMs, observed });
          applyLimits(now);
          // What was missed during the pause is not caught up: they come back one by one.
          for (const kind of KINDS) lanes[kind].resumeAt(slowDown.holdUntil);
        });
      },
    };
  }

  /** Lets everybody go who is due, and sets the one timer for who is next. */
  function letGo(): void {
    callOff?.();
    callOff = undefined;
    const now = clock();
    applyLimits(now);
    for (let waiter = queue.peek(); waiter !== undefined; waiter = queue.peek()) {
      const { tokens, since } = waiter;
      if (tokensPerMinute !== undefined && tokens > tokensPerMinute) {
        queue.take();
        waiter.fail(tooLarge(model, tokens, tokensPerMinute));
        continue;
      }
      const due = dueAt(tokens, now);
      if (due > now) {
        callOff = timer(letGo, Math.min(LONGEST_TIMER_MS, Math.ceil(due - now)));
        return;
      }
      queue.take();
      waiter.grant(permit(tokens, since, now));
    }
  }

  function wait(request: PermitRequest, since: number): Promise<Permit> {
    const { tokens, conversation, priority = "bulk", signal } = request;
    return new Promise((resolve, reject) => {
      const leave = () => {
        if (!queue.remove(waiter)) return;
        reject(signal?.reason);
        letGo();
      };
      const stopListening = () => signal?.removeEventListener("abort", leave);
      const waiter: Waiter = {
        conversation,
        priority,
        tokens,
        since,
        grant(granted) {
          stopListening();
          resolve(granted);
        },
        fail(reason) {
          stopListening();
          reject(reason);
        },
      };
      signal?.addEventListener("abort", leave, { once: true });
      queue.push(waiter);
      if (queue.peek() === waiter) letGo();
    });
  }

  return {
    acquire(request, limits) {
      const { tokens } = request;
      configured = limits;
      const now = clock();
      applyLimits(now);
      if (tokensPerMinute !== undefined && tokens > tokensPerMinute) {
        return Promise.reject(tooLarge(model, tokens, tokensPerMinute));
      }
      if (queue.size === 0 && dueAt(tokens, now) <= now) return Promise.resolve(permit(tokens, now, now));
      return wait(request, now);
    },
    limits(set) {
      configured = set;
      return {
        requestsPerMinute: requestsPerMinute(clock()),
        tokensPerMinute: smaller(configured.tokensPerMinute, told.tokens),
      };
    },
    idleSince: () => (queue.size > 0 ? undefined : Math.max(grantedAt, slowDown.holdUntil)),
  };
}
