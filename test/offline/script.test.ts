import { describe, expect, it } from "vitest";
import type { ErrorBody } from "../../src/offline/api-error.ts";
import { createScript } from "../../src/offline/script.ts";
import { answerTo, post, requestOf, SEARCH_TOOL, startServer, VERDICT, verdictFormat } from "./fixture.ts";

describe("a script", () => {
  it("gives each step to one request, in order, and counts what is left", () => {
    const script = createScript();
    script.next({ kind: "empty", times: 2 }, { kind: "quota" });
    expect(script.remaining).toBe(3);
    const taken = [1, 2, 3, 4].map(() => script.take(requestOf())?.kind);
    expect(taken).toEqual(["empty", "empty", "quota", undefined]);
    expect(script.remaining).toBe(0);
  });

  it("passes by requests that a step does not apply to", () => {
    const script = createScript();
    script.next({ kind: "quota", when: ({ model }) => model === "o4-mini" }, { kind: "empty" });
    expect(script.take(requestOf())?.kind).toBe("empty");
    expect(script.take(requestOf())).toBeUndefined();
    expect(script.take(requestOf({ model: "o4-mini" }))?.kind).toBe("quota");
  });

  it("repeats a step for ever until it is cleared", () => {
    const script = createScript();
    script.next({ kind: "empty", times: Number.POSITIVE_INFINITY });
    for (let request = 0; request < 100; request++) expect(script.take(requestOf())?.kind).toBe("empty");
    script.clear();
    expect(script.take(requestOf())).toBeUndefined();
  });

  it("refuses a step that would never apply", () => {
    expect(() => createScript().next({ kind: "empty", times: 0 })).toThrow(/times of 1 or more, got 0/);
  });
});

describe("scripted answers", () => {
  it("are content as it was given, even when the schema says otherwise", async () => {
    const server = startServer();
    server.script.next({ kind: "content", content: { unexpected: true } });
    const answer = await answerTo(server, { response_format: verdictFormat });
    expect(answer.message.content).toBe('{"unexpected":true}');
    expect(answer.finish_reason).toBe("stop");
  });

  it("are tool calls", async () => {
    const server = startServer();
    server.script.next({
      kind: "tool-calls",
      calls: [
        { name: "search", arguments: { query: "tides" } },
        { name: "search", arguments: "{not json" },
      ],
    });
    const answer = await answerTo(server, { tools: [SEARCH_TOOL] });
    expect(answer.finish_reason).toBe("tool_calls");
    expect(answer.message.content).toBeNull();
    expect(answer.message.tool_calls).toEqual([
      {
        id: "call_offline_000001_0",
        type: "function",
        function: { name: "search", arguments: '{"query":"tides"}' },
      },
      { id: "call_offline_000001_1", type: "function", function: { name: "search", arguments: "{not json" } },
    ]);
  });

  it("are refusals", async () => {
    const server = startServer();
    server.script.next({ kind: "refusal", refusal: "I will not." });
    const answer = await answerTo(server);
    expect(answer.message).toMatchObject({ content: null, refusal: "I will not." });
    expect(answer.finish_reason).toBe("stop");
    expect(answer.usage.completion_tokens).toBe(4);
  });

  it("are cut off in the middle of what would have been said", async () => {
    const server = startServer();
    server.script.next({ kind: "length" });
    const answer = await answerTo(server, { response_format: verdictFormat });
    expect(answer.finish_reason).toBe("length");
    expect(JSON.stringify(VERDICT).startsWith(answer.message.content ?? "?")).toBe(true);
    expect(() => JSON.parse(answer.message.content ?? "")).toThrow(SyntaxError);
  });

  it("are filtered", async () => {
    const server = startServer();
    server.script.next({ kind: "content-filter", content: "The tide" });
    const answer = await answerTo(server);
    expect(answer).toMatchObject({ finish_reason: "content_filter", message: { content: "The tide" } });
  });

  it("are broken JSON that claims to be complete", async () => {
    const server = startServer();
    server.script.next({ kind: "bad-json" });
    const answer = await answerTo(server, { response_format: verdictFormat });
    expect(answer.finish_reason).toBe("stop");
    expect(() => JSON.parse(answer.message.content ?? "")).toThrow(SyntaxError);
  });

  it("are empty", async () => {
    const server = startServer();
    server.script.next({ kind: "empty" });
    const answer = await answerTo(server);
    expect(answer).toMatchObject({ finish_reason: "stop", message: { content: "" } });
    expect(answer.usage.completion_tokens).toBe(0);
    expect(server.bill.requests).toBe(1);
  });
});

describe("scripted failures", () => {
  it("are statuses with the headers and body that were given, and cost nothing", async () => {
    const server = startServer();
    server.script.next(
      { kind: "status", status: 429, headers: { "retry-after-ms": "5" } },
      { kind: "status", status: 418, body: { error: { message: "teapot" } } },
    );
    const limited = await post(server, requestOf());
    expect(limited.status).toBe(429);
    expect(limited.headers.get("retry-after-ms")).toBe("5");
    expect(limited.headers.get("x-request-id")).toBe("req_offline_000001");
    expect(limited.headers.get("x-ratelimit-limit-requests")).toBeNull();
    expect(((await limited.json()) as ErrorBody).error.code).toBe("rate_limit_exceeded");
    const teapot = await post(server, requestOf());
    expect([teapot.status, await teapot.json()]).toEqual([418, { error: { message: "teapot" } }]);
    expect(server.bill.requests).toBe(0);
    expect(server.script.remaining).toBe(0);
  });

  it("are an account without money", async () => {
    const server = startServer();
    server.script.next({ kind: "quota" });
    const response = await post(server, requestOf());
    expect(response.status).toBe(429);
    const { error } = (await response.json()) as ErrorBody;
    expect(error).toMatchObject({ type: "insufficient_quota", code: "insufficient_quota" });
  });

  it("are connections dropped after the answer was paid for", async () => {
    const server = startServer();
    server.script.next({ kind: "drop" });
    await expect(post(server, requestOf())).rejects.toThrow(TypeError);
    expect(server.bill.requests).toBe(1);
    expect(server.requests[0]?.status).toBeUndefined();
  });

  it("are connections dropped before anything was generated", async () => {
    const server = startServer();
    server.script.next({ kind: "drop", billed: false });
    await expect(post(server, requestOf())).rejects.toThrow(TypeError);
    expect(server.bill.requests).toBe(0);
  });

  it("hang until the client gives up, and then end at once", async () => {
    const server = startServer();
    server.script.next({ kind: "hang" });
    const controller = new AbortController();
    const answer = post(server, requestOf(), { signal: controller.signal });
    while (server.script.remaining > 0) await new Promise(setImmediate);
    controller.abort();
    await expect(answer).rejects.toMatchObject({ name: "AbortError" });
    expect(server.bill.requests).toBe(0);
    expect(server.requests[0]?.status).toBeUndefined();
    expect((await post(server, requestOf())).status).toBe(200);
  });

  it("hang although the answer was generated and paid for", async () => {
    const server = startServer();
    server.script.next({ kind: "hang", billed: true });
    const controller = new AbortController();
    const answer = post(server, requestOf(), { signal: controller.signal });
    while (server.bill.requests === 0) await new Promise(setImmediate);
    controller.abort();
    await expect(answer).rejects.toMatchObject({ name: "AbortError" });
    expect(server.requests[0]?.chargedNanoUsd).toBe(server.bill.costNanoUsd);
  });

  it("are the rate limit's own 429, with as many headers as asked for", async () => {
    const server = startServer();
    server.script.next(
      { kind: "rate-limited", waitMs: 1500 },
      { kind: "rate-limited", headers: "retry-after", waitMs: 61_000 },
      { kind: "rate-limited", headers: "none" },
    );
    const told = async () => {
      const { status, headers } = await post(server, requestOf());
      const names = ["retry-after", "retry-after-ms", "x-ratelimit-limit-requests"];
      return [status, ...names.map((name) => headers.get(name))];
    };
    expect(await told()).toEqual([429, "2", "1500", "10000000"]);
    expect(await told()).toEqual([429, "61", null, null]);
    expect(await told()).toEqual([429, null, null, null]);
    expect(server.traffic.rejected).toBe(0);
    expect(server.bill.requests).toBe(0);
  });

  it("break a stream before its end, however late they were to", async () => {
    const server = startServer();
    server.script.next({ kind: "cut-stream", afterChunks: 1000 });
    const response = await post(server, requestOf({ stream: true }));
    await expect(response.text()).rejects.toThrow("terminated");
  });

  it("cut a stream after so many chunks, and bill all of it", async () => {
    const server = startServer();
    server.script.next({ kind: "cut-stream", afterChunks: 2 });
    const response = await post(server, requestOf({ stream: true }));
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const events: string[] = [];
    const reading = (async () => {
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read())
        events.push(part.value);
    })();
    await expect(reading).rejects.toThrow("terminated");
    expect(events).toHaveLength(2);
    expect(events.join("")).not.toContain("[DONE]");
    expect(server.bill.requests).toBe(1);
    expect(server.bill.outputTokens).toBe(7);
  });

  it("are not used up by requests that are refused anyway", async () => {
    const server = startServer();
    server.script.next({ kind: "empty" });
    expect((await post(server, requestOf({ temperature: 9 }))).status).toBe(400);
    expect(server.script.remaining).toBe(1);
  });

  it("can come late", async () => {
    const server = startServer();
    server.script.next({ kind: "content", content: "late", latencyMs: 3_600_000 });
    const controller = new AbortController();
    const answer = post(server, requestOf(), { signal: controller.signal });
    while (server.script.remaining > 0) await new Promise(setImmediate);
    controller.abort(new Error("too late"));
    await expect(answer).rejects.toThrow("too late");
  });
});
