/** The handler on real LangChain models: core's fake one, and the OpenAI one on replies written out byte by byte. */
import { InMemoryCache } from "@langchain/core/caches";
import { AIMessage, type BaseMessage, HumanMessage, type UsageMetadata } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { FakeListChatModel, FakeLLM } from "@langchain/core/utils/testing";
import { ChatOpenAI } from "@langchain/openai";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { UsageHandler, type UsageHandlerOptions } from "../../src/ledger/usage-handler.ts";
import { findModel } from "./sample-models.ts";

afterEach(() => vi.restoreAllMocks());

const HELLO = [new HumanMessage("Hello!")];
const handlerOf = (more: Partial<UsageHandlerOptions> = {}) =>
  new UsageHandler({ catalog: { find: findModel }, ...more });
/** What a call on core's fake model is told to be; a real model says it itself. */
const as = (model: string) => ({ metadata: { ls_model_name: model } });

function reply(usage?: Partial<UsageMetadata>, metadata: Record<string, unknown> = {}) {
  const message = new AIMessage({ content: "Hi.", response_metadata: metadata });
  return usage === undefined ? message : Object.assign(message, { usage_metadata: usage });
}
const USAGE: UsageMetadata = {
  input_tokens: 2_024,
  output_tokens: 100,
  total_tokens: 2_124,
  input_token_details: { cache_read: 1_024 },
  output_token_details: { reasoning: 64 },
};
const COUNTS = { inputTokens: 2_024, cachedInputTokens: 1_024, outputTokens: 100, reasoningTokens: 64 };

describe("the usage handler on any LangChain model", () => {
  it("makes of a call one entry with its tokens and its exact cost", async () => {
    const handler = handlerOf();
    await fakeModel()
      .respond(reply(USAGE))
      .invoke(HELLO, { ...as("gpt-4.1"), callbacks: [handler] });
    expect(handler.entries).toEqual([
      { model: "gpt-4.1", tier: "standard", ...COUNTS, costNanoUsd: 3_312_000 },
    ]);
    expect(handler.totals).toMatchObject({ requests: 1, costNanoUsd: 3_312_000, unpricedRequests: 0 });
  });

  it("writes its labels on every entry, so that totals can be split by them", async () => {
    const handler = handlerOf({ labels: { turn: 3, persona: "ada", purpose: "turn" } });
    const model = fakeModel().respond(reply(USAGE)).respond(new Error("socket hang up"));
    await model.invoke(HELLO, { ...as("gpt-4.1"), callbacks: [handler] });
    await model.invoke(HELLO, { callbacks: [handler] }).catch(() => undefined);
    expect(handler.entries).toMatchObject([
      { turn: 3, persona: "ada", purpose: "turn" },
      { turn: 3, persona: "ada", purpose: "turn" },
    ]);
    expect(handler.totals.byPersona.ada?.requests).toBe(2);
  });

  it("falls back to the model's name in the reply, and says `unknown` where there is none", async () => {
    const handler = handlerOf();
    const model = fakeModel()
      .respond(reply(USAGE, { model_name: "gpt-4.1" }))
      .respond(reply(USAGE));
    await model.invoke(HELLO, { callbacks: [handler] });
    await model.invoke(HELLO, { callbacks: [handler] });
    expect(handler.entries).toMatchObject([
      { model: "gpt-4.1", costNanoUsd: 3_312_000 },
      { model: "unknown", ...COUNTS, costNanoUsd: undefined },
    ]);
  });

  it.each([
    ["priority", "priority", undefined],
    ["default", "standard", 3_312_000],
    // Cheaper than what was asked for: not believed, since a budget rests on it.
    ["flex", "standard", 3_312_000],
    ["batch", "standard", 3_312_000],
  ])("reads the service tier %s, unasked, as %s", async (serviceTier, tier, costNanoUsd) => {
    const handler = handlerOf();
    const model = fakeModel().respond(reply(USAGE, { service_tier: serviceTier }));
    await model.invoke(HELLO, { ...as("gpt-4.1"), callbacks: [handler] });
    expect(handler.entries).toMatchObject([{ tier, costNanoUsd }]);
  });

  it.each([
    ["flex", "flex", "flex", 1_656_000],
    // Dearer than what was asked for: believed.
    ["flex", "default", "standard", 3_312_000],
    ["flex", "priority", "priority", undefined],
    ["standard", "flex", "standard", 3_312_000],
    // The lines of a batch say what they would be outside.
    ["batch", "default", "batch", 1_656_000],
    ["batch", undefined, "batch", 1_656_000],
  ] as const)(
    "counts what was sent at %s and reported as %s at %s",
    async (sent, serviceTier, tier, costNanoUsd) => {
      const handler = handlerOf({ tier: () => sent });
      const model = fakeModel().respond(reply(USAGE, { service_tier: serviceTier }));
      await model.invoke(HELLO, { ...as("gpt-4.1"), callbacks: [handler] });
      expect(handler.entries).toMatchObject([{ tier, costNanoUsd }]);
    },
  );

  it("leaves tokens and cost unknown where the model reports no usage", async () => {
    const handler = handlerOf();
    await fakeModel()
      .respond(reply())
      .invoke(HELLO, { ...as("gpt-4.1"), callbacks: [handler] });
    expect(handler.entries).toEqual([{ model: "gpt-4.1", tier: "standard" }]);
    expect(handler.totals.costNanoUsd).toBeUndefined();
  });

  it("leaves the cost unknown where the model has no price", async () => {
    const handler = handlerOf();
    await fakeModel()
      .respond(reply(USAGE))
      .invoke(HELLO, { ...as("local"), callbacks: [handler] });
    expect(handler.entries).toEqual([{ model: "local", tier: "standard", ...COUNTS }]);
  });

  it.each<[string, Partial<UsageMetadata>, object]>([
    [
      "no output, told by the total",
      { input_tokens: 7, total_tokens: 7 },
      { inputTokens: 7, outputTokens: 0, costNanoUsd: 14_000 },
    ],
    [
      "no input, told by the total",
      { output_tokens: 7, total_tokens: 7 },
      { inputTokens: 0, outputTokens: 7, costNanoUsd: 56_000 },
    ],
    [
      "half of the counts",
      { input_tokens: 7 },
      { inputTokens: 7, outputTokens: undefined, costNanoUsd: undefined },
    ],
    [
      "a count that is no number",
      { input_tokens: Number.NaN, output_tokens: 2.5 },
      { inputTokens: undefined, costNanoUsd: undefined },
    ],
  ])("keeps a call that reports %s", async (_, usage, expected) => {
    const handler = handlerOf();
    await fakeModel()
      .respond(reply(usage))
      .invoke(HELLO, { ...as("gpt-4.1"), callbacks: [handler] });
    expect(handler.entries).toMatchObject([{ model: "gpt-4.1", ...expected }]);
    expect(handler.totals.requests).toBe(1);
  });

  it("counts a call that broke off, at an unknown cost, and not one that was rejected", async () => {
    const handler = handlerOf();
    const model = fakeModel()
      .respond(new Error("socket hang up"))
      .respond(Object.assign(new Error("429"), { status: 429 }))
      .respond(new Error("too long", { cause: Object.assign(new Error("400"), { status: 400 }) }));
    for (const _ of [1, 2, 3]) {
      await expect(model.invoke(HELLO, { ...as("gpt-4.1"), callbacks: [handler] })).rejects.toThrow();
    }
    expect(handler.entries).toEqual([{ model: "gpt-4.1", tier: "standard" }]);
    expect(handler.totals).toMatchObject({ requests: 1, unpricedRequests: 1 });
  });

  it("counts a call once although it was passed to the model and to the call", async () => {
    const handler = handlerOf();
    const model = fakeModel()
      .respond(reply(USAGE))
      .withConfig({ callbacks: [handler] });
    await model.invoke(HELLO, { ...as("gpt-4.1"), callbacks: [handler] });
    const failing = fakeModel().alwaysThrow(new Error("socket hang up"));
    await failing.invoke(HELLO, { callbacks: [handler, handler] }).catch(() => undefined);
    expect(handler.entries).toHaveLength(2);
  });

  it("counts every call of a batch", async () => {
    const handler = handlerOf();
    const model = fakeModel().respond(reply(USAGE)).respond(reply(USAGE)).respond(reply(USAGE));
    await model.batch([HELLO, HELLO, HELLO], { ...as("gpt-4.1"), callbacks: [handler] });
    expect(handler.totals).toMatchObject({ requests: 3, costNanoUsd: 9_936_000 });
  });

  it("counts a streamed call and one of a model that is no chat model", async () => {
    const handler = handlerOf();
    for await (const _ of await new FakeListChatModel({ responses: ["Hi."] }).stream(HELLO, {
      callbacks: [handler],
    }));
    await new FakeLLM({ response: "Hi." }).invoke("Hello!", { callbacks: [handler] });
    expect(handler.totals).toMatchObject({ requests: 2, unpricedRequests: 2 });
  });

  it("does not swallow an error of the catalog, since a paid call would be missing", async () => {
    vi.spyOn(console, "error").mockReturnValue(undefined);
    const findNothing = () => {
      throw new Error("no such model");
    };
    const call = fakeModel()
      .respond(reply(USAGE))
      .invoke(HELLO, { callbacks: [handlerOf({ catalog: { find: findNothing } })] });
    await expect(call).rejects.toThrow("no such model");
  });
});

describe("concurrent blocks", () => {
  /** Answers with as many input tokens as the message says. */
  const echo = (messages: BaseMessage[]) => {
    const input = Number(messages.at(-1)?.text);
    return reply({ input_tokens: input, output_tokens: 1, total_tokens: input + 1 });
  };

  it("never mix: each handler holds the calls of its own block alone", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 1, max: 9_999 }), { maxLength: 6 }), { maxLength: 8 }),
        async (blocks) => {
          const model = fakeModel();
          for (const _ of blocks.flat()) model.respond(echo);
          const handlers = await Promise.all(
            blocks.map(async (block) => {
              const handler = handlerOf();
              await Promise.all(
                block.map((input) => model.invoke(String(input), { ...as("gpt-4.1"), callbacks: [handler] })),
              );
              return handler;
            }),
          );
          const counted = handlers.map(({ entries }) => entries.map(({ inputTokens }) => inputTokens));
          expect(counted.map((inputs) => inputs.toSorted())).toEqual(blocks.map((block) => block.toSorted()));
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe("LangChain's own cache", () => {
  it("gives hits that cost 0 even where the model has no price, since nothing was sent", async () => {
    const model = fakeModel().respond(reply());
    model.cache = new InMemoryCache();
    const handler = handlerOf();
    for (const _ of [1, 2]) await model.invoke(HELLO, { ...as("local"), callbacks: [handler] });
    expect(handler.entries.map(({ costNanoUsd }) => costNanoUsd)).toEqual([undefined, 0]);
  });

  it("gives hits that cost 0, and takes nothing from the entry of the call that was paid", async () => {
    const model = fakeModel().respond(reply(USAGE));
    model.cache = new InMemoryCache();
    const [first, second] = [handlerOf(), handlerOf()];
    await model.invoke(HELLO, { ...as("gpt-4.1"), callbacks: [first] });
    await model.invoke(HELLO, { ...as("gpt-4.1"), callbacks: [second] });
    expect(model.callCount).toBe(1);
    expect(second.entries).toEqual([
      { model: "gpt-4.1", tier: "standard", inputTokens: 0, outputTokens: 0, costNanoUsd: 0 },
    ]);
    expect(second.totals).toMatchObject({ costNanoUsd: 0, unpricedRequests: 0 });
    expect(first.entries).toEqual([
      { model: "gpt-4.1", tier: "standard", ...COUNTS, costNanoUsd: 3_312_000 },
    ]);
  });
});

const WIRE_USAGE = {
  prompt_tokens: 2_024,
  completion_tokens: 100,
  total_tokens: 2_124,
  prompt_tokens_details: { cached_tokens: 1_024 },
  completion_tokens_details: { reasoning_tokens: 64 },
};

function completion(usage: object | undefined, more: object = {}): Response {
  const message = { role: "assistant", content: "Hi." };
  return Response.json({
    id: "chatcmpl-1",
    object: "chat.completion",
    model: "gpt-4.1-2025-04-14",
    choices: [{ index: 0, message, finish_reason: "stop" }],
    usage,
    ...more,
  });
}

/** Server-sent events of one reply; `error` breaks the connection after them. */
function events(chunks: object[], error?: Error): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) {
        controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(chunk)}\n\n`));
      }
    },
    pull: (controller) => (error === undefined ? controller.close() : controller.error(error)),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
const chunk = (delta: object, finish: string | null = null) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  model: "gpt-4.1-2025-04-14",
  service_tier: "flex",
  choices: [{ index: 0, delta, finish_reason: finish }],
});
const SAID = [chunk({ role: "assistant", content: "H" }), chunk({ content: "i." }), chunk({}, "stop")];

const openAi = (respond: () => Response, more: object = {}) =>
  new ChatOpenAI({
    model: "gpt-4.1",
    apiKey: "test",
    maxRetries: 0,
    configuration: { maxRetries: 0, fetch: async () => respond() },
    ...more,
  });

async function readAll(model: ChatOpenAI, handler: UsageHandler): Promise<string> {
  let text = "";
  for await (const part of await model.stream(HELLO, { callbacks: [handler] })) text += part.text;
  return text;
}

describe("the usage handler on ChatOpenAI", () => {
  it("names the model that was asked for, not the snapshot that answered", async () => {
    const handler = handlerOf();
    await openAi(() => completion(WIRE_USAGE)).invoke(HELLO, { callbacks: [handler] });
    expect(handler.entries).toEqual([
      { model: "gpt-4.1", tier: "standard", ...COUNTS, costNanoUsd: 3_312_000 },
    ]);
  });

  it("counts a streamed reply the same, at the tier that served it", async () => {
    const handler = handlerOf();
    const usage = { ...chunk({}), choices: [], usage: WIRE_USAGE };
    expect(
      await readAll(
        openAi(() => events([...SAID, usage]), { service_tier: "flex" }),
        handler,
      ),
    ).toBe("Hi.");
    expect(handler.entries).toEqual([{ model: "gpt-4.1", tier: "flex", ...COUNTS, costNanoUsd: 1_656_000 }]);
  });

  it("takes the tier that was asked for where LangChain drops the one that served", async () => {
    const handler = handlerOf();
    const model = openAi(() => completion(WIRE_USAGE, { service_tier: "flex" }), { service_tier: "flex" });
    await model.invoke(HELLO, { callbacks: [handler] });
    expect(handler.entries).toMatchObject([{ tier: "flex", costNanoUsd: 1_656_000 }]);
  });

  it("keeps a reply without output tokens, whose count LangChain leaves out", async () => {
    const handler = handlerOf();
    const usage = { prompt_tokens: 7, completion_tokens: 0, total_tokens: 7 };
    await openAi(() => completion(usage)).invoke(HELLO, { callbacks: [handler] });
    expect(handler.entries).toMatchObject([{ inputTokens: 7, outputTokens: 0, costNanoUsd: 14_000 }]);
  });

  it("knows nothing of the tokens of a server that reports none", async () => {
    const handler = handlerOf();
    await openAi(() => completion(undefined)).invoke(HELLO, { callbacks: [handler] });
    await readAll(
      openAi(() => events(SAID)),
      handler,
    );
    expect(handler.entries).toEqual([
      { model: "gpt-4.1", tier: "standard" },
      { model: "gpt-4.1", tier: "standard" },
    ]);
  });

  it("counts a stream that was cut, at an unknown cost", async () => {
    const handler = handlerOf();
    const cut = openAi(() => events(SAID.slice(0, 2), new TypeError("terminated")));
    await expect(readAll(cut, handler)).rejects.toThrow("terminated");
    expect(handler.entries).toEqual([{ model: "gpt-4.1", tier: "standard" }]);
  });

  it.each([400, 401, 404, 429, 500])("does not count a call rejected with status %i", async (status) => {
    const handler = handlerOf();
    // LangChain wraps this one in an error of its own, without a status.
    const error = { message: "maximum context length", code: "context_length_exceeded" };
    const model = openAi(() => Response.json({ error }, { status }));
    await expect(model.invoke(HELLO, { callbacks: [handler] })).rejects.toThrow();
    expect(handler.entries).toEqual([]);
  });
});
