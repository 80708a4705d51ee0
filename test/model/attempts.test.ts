/** The one layer of retries: what is tried again, when, what is put on the record, and what others are told. */
import { OpenAIClient } from "@langchain/openai";
import { describe, expect, it } from "vitest";
import { type AttemptsParts, createAttempts } from "../../src/model/attempts.ts";
import { createCircuit } from "../../src/model/circuit.ts";
import type { Completion } from "../../src/model/exchange.ts";
import { withFailureLog } from "../../src/model/failure-log.ts";
import type { Arrived } from "../../src/model/network.ts";
import type { Permit } from "../../src/model/pace/limiter.ts";
import { DEFAULT_RETRY } from "../../src/model/retry.ts";
import { MODELS } from "../ledger/sample-models.ts";
import { exchange as sampleExchange } from "./sample-exchange.ts";

const KEY = "sk-test-MARKED-key-0123456789";
const PROMPT = "a prompt that nobody logs";

const completion = {
  id: "c",
  choices: [],
  usage: { prompt_tokens: 40, completion_tokens: 5, total_tokens: 45 },
};
const good: Arrived = {
  completion: completion as unknown as Completion,
  headers: new Headers({ "x-request-id": "req_good" }),
};
const rejected = (status: number, { code, ...headers }: Record<string, string> = {}) =>
  OpenAIClient.APIError.generate(
    status,
    { error: { message: `No, ${KEY}.`, code: code ?? null } },
    undefined,
    new Headers({ "x-request-id": "req_bad", ...headers }),
  );
const reset = () =>
  new OpenAIClient.APIConnectionError({ cause: Object.assign(new Error("reset"), { code: "ECONNRESET" }) });
const neverMade = () =>
  new OpenAIClient.APIConnectionError({
    cause: Object.assign(new Error("refused"), { code: "ECONNREFUSED" }),
  });

/** A sender whose answers are given one after the other; an error is thrown, anything else returned. */
function stage(answers: readonly (Arrived | Error)[], more: Partial<AttemptsParts> = {}) {
  const waits: number[] = [];
  const told: [string, object][] = [];
  const lines: Record<string, unknown>[] = [];
  let now = 0;
  let sent = 0;
  const permit: Permit = {
    waitedMs: 0,
    settle: ({ headers: _, ...outcome }) => told.push(["settle", outcome]),
    rejected: ({ headers: _, ...outcome }) => told.push(["rejected", outcome]),
  };
  const circuit = createCircuit();
  const attempted = createAttempts({
    carry: async () => {
      const answer = answers[sent++];
      if (answer === undefined) throw new Error("nobody expected this request");
      if (answer instanceof Error) throw answer;
      return answer;
    },
    timeoutMs: () => 120_000,
    limiter: { acquire: async () => permit, limitsOf: () => ({}) },
    circuitOf: () => circuit,
    budget: undefined,
    retry: DEFAULT_RETRY,
    apiKey: KEY,
    clock: () => now,
    random: () => 0.5,
    wait: async (ms) => {
      waits.push(ms);
      now += ms;
    },
    ...more,
  });
  const send = withFailureLog({ logger: { warn: (fields) => lines.push(fields) }, apiKey: KEY })(attempted);
  const exchange = sampleExchange({
    request: { model: "gpt-4.1", messages: [{ role: "user", content: PROMPT }] },
    model: MODELS["gpt-4.1"],
    labels: { conversation: "c-1", turn: 3, persona: "ada", purpose: "turn" },
    deadline: { leftMs: 60_000 },
    tokens: () => 140,
    worstNanoUsd: async () => 900_000,
  });
  return { send, exchange, waits, told, lines, circuit, sent: () => sent };
}

describe("what is tried again", () => {
  it.each([408, 409, 500, 502, 503, 504, 529])("status %i is, after a wait", async (status) => {
    const { send, exchange, waits } = stage([rejected(status), good]);
    expect(await send(exchange)).toBe(completion);
    expect(waits).toEqual([250]);
    expect(exchange).toMatchObject({ isAnswered: true, requestId: "req_good" });
    expect(exchange.attempts).toMatchObject([{ attempt: 1, status, requestId: "req_bad", waitMs: 250 }]);
  });

  it.each([
    ["a connection that broke", reset(), true],
    ["a connection that was never made", neverMade(), false],
    ["a timeout", new OpenAIClient.APIConnectionTimeoutError(), true],
  ])("%s is", async (_, error, mayBeBilled) => {
    const { send, exchange } = stage([error, good]);
    await send(exchange);
    expect(exchange.attempts).toMatchObject([{ mayBeBilled }]);
    expect(exchange.attempts[0]?.costBoundNanoUsd).toBe(mayBeBilled ? 900_000 : undefined);
  });

  it.each([
    [400, "", "bad-request"],
    [401, "", "unauthorised"],
    [403, "", "unauthorised"],
    [404, "", "model-not-found"],
    [422, "", "bad-request"],
    [429, "insufficient_quota", "quota-exhausted"],
    [400, "context_length_exceeded", "context-too-long"],
  ])("status %i %s is not", async (status, code, kind) => {
    const { send, exchange, sent } = stage([rejected(status, { code })]);
    await expect(send(exchange)).rejects.toMatchObject({
      name: "ModelError",
      code: kind,
      isRetryable: false,
      status,
    });
    expect(sent()).toBe(1);
  });

  it("is so many times and no more, with waits that double", async () => {
    const { send, exchange, waits } = stage(Array.from({ length: 7 }, () => rejected(500)));
    await expect(send(exchange)).rejects.toMatchObject({ code: "server-error" });
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000]);
    expect(exchange.attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(exchange.attempts.at(-1)).not.toHaveProperty("waitMs");
  });

  it("is not when the wait would pass the turn's time, and the time is shared by its requests", async () => {
    const { send, exchange } = stage([
      rejected(503, { "retry-after": "40" }),
      good,
      rejected(503, { "retry-after": "40" }),
    ]);
    await send(exchange);
    expect(exchange.deadline.leftMs).toBe(20_000);
    await expect(send(exchange)).rejects.toMatchObject({ code: "server-error", retryAfterMs: 40_000 });
  });

  it("waits as long as the server asks, over a minute too", async () => {
    const { send, exchange, waits } = stage([rejected(503, { "retry-after": "90" }), good]);
    exchange.deadline.leftMs = 600_000;
    await send(exchange);
    expect(waits).toEqual([90_000]);
  });
});

describe("a rejection by the rate limit", () => {
  it("is told to the limiter, which holds everybody, and is not waited for twice", async () => {
    const { send, exchange, waits, told } = stage([
      rejected(429, { "retry-after-ms": "700" }),
      rejected(429),
      good,
    ]);
    await send(exchange);
    expect(waits).toEqual([]);
    expect(told).toEqual([
      ["rejected", { retryAfterMs: 700 }],
      ["rejected", { retryAfterMs: undefined }],
      ["settle", { tokens: 140 }],
    ]);
  });

  it("ends the request when the server asks for more time than the turn has", async () => {
    const { send, exchange } = stage([rejected(429, { "retry-after": "3600" })]);
    await expect(send(exchange)).rejects.toMatchObject({ code: "rate-limited", retryAfterMs: 3_600_000 });
  });
});

describe("what is told of a failed attempt", () => {
  it("is one log line with type, status, request, conversation, turn and model, and no prompt and no key", async () => {
    const { send, exchange, lines } = stage([rejected(500), rejected(429, { "retry-after": "2" }), good]);
    await send(exchange);
    const who = { conversation: "c-1", turn: 3, persona: "ada", purpose: "turn", model: "gpt-4.1" };
    expect(lines).toMatchObject([
      { ...who, type: "server-error", status: 500, requestId: "req_bad", nextAttemptInMs: 250, attempt: 1 },
      { ...who, type: "rate-limited", status: 429, requestId: "req_bad", retryAfterMs: 2000, attempt: 2 },
    ]);
    expect(JSON.stringify(lines)).not.toContain(PROMPT);
    expect(JSON.stringify(lines)).not.toContain("MARKED");
  });

  it("holds the prompt when that is asked for, still without the key", async () => {
    const logged: Record<string, unknown>[] = [];
    const logger = { warn: (fields: Record<string, unknown>) => logged.push(fields) };
    const { send: answered, exchange } = stage([rejected(500), good]);
    const send = withFailureLog({ logger, withPrompts: true, apiKey: KEY })(answered);
    exchange.request.messages.push({ role: "user", content: `{"api_key": "${KEY}"} and my key is ${KEY}` });
    await send(exchange);
    expect(JSON.stringify(logged)).toContain(PROMPT);
    expect(JSON.stringify(logged)).not.toContain("MARKED");
  });
});

describe("a server that keeps failing", () => {
  it("is left alone until a probe succeeds", async () => {
    const failing = Array.from({ length: 8 }, () => rejected(500));
    const { send, exchange, circuit, waits } = stage([...failing, good, good], {
      retry: { ...DEFAULT_RETRY, maxRetries: 20, baseMs: 0 },
    });
    await send(exchange);
    expect(circuit.isOpen).toBe(false);
    expect(waits).toEqual([1000]);
  });

  it("fails requests whose time is shorter than the pause, without sending them", async () => {
    const { send, exchange, circuit, sent } = stage([rejected(500)], {
      retry: { ...DEFAULT_RETRY, baseMs: 0 },
    });
    for (let i = 0; i < 7; i++) circuit.failed(0);
    exchange.deadline.leftMs = 500;
    await expect(send(exchange)).rejects.toMatchObject({ code: "server-error", isRetryable: true });
    expect(sent()).toBe(1);
  });
});

describe("a pause that does not end, since others' probes keep failing", () => {
  it("takes no longer than the turn's time, for a first attempt too", async () => {
    const circuit = { ...createCircuit(), isOpen: true, admit: () => 50 };
    const { send, exchange, waits, sent } = stage([], { circuitOf: () => circuit });
    exchange.deadline.leftMs = 1000;
    await expect(send(exchange)).rejects.toMatchObject({ code: "server-error" });
    expect(waits).toHaveLength(20);
    expect(sent()).toBe(0);
  });
});

describe("a conversation's own cap", () => {
  it("lets nothing be sent whose worst case passes it", async () => {
    const { send, exchange, sent } = stage([good]);
    await expect(send({ ...exchange, spendableNanoUsd: 899_999 })).rejects.toMatchObject({ code: "budget" });
    expect(sent()).toBe(0);
  });

  it("counts an answer that was lost before it tries again", async () => {
    const { send, exchange, sent } = stage([reset(), good]);
    const capped = { ...exchange, spendableNanoUsd: 1_000_000 };
    await expect(send(capped)).rejects.toMatchObject({
      code: "budget",
      message: expect.stringContaining("lost"),
    });
    expect(sent()).toBe(1);
    expect(capped.attempts).toMatchObject([{ problem: "unreachable", costBoundNanoUsd: 900_000 }]);
  });
});

describe("an answer that came", () => {
  it("is never asked for again, and an abort after it changes nothing", async () => {
    const { send, exchange, sent } = stage([good]);
    await send(exchange);
    expect(sent()).toBe(1);
    expect(exchange.attempts).toEqual([]);
  });
});
