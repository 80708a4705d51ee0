/** Conversations that ask a limiter for leave, in simulated time with timers that are late. */
import { createLimiter, type LimiterOptions, type Permit } from "../../../src/model/pace/limiter.ts";

export interface Sent {
  at: number;
  tokens: number;
}

interface Scheduled {
  at: number;
  run: () => void;
  isOff: boolean;
}

/** A clock that goes on to the next event when nothing else is left to do. */
export function createSimulatedTime(startAt = 1000.5) {
  let now = startAt;
  const events: Scheduled[] = [];

  function at(time: number, run: () => void): Scheduled {
    const event = { at: time, run, isOff: false };
    const later = events.findLastIndex((other) => other.at <= time) + 1;
    events.splice(later, 0, event);
    return event;
  }

  return {
    now: () => now,
    /** The process does not run for a while: nobody notices but by the clock. */
    stall: (milliseconds: number) => {
      now += milliseconds;
    },
    after: (delayMs: number) => new Promise<void>((resolve) => void at(now + delayMs, resolve)),
    timer:
      (lateMs: () => number) =>
      (fire: () => void, delayMs: number): (() => void) => {
        const event = at(now + delayMs + lateMs(), fire);
        return () => {
          event.isOff = true;
        };
      },
    /** Runs all events until the work is done or the time is over. */
    async run(work: Promise<unknown>, untilMs = Number.POSITIVE_INFINITY): Promise<void> {
      let isDone = false;
      work.then(() => {
        isDone = true;
      });
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        if (isDone) return await work.then(() => undefined);
        const event = events.shift();
        if (event === undefined) throw new Error("Everybody waits, and nothing will happen.");
        if (event.isOff) continue;
        if (event.at - startAt > untilMs) return;
        now = Math.max(now, event.at);
        event.run();
      }
    },
  };
}

/** 32-bit xorshift: [0, 1). */
export function createRandom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

export interface SimulationOptions {
  limits?: LimiterOptions["limits"];
  conversations: number;
  /** Requests of each conversation; default: as many as the time allows. */
  requests?: number;
  durationMs?: number;
  tokens: () => number;
  latencyMs: () => number;
  lateMs: () => number;
  /** How long the process is stopped between being let go and sending; default: not at all. */
  stallMs?: () => number;
  random: () => number;
  /** What the provider makes of a request; default: an answer that says nothing. */
  answer?: (permit: Permit, tokens: number, now: number) => (now: number) => void;
}

/** Each conversation sends one request, awaits its answer, and sends the next. */
export async function simulate(options: SimulationOptions): Promise<{ sent: Sent[]; elapsedMs: number }> {
  const { limits, conversations, requests = Number.POSITIVE_INFINITY, durationMs, random } = options;
  const time = createSimulatedTime(1000 + random() * 10_000);
  const startedAt = time.now();
  const limiter = createLimiter({ limits, clock: time.now, random, timer: time.timer(options.lateMs) });
  const answer = options.answer ?? ((permit) => () => permit.settle({}));
  const sent: Sent[] = [];

  async function converse(conversation: string): Promise<void> {
    for (let i = 0; i < requests; i++) {
      const tokens = options.tokens();
      const permit = await limiter.acquire({ model: "m", tokens, conversation });
      time.stall(options.stallMs?.() ?? 0);
      sent.push({ at: time.now(), tokens });
      const close = answer(permit, tokens, time.now());
      await time.after(options.latencyMs());
      close(time.now());
    }
  }

  const all = Promise.all(Array.from({ length: conversations }, (_, index) => converse(`c${index}`)));
  await time.run(all, durationMs);
  return { sent, elapsedMs: time.now() - startedAt };
}

/** The most that any window of that length holds, wherever it begins. */
export function mostInWindow(sent: readonly Sent[], windowMs: number, size: (one: Sent) => number): number {
  let most = 0;
  let sum = 0;
  let first = 0;
  for (const one of sent) {
    sum += size(one);
    for (
      let oldest = sent[first];
      oldest !== undefined && one.at - oldest.at >= windowMs;
      oldest = sent[first]
    ) {
      sum -= size(oldest);
      first += 1;
    }
    most = Math.max(most, sum);
  }
  return most;
}
