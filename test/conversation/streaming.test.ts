/** Words of a message that arrive before the turn is over: events, LangGraph's `messages` mode, and the bill, over the wire. */
import { AIMessageChunk, type BaseMessage, type UsageMetadata } from "@langchain/core/messages";
import { END, START, StateGraph, StateSchema } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { ConversationEvent, TokenEvent } from "../../src/conversation/events.ts";
import { STRUCTURED_METHODS } from "../../src/domain/scenario.ts";
import type { ScriptStep } from "../../src/offline/script.ts";
import { answer, openStage, type StageOptions } from "./stage.ts";

const WORDS = 'We fix the "timeouts" first.\nThen 👩‍🚀 we measure, and only then do we buy anything at all.';
const good: ScriptStep = { kind: "content", content: answer(WORDS) };
const search: ScriptStep = {
  kind: "tool-calls",
  calls: [{ name: "search_knowledge_base", arguments: { query: "cold starts", category: null } }],
};
const oneTurn = { endings: [{ maxTurns: 1 }] };
/** Retries at once. */
const RETRYING: StageOptions["gateway"] = { maxRetries: 2, random: () => 0 };

const isToken = (event: ConversationEvent): event is TokenEvent => event.type === "token";

/** What somebody shows who follows the rule of the events: by turn, the text of its last attempt. */
function shown(events: readonly ConversationEvent[]): Map<number, string> {
  const texts = new Map<number, { attempt: number; text: string }>();
  for (const event of events) {
    if (isToken(event)) {
      const before = texts.get(event.turn);
      const kept = before?.attempt === event.attempt ? before.text : "";
      texts.set(event.turn, { attempt: event.attempt, text: kept + event.text });
    } else if (event.type === "failure" && event.failure.outcome !== "repaired")
      texts.delete(event.failure.turn);
  }
  return new Map([...texts].map(([turn, { text }]) => [turn, text]));
}

const areStreamed = (requests: readonly { readonly body: unknown }[]) =>
  requests.map(({ body }) => (body as { stream?: boolean }).stream === true);

/** Runs one turn of the first persona, watched, against a script that must be used up. */
async function watchedTurn(steps: ScriptStep[], options: StageOptions = {}) {
  const stage = await openStage({ ...options, scenario: { ...oneTurn, ...options.scenario } });
  stage.server.script.next(...steps);
  const record = await stage.run({ context: { stream: true } });
  expect(stage.server.script.remaining).toBe(0);
  expect(stage.server.faults).toEqual([]);
  const tokens = stage.events.filter(isToken);
  return { ...stage, record, tokens, attempts: [...new Set(tokens.map(({ attempt }) => attempt))] };
}

describe("tokens of a watched run", () => {
  it("come in pieces before their turn and make up its message", async () => {
    const { events, run, server } = await openStage();
    const record = await run({ context: { stream: true } });
    expect(record.turns).toHaveLength(3);
    expect(shown(events)).toEqual(new Map(record.turns.map(({ turn, message }) => [turn, message])));
    for (const { turn, speaker } of record.turns) {
      const own = events.filter(isToken).filter((event) => event.turn === turn);
      expect(own.length).toBeGreaterThan(3);
      expect(new Set(own.map((event) => event.speaker))).toEqual(new Set([speaker]));
      expect(own.every(({ text }) => text !== "")).toBe(true);
      const end = events.findIndex((event) => event.type === "turn" && event.turn.turn === turn);
      expect(events.lastIndexOf(own.at(-1) as ConversationEvent)).toBeLessThan(end);
    }
    expect(areStreamed(server.requests)).not.toContain(false);
  });

  it("leave the record and the bill as they are without them", async () => {
    const [plain, watched] = [await openStage(), await openStage()];
    const unwatched = await plain.run();
    const record = await watched.run({ context: { stream: true } });
    expect(record).toEqual(unwatched);
    expect(watched.server.bill).toEqual(plain.server.bill);
    expect(record.usage.totals.costNanoUsd).toBe(watched.server.bill.costNanoUsd);
    expect(plain.events.some(isToken)).toBe(false);
    expect(areStreamed(plain.server.requests)).not.toContain(true);
  });

  it.each(STRUCTURED_METHODS)("are plain text under %s, also after a search", async (method) => {
    const said: ScriptStep =
      method === "function-calling"
        ? { kind: "tool-calls", calls: [{ name: "answer", arguments: answer(WORDS) }] }
        : good;
    const { events, attempts, record, server } = await watchedTurn([search, said], {
      scenario: { answers: { method } },
    });
    expect(record.turns[0]?.toolCalls).toMatchObject([{ status: "ok" }]);
    expect(shown(events)).toEqual(new Map([[1, WORDS]]));
    expect(attempts).toEqual([1]);
    expect(record.usage.totals.costNanoUsd).toBe(server.bill.costNanoUsd);
  });

  it("begin anew when the stream breaks and the request is sent again", async () => {
    const cut: ScriptStep = {
      kind: "cut-stream",
      afterChunks: 5,
      content: answer("We wait and see what comes."),
    };
    const { events, tokens, attempts, record } = await watchedTurn([cut, good], { gateway: RETRYING });
    expect(tokens[0]?.text).toMatch(/^We /);
    expect(attempts).toEqual([1, 2]);
    expect(shown(events)).toEqual(new Map([[1, WORDS]]));
    expect(record.attempts).toHaveLength(1);
    expect(record.turns[0]?.message).toBe(WORDS);
  });

  it.each<[string, ScriptStep]>([
    ["truncated", { kind: "length", content: `{"message":"We wait and` }],
    ["bad-shape", { kind: "content", content: answer("Too sure.", { confidence: 7 }) }],
    ["bad-shape", { kind: "content", content: '{"message":"Twice","message":' }],
  ])("begin anew when an answer is repaired: %s", async (kind, step) => {
    const { events, attempts, record } = await watchedTurn([step, good]);
    expect(record.failures).toMatchObject([{ kind, outcome: "repaired" }]);
    expect(attempts).toEqual([1, 2]);
    expect(shown(events)).toEqual(new Map([[1, WORDS]]));
  });

  it("count only attempts that said something", async () => {
    const { attempts } = await watchedTurn(
      [{ kind: "status", status: 500 }, { kind: "empty" }, search, good],
      {
        gateway: RETRYING,
      },
    );
    expect(attempts).toEqual([1]);
  });

  it("of a turn that fails are dropped with its failure", async () => {
    const half: ScriptStep = { kind: "length", content: `{"message":"We wait and`, times: 2 };
    const { events, attempts, record } = await watchedTurn([half]);
    expect(record.turns).toEqual([]);
    expect(attempts).toEqual([1, 2]);
    expect(shown(events)).toEqual(new Map());
  });

  it("are none where the model refuses", async () => {
    const { tokens } = await watchedTurn([{ kind: "refusal", refusal: "I cannot help with that." }]);
    expect(tokens).toEqual([]);
  });

  it("say the whole message also where it did not arrive as expected", async () => {
    const twice = JSON.stringify(answer(WORDS)).replace("{", '{"message":"Something else.",');
    const late = JSON.stringify(answer(WORDS)).replace('"message"', '"mess\\u0061ge"');
    for (const content of [twice, late]) {
      const { events, record } = await watchedTurn([{ kind: "content", content }]);
      expect(record.turns[0]?.message).toBe(WORDS);
      expect(shown(events)).toEqual(new Map([[1, WORDS]]));
    }
  });

  it("never hold the API key, even when the model says it", async () => {
    const apiKey = "sk-marked-0123456789abcdef";
    const content = answer(`Mind sk-mark, that is ${apiKey}, and sk-marked-01.`);
    const { tokens, record } = await watchedTurn([{ kind: "content", content }], { gateway: { apiKey } });
    const told = tokens.map(({ text }) => text).join("");
    expect(told).toBe("Mind sk-mark, that is [key removed], and sk-marked-01.");
    expect(record.turns[0]?.message).toBe(told);
  });
});

interface Told {
  message: BaseMessage;
  metadata: Record<string, unknown>;
}

type Stage = Awaited<ReturnType<typeof openStage>>;

async function messagesOf({ graph }: Pick<Stage, "graph">): Promise<Told[]> {
  const told: Told[] = [];
  for await (const chunk of await graph.stream({}, { streamMode: "messages" })) {
    const [message, metadata] = chunk as unknown as [BaseMessage, Record<string, unknown>];
    told.push({ message, metadata });
  }
  return told;
}

/** What a chat client has at the end: chunks of one id appended to each other. */
function assembled(told: readonly Told[]): Map<string, BaseMessage> {
  const whole = new Map<string, BaseMessage>();
  for (const { message } of told) {
    const id = message.id ?? "";
    const before = whole.get(id);
    whole.set(id, isChunk(before) && isChunk(message) ? before.concat(message) : message);
  }
  return whole;
}
const isChunk = (message: BaseMessage | undefined) => AIMessageChunk.isInstance(message);
const usageOf = (message: unknown) => (message as { usage_metadata?: UsageMetadata }).usage_metadata;

describe("LangGraph's stream mode messages", () => {
  it("gives the text of each message in pieces, named by its speaker, and the message not once more", async () => {
    const stage = await openStage();
    const told = await messagesOf(stage);
    const { turns } = await (await openStage()).graph.invoke({});
    const [opening, ...spoken] = assembled(told);
    expect(opening?.[0]).toBe("opening");
    expect(spoken.map(([id, { text }]) => [id, text])).toEqual(
      turns.map(({ turn, message }) => [`turn-${turn}`, message]),
    );
    for (const { turn, speaker } of turns) {
      const own = told.map(({ message }) => message).filter(({ id }) => id === `turn-${turn}`);
      expect(own.length).toBeGreaterThan(4);
      expect(own.every((message) => isChunk(message) && message.name === speaker)).toBe(true);
    }
    expect(new Set(told.map(({ metadata }) => metadata.langgraph_node))).toEqual(
      new Set(["moderator", "ada", "ben", "cleo"]),
    );
    expect(JSON.stringify(told)).not.toContain("wantsToConclude");
    expect(areStreamed(stage.server.requests)).not.toContain(false);
  });

  it("ends each message with the usage of its turn, and only there; together they are the bill", async () => {
    const stage = await openStage({ scenario: { endings: [{ maxTurns: 6 }] } });
    const told = await messagesOf(stage);
    const withUsage = told.filter(({ message }) => usageOf(message) !== undefined);
    expect(withUsage.map(({ message }) => message.id)).toEqual(
      [1, 2, 3, 4, 5, 6].map((turn) => `turn-${turn}`),
    );
    expect(withUsage.map(({ message }) => message.text)).toEqual(Array(6).fill(""));
    const { bill, requests } = stage.server;
    expect(requests.length).toBeGreaterThan(6);
    const sum = (of: (usage: UsageMetadata) => number | undefined) =>
      withUsage.reduce((total, { message }) => total + (of(usageOf(message) as UsageMetadata) ?? 0), 0);
    expect(sum((usage) => usage.input_tokens)).toBe(bill.inputTokens);
    expect(sum((usage) => usage.output_tokens)).toBe(bill.outputTokens);
    expect(sum((usage) => usage.input_token_details?.cache_read)).toBe(bill.cachedInputTokens);
  });

  it("makes of its chunks the message that the state has", async () => {
    const stage = await openStage({ scenario: oneTurn });
    stage.server.script.next(search, {
      kind: "content",
      content: answer(WORDS, { citations: ["cold-starts#1"] }),
    });
    const told = assembled(await messagesOf(stage)).get("turn-1");
    expect(told).toMatchObject({ content: WORDS, additional_kwargs: { citations: ["cold-starts#1"] } });
  });

  it("gives a later attempt an id of its own, so that its words are not appended to those before", async () => {
    const stage = await openStage({ scenario: oneTurn, gateway: RETRYING });
    stage.server.script.next(
      { kind: "cut-stream", afterChunks: 5, content: answer("We wait and see.") },
      good,
    );
    const told = assembled(await messagesOf(stage));
    expect([...told.keys()]).toEqual(["opening", "turn-1", "turn-1-2"]);
    expect(told.get("turn-1")?.text).toMatch(/^We /);
    expect(told.get("turn-1-2")?.text).toBe(WORDS);
  });

  it("is silent about refusals and tool rounds", async () => {
    const stage = await openStage({ scenario: { endings: [{ maxTurns: 2 }] } });
    stage.server.script.next({ kind: "refusal", refusal: "I cannot help with that." }, search, good);
    const told = await messagesOf(stage);
    expect([...assembled(told).keys()]).toEqual(["opening", "turn-2"]);
    expect(told.filter(({ message }) => message.text === "").map(({ message }) => usageOf(message))).toEqual([
      expect.objectContaining({ output_tokens: expect.any(Number) }),
    ]);
  });

  it("reaches whoever streams a parent graph with its subgraphs", async () => {
    const { graph } = await openStage({ scenario: oneTurn });
    const State = new StateSchema({ words: z.number().default(0) });
    const parent = new StateGraph({ state: State, nodes: ["simulate"] })
      .addNode("simulate", async (_state, config) => {
        const { turns } = await graph.invoke({}, { ...config, context: {} });
        return { words: turns.length };
      })
      .addEdge(START, "simulate")
      .addEdge("simulate", END)
      .compile();
    const ids: (string | undefined)[] = [];
    const stream = await parent.stream({}, { streamMode: "messages", subgraphs: true });
    for await (const chunk of stream) ids.push((chunk as unknown as [string[], [BaseMessage]])[1][0].id);
    expect(ids.filter((id) => id === "turn-1").length).toBeGreaterThan(3);
  });
});

describe("LangGraph's streamEvents", () => {
  it("go on as before in version 2, without raw tokens", async () => {
    const { graph, server } = await openStage({ scenario: oneTurn });
    const seen = new Set<string>();
    for await (const { event } of graph.streamEvents({}, { version: "v2" })) seen.add(event);
    expect([...seen]).toEqual(
      expect.arrayContaining(["on_chain_start", "on_chat_model_end", "on_chain_end"]),
    );
    expect([...seen]).not.toContain("on_chat_model_stream");
    expect(areStreamed(server.requests)).not.toContain(true);
  });
});
