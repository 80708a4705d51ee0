/** What the limiter is for, in simulated time: as much as the limits allow, and never more. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Permit } from "../../../src/model/pace/limiter.ts";
import { ApiError } from "../../../src/offline/api-error.ts";
import { createRateLimiter } from "../../../src/offline/rate-limit.ts";
import { createRandom, mostInWindow, type Sent, simulate } from "./simulation.ts";

const countOf = () => 1;
const tokensOf = ({ tokens }: Sent) => tokens;

/** Mostly a few milliseconds, now and then a collector of garbage. */
const lateBy = (random: () => number, mostMs: number) => () =>
  random() < 0.01 ? random() * 60 : random() * mostMs;

/** How much a minute went out between the first and the last. */
function rateOf(sent: readonly Sent[], size: (one: Sent) => number): number {
  const [first, last] = [sent.at(0), sent.at(-1)];
  if (first === undefined || last === undefined) return 0;
  const total = sent.slice(0, -1).reduce((sum, one) => sum + size(one), 0);
  return (total * 60_000) / (last.at - first.at);
}

/** As they arrive, each somewhat later or sooner than its neighbours. */
const onTheWay = (sent: readonly Sent[], random: () => number, mostMs: number) =>
  sent.map((one) => ({ ...one, at: one.at + random() * mostMs })).sort((a, b) => a.at - b.at);

const common = {
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  conversations: fc.integer({ min: 2, max: 50 }),
  lateMs: fc.double({ min: 0, max: 9, noNaN: true }),
};

describe("the pace", () => {
  it("lets 50 conversations finish 2,400 requests at 6,000 a minute without a window of 2 s above 200", async () => {
    const random = createRandom(7);
    const { sent, elapsedMs } = await simulate({
      limits: { requestsPerMinute: 6000 },
      conversations: 50,
      requests: 48,
      tokens: () => 1000,
      latencyMs: () => 200 + random() * 3,
      lateMs: lateBy(random, 4),
      random,
    });
    expect(sent).toHaveLength(2400);
    expect(mostInWindow(onTheWay(sent, random, 15), 2000, countOf)).toBeLessThanOrEqual(200);
    expect(elapsedMs).toBeLessThan(25_200);
    expect(elapsedMs).toBeGreaterThan(24_000);
  });

  it("keeps requests within the limit in every window of 2 s and of a minute, and uses 96 % of it", async () => {
    const requests = fc.record({ ...common, perTwoSeconds: fc.integer({ min: 1, max: 300 }) });
    await fc.assert(
      fc.asyncProperty(requests, async ({ seed, conversations, lateMs, perTwoSeconds }) => {
        const random = createRandom(seed);
        const perMinute = perTwoSeconds * 30;
        const durationMs = Math.min(130_000, Math.max(20_000, (2000 / perMinute) * 60_000));
        const { sent } = await simulate({
          limits: { requestsPerMinute: perMinute },
          conversations,
          durationMs,
          tokens: () => 1000,
          latencyMs: () => Math.min(200, (conversations * 60_000) / perMinute / 2),
          lateMs: lateBy(random, lateMs),
          random,
        });
        const arrived = onTheWay(sent, random, 20);
        expect(mostInWindow(arrived, 2000, countOf)).toBeLessThanOrEqual(perTwoSeconds);
        expect(mostInWindow(arrived, 60_000, countOf)).toBeLessThanOrEqual(perMinute);
        expect(rateOf(sent, countOf)).toBeGreaterThanOrEqual(0.96 * perMinute);
      }),
      { numRuns: 40 },
    );
  });

  it("keeps tokens within the limit in every window of a minute, and of 2 s where requests are small against it", async () => {
    const tokens = fc.record({
      ...common,
      largest: fc.integer({ min: 500, max: 20_000 }),
      /** The largest request as a share of what 2 s may hold; above 30 none could be sent. */
      part: fc.oneof(
        fc.double({ min: 0.005, max: 0.04, noNaN: true }),
        fc.double({ min: 0.04, max: 1.2, noNaN: true }),
        fc.double({ min: 1.2, max: 29, noNaN: true }),
      ),
    });
    await fc.assert(
      fc.asyncProperty(tokens, async ({ seed, conversations, lateMs, largest, part }) => {
        const random = createRandom(seed);
        const perMinute = Math.ceil((largest / part) * 30);
        const latencyMs = Math.min(200, (conversations * 500 * 60_000) / perMinute / 2);
        const { sent } = await simulate({
          limits: { tokensPerMinute: perMinute },
          conversations,
          durationMs: Math.min(600_000, Math.max(10_000, 1200 * 2000 * part)),
          tokens: () => 500 + Math.floor(random() * (largest - 499)),
          latencyMs: () => latencyMs,
          lateMs: lateBy(random, lateMs),
          random,
        });
        const arrived = onTheWay(sent, random, 20);
        expect(mostInWindow(arrived, 60_000, tokensOf)).toBeLessThanOrEqual(perMinute);
        if (part <= 0.04) {
          expect(mostInWindow(arrived, 2000, tokensOf)).toBeLessThanOrEqual(perMinute / 30);
        }
        const share = part <= 0.025 ? 0.96 : 0.95;
        if (part <= 1.2) expect(rateOf(sent, tokensOf)).toBeGreaterThanOrEqual(share * perMinute);
      }),
      {
        numRuns: 40,
        // The largest is just what 2 s may hold the 25th part of.
        examples: [
          [
            {
              seed: 26,
              conversations: 6,
              lateMs: 8.99589330077877,
              largest: 5470,
              part: 0.03999999024985003,
            },
          ],
        ],
      },
    );
  });

  it("keeps both limits at once", async () => {
    const both = fc.record({ ...common, perTwoSeconds: fc.integer({ min: 20, max: 200 }) });
    await fc.assert(
      fc.asyncProperty(both, async ({ seed, conversations, lateMs, perTwoSeconds }) => {
        const random = createRandom(seed);
        const limits = { requestsPerMinute: perTwoSeconds * 30, tokensPerMinute: perTwoSeconds * 30 * 4000 };
        const { sent } = await simulate({
          limits,
          conversations,
          durationMs: 20_000,
          tokens: () => 500 + Math.floor(random() ** 3 * 14_000),
          latencyMs: () => 50,
          lateMs: lateBy(random, lateMs),
          random,
        });
        expect(mostInWindow(sent, 2000, countOf)).toBeLessThanOrEqual(limits.requestsPerMinute / 30);
        expect(mostInWindow(sent, 60_000, tokensOf)).toBeLessThanOrEqual(limits.tokensPerMinute);
      }),
      { numRuns: 15 },
    );
  });

  it("is kept by a process that is stopped between being let go and sending", async () => {
    const stalls = fc.record({ ...common, stallMs: fc.integer({ min: 20, max: 90 }) });
    await fc.assert(
      fc.asyncProperty(stalls, async ({ seed, lateMs, stallMs }) => {
        const random = createRandom(seed);
        const { sent, elapsedMs } = await simulate({
          limits: { requestsPerMinute: 6000 },
          conversations: 50,
          requests: 48,
          tokens: () => 1000,
          latencyMs: () => 200,
          lateMs: lateBy(random, lateMs),
          stallMs: () => (random() < 0.05 ? random() * stallMs : 0),
          random,
        });
        expect(mostInWindow(sent, 2000, countOf)).toBeLessThanOrEqual(200);
        // What a stall of 90 ms keeps back beyond the tolerance is lost.
        expect(elapsedMs).toBeLessThan(25_800);
      }),
      { numRuns: 20 },
    );
  });

  it("is even: a second of the middle holds what any other holds", async () => {
    const random = createRandom(3);
    const { sent } = await simulate({
      limits: { requestsPerMinute: 6000 },
      conversations: 50,
      durationMs: 20_000,
      tokens: () => 1000,
      latencyMs: () => 200,
      lateMs: () => random() * 3,
      random,
    });
    const middle = sent.filter(({ at }) => at > 15_000);
    expect(mostInWindow(middle, 1000, countOf)).toBeLessThanOrEqual(101);
    expect(mostInWindow(middle, 100, countOf)).toBeLessThanOrEqual(12);
  });
});

describe("a limit that only the answers know", () => {
  /** The provider answers at once and the answer takes its time, or it takes its time and then answers. */
  function provider(take: (tokens: number, now: number) => Headers) {
    const rejections: number[] = [];
    const answer = (permit: Permit, tokens: number, now: number) => {
      try {
        const headers = take(tokens, now);
        return () => permit.settle({ headers });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        rejections.push(now);
        const headers = new Headers(error.headers);
        return () => permit.rejected({ headers, retryAfterMs: Number(headers.get("retry-after-ms")) });
      }
    };
    return { answer, rejections };
  }

  const run = (random: () => number, answer: ReturnType<typeof provider>["answer"]) =>
    simulate({
      conversations: 50,
      durationMs: 70_000,
      tokens: () => 1000,
      latencyMs: () => 200,
      lateMs: () => random() * 4,
      random,
      answer,
    });

  it("is kept from the first answer on, with a bucket that refills", async () => {
    let time = 0;
    const bucket = createRateLimiter({
      limit: { requestsPerMinute: 3000, tokensPerMinute: 1e8 },
      clock: () => time,
    });
    const { answer, rejections } = provider((tokens, now) => {
      time = now;
      return new Headers(bucket.take("m", tokens));
    });
    const { sent } = await run(createRandom(5), answer);
    expect(rejections).toEqual([]);
    expect(rateOf(sent, countOf)).toBeGreaterThanOrEqual(0.96 * 3000);
  });

  it("is kept with a bucket that someone else has emptied", async () => {
    let time = 0;
    const bucket = createRateLimiter({
      limit: { requestsPerMinute: 3000, tokensPerMinute: 1e8 },
      clock: () => time,
    });
    const { answer, rejections } = provider((tokens, now) => {
      if (time === 0) {
        time = now;
        for (let i = 0; i < 2940; i++) bucket.take("m", 0);
      }
      time = now;
      return new Headers(bucket.take("m", tokens));
    });
    const { sent } = await run(createRandom(5), answer);
    expect(rejections).toEqual([]);
    expect(rateOf(sent, countOf)).toBeGreaterThanOrEqual(0.94 * 3000);
  });

  /** Windows that begin at a time unknown to us, of which someone else has used a part of the first. */
  function fixedWindows(windowMs: number, usedBefore = 0) {
    const capacity = (3000 * windowMs) / 60_000;
    let endsAt = Number.NaN;
    let used = usedBefore;
    return provider((_tokens, now) => {
      if (Number.isNaN(endsAt)) endsAt = now + windowMs / 2;
      if (now >= endsAt) {
        used = 0;
        endsAt += windowMs * Math.ceil((now - endsAt + 1e-9) / windowMs);
      }
      if (used >= capacity) {
        throw new ApiError(429, "too many", { type: "requests", code: "rate_limit_exceeded" });
      }
      used += 1;
      return new Headers({
        "x-ratelimit-limit-requests": "3000",
        "x-ratelimit-remaining-requests": String(capacity - used),
        "x-ratelimit-reset-requests": `${Math.ceil(endsAt - now)}ms`,
      });
    });
  }

  it.each([2000, 10_000, 60_000])("is kept with fixed windows of %i ms", async (windowMs) => {
    const { answer, rejections } = fixedWindows(windowMs);
    const { sent } = await run(createRandom(5), answer);
    expect(rejections).toEqual([]);
    expect(rateOf(sent, countOf)).toBeGreaterThanOrEqual(0.94 * 3000);
  });

  it("makes what someone else left of a window last until it ends", async () => {
    const { answer, rejections } = fixedWindows(60_000, 2700);
    const { sent } = await run(createRandom(5), answer);
    expect(rejections).toEqual([]);
    const firstWindow = sent.filter(({ at }) => at < (sent[0]?.at ?? 0) + 30_000).length;
    expect(firstWindow).toBeLessThanOrEqual(300);
    expect(firstWindow).toBeGreaterThanOrEqual(240);
  });
});
