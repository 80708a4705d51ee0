/** The response cache as a layer of the gateway: what is kept, who pays, and who waits for whom. */
import { describe, expect, it, vi } from "vitest";
import type { Completion, Delta, Exchange, Send } from "../../src/model/exchange.ts";
import { createMemoryCache } from "../../src/model/memory-cache.ts";
import { cacheKey, isKeepable, type ResponseCache, withCache } from "../../src/model/response-cache.ts";
import { completion, exchange, REQUEST } from "./sample-exchange.ts";

const KEY = "own-key-MARKED-0123456789";
const JSON_REQUEST = { ...REQUEST, response_format: { type: "json_object" as const } };
const call = (args: string) => ({
  id: "call_1",
  type: "function" as const,
  function: { name: "search", arguments: args },
});
const calling = (args: string) =>
  completion(null, {
    finish_reason: "tool_calls",
    message: { role: "assistant", content: null, refusal: null, tool_calls: [call(args)] },
  });

/** A server whose answers come when the test lets them. */
function heldServer() {
  const held: { exchange: Exchange; answer(value: Completion): void; fail(error: Error): void }[] = [];
  const send: Send = (sent) => {
    const { promise, resolve, reject } = Promise.withResolvers<Completion>();
    sent.signal?.addEventListener("abort", () => reject(sent.signal?.reason));
    held.push({ exchange: sent, answer: resolve, fail: reject });
    return promise.then((answer) => {
      sent.isAnswered = true;
      return answer;
    });
  };
  return { held, send };
}

const open = (send: Send, cache: ResponseCache = createMemoryCache()) =>
  withCache({ cache, server: "http://server/v1", apiKey: KEY })(send);

/** Lets everything run that waits for nothing outside. */
const settle = async () => {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
};

describe("an answer", () => {
  it.each([
    ["a whole one", completion("Fix exports."), true],
    ["one that calls a tool", calling('{"query":"churn"}'), true],
    ["one that was cut off", completion("Fix", { finish_reason: "length" }), false],
    ["one that was filtered", completion("", { finish_reason: "content_filter" }), false],
    [
      "a refusal",
      completion(null, { message: { role: "assistant", content: null, refusal: "I cannot." } }),
      false,
    ],
    ["an empty one", completion(" "), false],
    ["one with broken arguments", calling('{"query":'), false],
    ["one without a choice", { ...completion("x"), choices: [] }, false],
  ])("%s: kept %s", (_, answer, isKept) => {
    expect(isKeepable(answer, REQUEST)).toBe(isKept);
  });

  it("that is no JSON is not kept where JSON was asked for", () => {
    expect(isKeepable(completion("Fix exports."), JSON_REQUEST)).toBe(false);
    expect(isKeepable(completion('{"message":"Fix exports."}'), JSON_REQUEST)).toBe(true);
  });
});

describe("a key that was missed", () => {
  it("is given up when its request fails, and when its answer is not kept; not when it is", async () => {
    const answers = [completion("Fix", { finish_reason: "length" }), completion("Fix exports.")];
    const given: string[] = [];
    const giveUp = async (key: string) => void given.push(key);
    const cached = open(async () => answers.shift() ?? Promise.reject(new Error("lost")), {
      ...createMemoryCache(),
      giveUp,
    });
    await cached(exchange());
    expect(given).toEqual([cacheKey(REQUEST, { server: "http://server/v1", tier: "standard" })]);
    await cached(exchange());
    await cached(exchange());
    expect(given).toHaveLength(1);
    await expect(cached(exchange({ request: { ...REQUEST, seed: 4 } }))).rejects.toThrow("lost");
    expect(given).toHaveLength(2);
  });
});

describe("the second identical request", () => {
  it("is not sent, is marked, and gets the same answer", async () => {
    const send = vi.fn<Send>(async () => completion("Fix exports."));
    const cached = open(send);
    const first = exchange();
    const second = exchange({ labels: { turn: 9, purpose: "turn", persona: "ben" } });
    await cached(first);
    expect(await cached(second)).toEqual(completion("Fix exports."));
    expect(send).toHaveBeenCalledTimes(1);
    expect([first.fromCache, second.fromCache, second.isAnswered]).toEqual([false, true, true]);
  });

  it("is sent when the answer was not worth keeping", async () => {
    const send = vi.fn<Send>(async () => completion("Fix", { finish_reason: "length" }));
    const cached = open(send);
    await cached(exchange());
    await cached(exchange());
    expect(send).toHaveBeenCalledTimes(2);
  });

  it("gets an answer of its own, whatever the first did with its", async () => {
    const cached = open(async () => completion("Fix exports."));
    const first = await cached(exchange());
    first.choices = [];
    expect(await cached(exchange())).toEqual(completion("Fix exports."));
  });

  it("tells a watcher all of it at once", async () => {
    const cached = open(async () => calling('{"query":"churn"}'));
    const deltas: Delta[] = [];
    await cached(exchange());
    await cached(exchange({ onDelta: (delta) => deltas.push(delta) }));
    expect(deltas).toEqual([
      { attempt: 1, content: "", callArguments: '{"query":"churn"}', callName: "search" },
    ]);
  });

  it("of another server is another one", () => {
    const keyAt = (server: string) => cacheKey(REQUEST, { server, tier: "standard" });
    expect(keyAt("http://a/v1")).not.toBe(keyAt("http://b/v1"));
  });
});

describe("requests at the same time", () => {
  it("are sent once, and one of them pays", async () => {
    const { held, send } = heldServer();
    const cached = open(send);
    const all = Array.from({ length: 20 }, () => exchange());
    const answers = all.map(cached);
    await settle();
    expect(held).toHaveLength(1);
    held[0]?.answer(completion("Fix exports."));
    expect(await Promise.all(answers)).toEqual(all.map(() => completion("Fix exports.")));
    expect(all.filter(({ fromCache }) => !fromCache)).toHaveLength(1);
    expect(all.every(({ isAnswered }) => isAnswered)).toBe(true);
  });

  it("go on one at a time when the one that was sent fails", async () => {
    const { held, send } = heldServer();
    const cached = open(send);
    const answers = Array.from({ length: 5 }, () => cached(exchange()));
    const outcomes = Promise.allSettled(answers);
    await settle();
    held[0]?.fail(new Error("its own budget"));
    await settle();
    expect(held).toHaveLength(2);
    held[1]?.answer(completion("Fix exports."));
    const statuses = (await outcomes).map(({ status }) => status);
    expect(statuses).toEqual(["rejected", "fulfilled", "fulfilled", "fulfilled", "fulfilled"]);
    expect(held).toHaveLength(2);
  });

  it("do not share a refusal", async () => {
    const { held, send } = heldServer();
    const cached = open(send);
    const answers = [cached(exchange()), cached(exchange())];
    await settle();
    held[0]?.answer(completion("no", { finish_reason: "content_filter" }));
    await settle();
    expect(held).toHaveLength(2);
    held[1]?.answer(completion("Fix exports."));
    expect((await Promise.all(answers)).map((one) => one.choices[0]?.finish_reason)).toEqual([
      "content_filter",
      "stop",
    ]);
  });

  it("survive the abort of the one that was sent", async () => {
    const { held, send } = heldServer();
    const cached = open(send);
    const abort = new AbortController();
    const leader = cached(exchange({ signal: abort.signal }));
    const waiter = cached(exchange());
    await settle();
    abort.abort(new Error("broken off"));
    await expect(leader).rejects.toThrow("broken off");
    await settle();
    expect(held).toHaveLength(2);
    held[1]?.answer(completion("Fix exports."));
    expect(await waiter).toEqual(completion("Fix exports."));
  });

  it("lose a waiter that aborts at once, and nothing else", async () => {
    const { held, send } = heldServer();
    const cached = open(send);
    const abort = new AbortController();
    const leader = cached(exchange());
    const waiter = cached(exchange({ signal: abort.signal }));
    await settle();
    abort.abort(new Error("left"));
    await expect(waiter).rejects.toThrow("left");
    held[0]?.answer(completion("Fix exports."));
    expect(await leader).toEqual(completion("Fix exports."));
    expect(held).toHaveLength(1);
  });

  it("are not sent when they were aborted before", async () => {
    const send = vi.fn<Send>(async () => completion("x"));
    const signal = AbortSignal.abort(new Error("too late"));
    await expect(open(send)(exchange({ signal }))).rejects.toThrow("too late");
    expect(send).not.toHaveBeenCalled();
  });
});

describe("a cache of somebody's own", () => {
  const broken: ResponseCache = {
    get: async () => {
      throw new Error("no connection");
    },
    set: async () => {
      throw new Error("no connection");
    },
  };

  it("that fails costs requests, no answers", async () => {
    const send = vi.fn<Send>(async () => completion("Fix exports."));
    const cached = open(send, broken);
    expect(await cached(exchange())).toEqual(completion("Fix exports."));
    expect(await cached(exchange())).toEqual(completion("Fix exports."));
    expect(send).toHaveBeenCalledTimes(2);
  });

  it.each([
    ["an empty object", {}],
    ["a completion without a choice", { ...completion("x"), choices: [] }],
    ["null, as databases have it", null],
  ])("that gives %s is asked in vain, and is given what was sent instead", async (_, stored) => {
    const kept: Completion[] = [];
    const cache: ResponseCache = {
      get: async () => stored as Completion,
      set: async (_key, answer) => void kept.push(answer),
    };
    const asked = exchange();
    expect(await open(async () => completion("Fix exports."), cache)(asked)).toEqual(
      completion("Fix exports."),
    );
    expect([asked.fromCache, kept]).toEqual([false, [completion("Fix exports.")]]);
  });

  it("that hangs lets an abort through", async () => {
    const abort = new AbortController();
    const hanging: ResponseCache = { ...broken, get: () => new Promise(() => undefined) };
    const asked = open(async () => completion("x"), hanging)(exchange({ signal: abort.signal }));
    abort.abort(new Error("broken off"));
    await expect(asked).rejects.toThrow("broken off");
  });

  it("gets digests and answers, and never the key", async () => {
    const written: string[] = [];
    const cache: ResponseCache = {
      get: async () => undefined,
      set: async (key, answer) => {
        written.push(key, JSON.stringify(answer));
      },
    };
    await open(async () => completion(`You sent ${KEY}.`), cache)(exchange());
    expect(written[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(written).toHaveLength(2);
    expect(written.join()).not.toContain("MARKED");
  });
});
