import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { answerTo, post, requestOf, SEARCH_TOOL, startServer } from "./fixture.ts";

const clientOf = (server: ReturnType<typeof startServer>) =>
  new OpenAI({ apiKey: "sk-test", fetch: server.fetch, maxRetries: 0 });

describe("a stream", () => {
  const events = async (more: Parameters<typeof requestOf>[0]) => {
    const response = await post(startServer(), requestOf({ stream: true, ...more }));
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    return (await response.text())
      .trimEnd()
      .split("\n\n")
      .map((event) => event.replace(/^data: /, ""));
  };
  const parse = (event: string | undefined) => JSON.parse(event ?? "") as Record<string, unknown>;

  it("begins with the role, ends with the finish reason and [DONE], under one id", async () => {
    const all = await events({});
    expect(all.at(-1)).toBe("[DONE]");
    const chunks = all.slice(0, -1).map(parse);
    expect(chunks[0]?.choices).toEqual([
      {
        index: 0,
        delta: { role: "assistant", content: "", refusal: null },
        logprobs: null,
        finish_reason: null,
      },
    ]);
    expect(chunks.at(-1)?.choices).toEqual([{ index: 0, delta: {}, logprobs: null, finish_reason: "stop" }]);
    expect(new Set(chunks.map(({ id }) => id))).toEqual(new Set(["chatcmpl-offline-000001"]));
    expect(chunks.every((chunk) => !("usage" in chunk))).toBe(true);
    expect(chunks.length).toBeGreaterThan(3);
  });

  it("reports usage once, in a chunk without choices, when that is asked for", async () => {
    const chunks = (await events({ stream_options: { include_usage: true } })).slice(0, -1).map(parse);
    const last = chunks.pop();
    expect(last?.choices).toEqual([]);
    expect(last?.usage).toMatchObject({ prompt_tokens: 13, completion_tokens: 7, total_tokens: 20 });
    expect(chunks.every(({ usage }) => usage === null)).toBe(true);
  });

  it("says what the plain answer says", async () => {
    const server = startServer();
    const stream = await clientOf(server).chat.completions.create({
      model: "gpt-4.1-nano",
      messages: [{ role: "user", content: "When does the tide turn?" }],
      stream: true,
    });
    let content = "";
    for await (const chunk of stream) content += chunk.choices[0]?.delta.content ?? "";
    expect(content).toBe((await answerTo(server)).message.content);
  });

  it("hands tool calls over in pieces that the official client puts together", async () => {
    const server = startServer();
    server.script.next({
      kind: "tool-calls",
      calls: [
        { name: "search", arguments: { query: "spring tides and neap tides 🌊" } },
        { name: "search", arguments: { query: "moon" } },
      ],
    });
    const stream = clientOf(server).chat.completions.stream({
      model: "gpt-4.1-nano",
      messages: [{ role: "user", content: "x" }],
      tools: [SEARCH_TOOL],
    });
    const completion = await stream.finalChatCompletion();
    const choice = completion.choices[0];
    expect(choice?.finish_reason).toBe("tool_calls");
    expect(
      choice?.message.tool_calls?.map((call) => call.type === "function" && call.function.arguments),
    ).toEqual(['{"query":"spring tides and neap tides 🌊"}', '{"query":"moon"}']);
  });

  it("hands over a refusal", async () => {
    const server = startServer();
    server.script.next({ kind: "refusal", refusal: "I would rather not talk about tides." });
    const stream = clientOf(server).chat.completions.stream({
      model: "gpt-4.1-nano",
      messages: [{ role: "user", content: "x" }],
    });
    const completion = await stream.finalChatCompletion();
    expect(completion.choices[0]?.message.refusal).toBe("I would rather not talk about tides.");
  });

  it("ends with the client's reason when that gives up halfway", async () => {
    const controller = new AbortController();
    const response = await post(startServer(), requestOf({ stream: true }), { signal: controller.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    controller.abort();
    await expect(reader?.read()).rejects.toMatchObject({ name: "AbortError" });
  });
});
