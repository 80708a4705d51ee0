/** What @langchain/openai really sends, against every rule of the server. */
import {
  AIMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
  type UsageMetadata,
} from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI, type ChatOpenAIFields } from "@langchain/openai";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { startServer, VERDICT } from "./fixture.ts";

const verdictSchema = z.strictObject({
  verdict: z.string().describe("What you decide."),
  confidence: z.number().min(0).max(1),
  addressedTo: z.enum(["ada", "grace"]).nullable(),
});

const search = tool(async () => "nothing", {
  name: "search",
  description: "Finds passages.",
  schema: z.object({ query: z.string(), category: z.enum(["sea", "land"]).nullable().optional() }).required(),
});

type Server = ReturnType<typeof startServer>;
const modelOf = (server: Server, fields: ChatOpenAIFields = {}) =>
  new ChatOpenAI({
    model: "gpt-4.1-nano",
    apiKey: "sk-test",
    temperature: 0.7,
    maxTokens: 500,
    maxRetries: 0,
    ...fields,
    configuration: { fetch: server.fetch, maxRetries: 0 },
  });

/** Its declared type loses what the running object has. */
type Structured = Pick<ChatOpenAI, "withStructuredOutput">;

const call = { id: "call_1", name: "search", args: { query: "tides", category: null } };
const conversation = [
  new SystemMessage("You are Ada."),
  new HumanMessage({ content: "When does the tide turn?", name: "grace" }),
  new AIMessage({ content: "", name: "ada", tool_calls: [call] }),
  new ToolMessage({ content: "Twice a day.", tool_call_id: "call_1", name: "search" }),
  new SystemMessage("Speak now."),
];

const usageOf = (message: unknown) => (message as { usage_metadata?: UsageMetadata }).usage_metadata;

describe("ChatOpenAI", () => {
  it("gets a structured answer with tools on offer, in one request", async () => {
    const server = startServer();
    const offering = modelOf(server).bindTools([search], { strict: true, parallel_tool_calls: false });
    const model = (offering as unknown as Structured).withStructuredOutput(verdictSchema, {
      name: "verdict",
      method: "jsonSchema",
      strict: true,
      includeRaw: true,
    });
    const { parsed, raw } = await model.invoke(conversation);
    expect(parsed).toEqual(VERDICT);
    expect(usageOf(raw)?.input_tokens).toBe(server.bill.inputTokens);
    const body = server.requests[0]?.body;
    expect(body).toMatchObject({
      tools: [{ function: { strict: true } }],
      response_format: { type: "json_schema" },
    });
    expect(server.requests).toHaveLength(1);
  });

  it("streams the same, with usage", async () => {
    const server = startServer();
    const model = modelOf(server)
      .bindTools([search], { strict: true, parallel_tool_calls: false })
      .withConfig({
        response_format: {
          type: "json_schema",
          json_schema: { name: "verdict", strict: true, schema: z.toJSONSchema(verdictSchema) },
        },
      });
    let whole: AIMessage | undefined;
    let chunks = 0;
    for await (const chunk of await model.stream(conversation)) {
      whole = whole === undefined ? chunk : (whole as typeof chunk).concat(chunk);
      chunks += 1;
    }
    expect(JSON.parse(whole?.text ?? "")).toEqual(VERDICT);
    expect(chunks).toBeGreaterThan(4);
    expect(whole?.usage_metadata).toMatchObject({
      input_tokens: server.bill.inputTokens,
      output_tokens: server.bill.outputTokens,
    });
    expect(server.requests[0]?.body).toMatchObject({ stream: true, stream_options: { include_usage: true } });
  });

  it("gets tool calls, streaming and not", async () => {
    const server = startServer();
    server.script.next({ kind: "tool-calls", calls: [{ name: "search", arguments: call.args }], times: 2 });
    const model = modelOf(server).bindTools([search], { strict: true });
    const plain = await model.invoke("When?");
    expect(plain.tool_calls).toMatchObject([{ name: "search", args: call.args }]);
    let streamed: AIMessage | undefined;
    for await (const chunk of await model.stream("When?")) {
      streamed = streamed === undefined ? chunk : (streamed as typeof chunk).concat(chunk);
    }
    expect(streamed?.tool_calls).toMatchObject([{ name: "search", args: call.args }]);
  });

  it.each([true, false])("gets a structured answer by function calling, strict: %s", async (strict) => {
    const server = startServer();
    const model = modelOf(server).withStructuredOutput(verdictSchema, {
      name: "verdict",
      method: "functionCalling",
      strict,
    });
    expect(await model.invoke("Well?")).toEqual(VERDICT);
  });

  it("gets a structured answer in JSON mode", async () => {
    const model = modelOf(startServer(), { model: "old" }).withStructuredOutput(verdictSchema, {
      name: "verdict",
      method: "jsonMode",
    });
    expect(await model.invoke("Answer in JSON.")).toEqual(VERDICT);
  });

  it("reads reasoning tokens and the tier of a reasoning model", async () => {
    const server = startServer();
    const { temperature: _, ...fields } = {
      temperature: 1,
      model: "o4-mini",
      reasoning: { effort: "low" as const },
    };
    const model = new ChatOpenAI({
      ...fields,
      apiKey: "sk-test",
      maxTokens: 500,
      maxRetries: 0,
      service_tier: "flex",
      promptCacheKey: "conversation-1",
      configuration: { fetch: server.fetch, maxRetries: 0 },
    });
    const answer = await model.invoke([new SystemMessage("You are Ada."), new HumanMessage("When?")]);
    expect(usageOf(answer)?.output_token_details?.reasoning).toBe(64);
    expect(answer.response_metadata).toMatchObject({ system_fingerprint: "offline" });
    expect(server.requests[0]?.body).toMatchObject({ max_completion_tokens: 500, reasoning_effort: "low" });
  });

  it("reads cached tokens", async () => {
    const server = startServer();
    const model = modelOf(server);
    const long = new SystemMessage(Array(1199).fill("hello").join(" "));
    await model.invoke([long, new HumanMessage("one")]);
    const second = await model.invoke([long, new HumanMessage("two")]);
    expect(usageOf(second)?.input_token_details?.cache_read).toBe(1152);
  });
});
