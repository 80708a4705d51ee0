/** Conversations at once on a server with a tight limit, in simulated time: nobody is turned away, or all wait together. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runConversation } from "../../src/conversation/run.ts";
import { createLimiter, type Limits } from "../../src/model/pace/limiter.ts";
import type { RateLimit } from "../../src/offline/rate-limit.ts";
import type { ScriptStep } from "../../src/offline/script.ts";
import { answer, openStage } from "../conversation/stage.ts";

const CONVERSATIONS = 10;
const TURNS = 5;
const REQUESTS = CONVERSATIONS * TURNS;
const LATENCY_MS = 200;
const NO_LIMIT = 1e9;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Turns of the event loop after which whatever goes on has come to a timer. */
const SETTLED = 30;

/** Lets time go on to the next timer whenever nothing else is left to do. */
async function inSimulatedTime<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = () => {
    isDone = true;
  };
  work.then(done, done);
  while (!isDone) {
    for (let turn = 0; turn < SETTLED; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (!isDone) await vi.advanceTimersToNextTimerAsync();
  }
  return await work;
}

interface Sent {
  at: number;
  answeredAt: number;
  status: number;
}

async function converse(settings: { rateLimit: RateLimit; limits: Limits; steps?: ScriptStep[] }) {
  let said = 0;
  const sent: Sent[] = [];
  const startedAt = performance.now();
  const stage = await openStage({
    passages: [],
    scenario: { endings: [{ maxTurns: TURNS }] },
    server: {
      rateLimit: settings.rateLimit,
      latencyMs: LATENCY_MS,
      clock: () => performance.now(),
      delay: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
      generator: () => ({ kind: "content", content: JSON.stringify(answer(`Point ${++said}.`)) }),
    },
    gateway: {
      limiter: createLimiter({ limits: settings.limits, random: () => 0 }),
      maxRetries: 6,
      fetch: async (input, init) => {
        const at = performance.now() - startedAt;
        const response = await stage.server.fetch(input, init);
        sent.push({ at, answeredAt: performance.now() - startedAt, status: response.status });
        return response;
      },
    },
  });
  stage.server.script.next(...(settings.steps ?? []));
  const run = (index: number) =>
    runConversation(stage.graph, {
      scenario: stage.scenario,
      conversationId: `c-${index}`,
      transport: "offline",
    });
  const all = Promise.all(Array.from({ length: CONVERSATIONS }, (_, index) => run(index)));
  const records = await inSimulatedTime(all);
  const elapsedMs = performance.now() - startedAt;
  expect(records.map(({ turns }) => turns.length)).toEqual(Array(CONVERSATIONS).fill(TURNS));
  return { traffic: stage.server.traffic, sent: sent.toSorted((a, b) => a.at - b.at), elapsedMs };
}

describe("conversations at a tight limit", () => {
  const requestsPerMinute = 600;
  /** 96 % of the limit is used where there is always demand; then the last answer has to come. */
  const mostMs = (idealMs: number) => idealMs / 0.96 + LATENCY_MS;

  it("are never turned away where requests are short, and lose hardly any time", async () => {
    const { traffic, elapsedMs } = await converse({
      rateLimit: { requestsPerMinute, tokensPerMinute: NO_LIMIT, windowMs: 2000 },
      limits: { requestsPerMinute },
    });
    expect(traffic).toMatchObject({ requests: REQUESTS, rejected: 0 });
    expect(elapsedMs).toBeLessThan(mostMs((REQUESTS * 60_000) / requestsPerMinute));
  });

  it("are never turned away where tokens are short, and lose hardly any time", async () => {
    const tokensPerMinute = 1_000_000;
    const { traffic, elapsedMs } = await converse({
      rateLimit: { requestsPerMinute: NO_LIMIT, tokensPerMinute, windowMs: 2000 },
      limits: { tokensPerMinute },
    });
    expect(traffic).toMatchObject({ requests: REQUESTS, rejected: 0 });
    expect(elapsedMs).toBeLessThan(mostMs((traffic.countedTokens * 60_000) / tokensPerMinute));
    // A longer stretch than a window needs the limit to hold: it was the limit that set the pace.
    expect(elapsedMs).toBeGreaterThan((traffic.countedTokens * 60_000) / tokensPerMinute - 2000);
  });

  it("all wait together after one rejection, for as long as it asks", async () => {
    const waitMs = 3000;
    const { sent, traffic } = await converse({
      rateLimit: { requestsPerMinute: NO_LIMIT, tokensPerMinute: NO_LIMIT },
      limits: { requestsPerMinute },
      steps: [{ kind: "status", status: 429, headers: { "retry-after-ms": String(waitMs) } }],
    });
    expect(traffic.requests).toBe(REQUESTS + 1);
    const rejected = sent.filter(({ status }) => status === 429);
    expect(rejected).toHaveLength(1);
    const heldFrom = rejected[0]?.answeredAt ?? Number.NaN;
    const before = sent.filter(({ at }) => at <= heldFrom);
    expect(before.length).toBeLessThan(CONVERSATIONS);
    expect(sent[before.length]?.at).toBeGreaterThanOrEqual(heldFrom + waitMs);
    // They come back one by one, at the pace.
    const back = sent.slice(before.length).map(({ at }) => at);
    const gaps = back.slice(1).map((at, index) => at - (back[index] ?? at));
    expect(Math.min(...gaps.slice(0, CONVERSATIONS))).toBeGreaterThan(90);
  });
});
