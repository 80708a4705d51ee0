import { describe, expect, it } from "vitest";
import { answerTo, SEARCH_TOOL, startServer } from "./fixture.ts";

const hellos = (count: number) => Array(count).fill("hello").join(" ");

describe("the output limit", () => {
  it("cuts content for real", async () => {
    const server = startServer();
    server.script.next({ kind: "content", content: hellos(50) });
    const answer = await answerTo(server, { max_tokens: 7 });
    expect(answer.message.content).toBe(hellos(7));
    expect(answer.finish_reason).toBe("length");
    expect(answer.usage.completion_tokens).toBe(7);
  });

  it("leaves alone what fits exactly", async () => {
    const server = startServer();
    server.script.next({ kind: "content", content: hellos(7) });
    const answer = await answerTo(server, { max_tokens: 7 });
    expect(answer).toMatchObject({ finish_reason: "stop", message: { content: hellos(7) } });
  });

  it("is the model's own where the request sets none", async () => {
    const server = startServer();
    server.script.next({ kind: "content", content: hellos(100) });
    const answer = await answerTo(server, { model: "small", messages: [{ role: "user", content: "hello" }] });
    expect(answer.usage).toMatchObject({ prompt_tokens: 8, completion_tokens: 40, total_tokens: 48 });
  });

  it("is what the context leaves", async () => {
    const server = startServer();
    server.script.next({ kind: "content", content: hellos(100) });
    const answer = await answerTo(server, {
      model: "small",
      messages: [{ role: "user", content: hellos(33) }],
    });
    // 60 tokens of context, 40 of them read.
    expect(answer.usage).toMatchObject({ prompt_tokens: 40, completion_tokens: 20 });
  });

  it("cuts the arguments of a tool call", async () => {
    const server = startServer();
    server.script.next({
      kind: "tool-calls",
      calls: [
        { name: "search", arguments: { query: hellos(50) } },
        { name: "search", arguments: { query: "never reached" } },
      ],
    });
    const answer = await answerTo(server, { tools: [SEARCH_TOOL], max_tokens: 20 });
    expect(answer.finish_reason).toBe("length");
    expect(answer.message.tool_calls).toHaveLength(1);
    expect(answer.message.tool_calls?.[0]?.function.arguments).toMatch(/^\{"query":"hello( hello)*$/);
    expect(answer.usage.completion_tokens).toBe(20);
  });
});

describe("reasoning tokens", () => {
  it.each([
    [undefined, 128],
    ["minimal", 0],
    ["low", 64],
    ["high", 256],
  ])("with effort %s are %i, and output", async (effort, expected) => {
    const server = startServer();
    server.script.next({ kind: "content", content: hellos(10) });
    const more = effort === undefined ? {} : { reasoning_effort: effort };
    const answer = await answerTo(server, { model: "o4-mini", ...more });
    expect(answer.usage.completion_tokens_details.reasoning_tokens).toBe(expected);
    expect(answer.usage.completion_tokens).toBe(expected + 10);
  });

  it("can use up the whole limit and leave nothing to say", async () => {
    const answer = await answerTo(startServer(), { model: "o4-mini", max_completion_tokens: 100 });
    expect(answer).toMatchObject({ finish_reason: "length", message: { content: "" } });
    expect(answer.usage.completion_tokens).toBe(100);
  });

  it("are none for models that do not reason", async () => {
    const answer = await answerTo(startServer());
    expect(answer.usage.completion_tokens_details.reasoning_tokens).toBe(0);
  });
});

describe("finish reasons", () => {
  it("are tool_calls for calls of the model's choice and stop for a call demanded by name", async () => {
    const server = startServer();
    const tools = [SEARCH_TOOL];
    const free = await answerTo(server, { tools, tool_choice: "required" });
    const forced = await answerTo(server, {
      tools,
      tool_choice: { type: "function", function: { name: "search" } },
    });
    expect([free.finish_reason, forced.finish_reason]).toEqual(["tool_calls", "stop"]);
    expect(forced.message.tool_calls).toHaveLength(1);
  });
});

describe("tiers", () => {
  it("are flex when asked for, billed at half, and default otherwise", async () => {
    const server = startServer();
    expect((await answerTo(server, { model: "gpt-5-mini" })).service_tier).toBe("default");
    const full = server.bill.costNanoUsd;
    const flex = { model: "gpt-5-mini", service_tier: "flex" };
    expect((await answerTo(server, flex)).service_tier).toBe("flex");
    expect(server.bill.costNanoUsd).toBe(full * 1.5);
    expect((await answerTo(server, { service_tier: "auto" })).service_tier).toBe("default");
  });
});
