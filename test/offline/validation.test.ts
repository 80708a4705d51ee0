/** Every rule of the provider, over the wire: the exact body that a client gets for breaking it. */
import { beforeEach, describe, expect, it } from "vitest";
import type { ErrorBody } from "../../src/offline/api-error.ts";
import type { OfflineServer } from "../../src/offline/server.ts";
import { post, requestOf, SEARCH_TOOL, startServer, VERDICT_SCHEMA, verdictFormat } from "./fixture.ts";

let server: OfflineServer;
beforeEach(() => {
  server = startServer();
});

const user = { role: "user", content: "When does the tide turn?" };
const call = { id: "call_1", type: "function", function: { name: "search", arguments: "{}" } };
const calling = { role: "assistant", content: null, tool_calls: [call] };
const result = { role: "tool", tool_call_id: "call_1", content: "Twice a day." };
const searchWith = (more: Record<string, unknown>) => [
  { ...SEARCH_TOOL, function: { ...SEARCH_TOOL.function, ...more } },
];
const formatWith = (more: Record<string, unknown>) => ({
  ...verdictFormat,
  json_schema: { ...verdictFormat.json_schema, ...more },
});

type Row = [
  why: string,
  more: Record<string, unknown>,
  message: string,
  param: string | null,
  code: string | null,
];

async function expectRefusal(
  more: Record<string, unknown>,
  [message, param, code]: [string, string | null, string | null],
  status = 400,
) {
  const response = await post(server, { ...requestOf(), ...more });
  expect({ status: response.status, ...((await response.json()) as ErrorBody) }).toEqual({
    status,
    error: { message, type: "invalid_request_error", param, code },
  });
  expect(server.bill.requests).toBe(0);
}

describe("messages are refused", () => {
  const unanswered =
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: call_1";
  const stray =
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
  it.each<[why: string, messages: unknown, message: string, param: string | null, code: string | null]>([
    ["when a tool call is unanswered at the end", [user, calling], unanswered, "messages", null],
    [
      "when a tool call is unanswered before the next message",
      [user, calling, user],
      unanswered,
      "messages",
      null,
    ],
    ["when a tool message answers nothing", [user, result], stray, "messages.[1].role", null],
    ["when a call is answered twice", [user, calling, result, result], stray, "messages.[3].role", null],
    [
      "when there are none",
      [],
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      "messages",
      "empty_array",
    ],
    [
      "when missing",
      undefined,
      "Missing required parameter: 'messages'.",
      "messages",
      "missing_required_parameter",
    ],
    [
      "when no array",
      "hello",
      "Invalid type for 'messages': expected an array of objects, but got a string instead.",
      "messages",
      "invalid_type",
    ],
    [
      "with an unknown role",
      [{ role: "persona", content: "x" }],
      "Invalid value: 'persona'. Supported values are: 'system', 'developer', 'user', 'assistant', and 'tool'.",
      "messages[0].role",
      "invalid_value",
    ],
    [
      "with a name of several words",
      [{ ...user, name: "Ada Lovelace" }],
      "Invalid 'messages[0].name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
      "messages[0].name",
      "invalid_value",
    ],
    [
      "with a name of 65 letters",
      [{ ...user, name: "a".repeat(65) }],
      "Invalid 'messages[0].name': string too long. Expected a string with maximum length 64, but got a string with length 65 instead.",
      "messages[0].name",
      "string_above_max_length",
    ],
    [
      "with a key nobody knows",
      [{ ...user, mood: "calm" }],
      "Unknown parameter: 'messages[0].mood'.",
      "messages[0].mood",
      "unknown_parameter",
    ],
    [
      "with tool calls of a user",
      [{ ...user, tool_calls: [call] }],
      "Unknown parameter: 'messages[0].tool_calls'.",
      "messages[0].tool_calls",
      "unknown_parameter",
    ],
    [
      "without content",
      [{ role: "user" }],
      "Missing required parameter: 'messages[0].content'.",
      "messages[0].content",
      "missing_required_parameter",
    ],
    [
      "with an assistant who says and does nothing",
      [user, { role: "assistant", content: null }],
      "Invalid value for 'content': expected a string, got null.",
      "messages[1].content",
      null,
    ],
    [
      "with a tool message without id",
      [user, calling, { role: "tool", content: "x" }],
      "Missing required parameter: 'messages[2].tool_call_id'.",
      "messages[2].tool_call_id",
      "missing_required_parameter",
    ],
    [
      "with a picture",
      [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }],
      "Invalid value: 'image_url'. Supported values are: 'text'.",
      "messages[0].content[0].type",
      "invalid_value",
    ],
    [
      "with arguments that are no text",
      [user, { ...calling, tool_calls: [{ ...call, function: { name: "search", arguments: {} } }] }, result],
      "Invalid type for 'messages[1].tool_calls[0].function.arguments': expected a string, but got an object instead.",
      "messages[1].tool_calls[0].function.arguments",
      "invalid_type",
    ],
  ])("%s", (_why, messages, ...expected) => expectRefusal({ messages }, expected));
});

describe("parameters are refused", () => {
  it.each<Row>([
    ["when unknown", { top_k: 5 }, "Unrecognized request argument supplied: top_k", null, null],
    [
      "when several are unknown",
      { top_k: 5, thinking: {} },
      "Unrecognized request arguments supplied: top_k, thinking",
      null,
      null,
    ],
    [
      "with a cache key of 72 characters",
      { prompt_cache_key: "k".repeat(72) },
      "Invalid 'prompt_cache_key': string too long. Expected a string with maximum length 64, but got a string with length 72 instead.",
      "prompt_cache_key",
      "string_above_max_length",
    ],
    [
      "with a cache key that is no text",
      { prompt_cache_key: 7 },
      "Invalid type for 'prompt_cache_key': expected a string, but got an integer instead.",
      "prompt_cache_key",
      "invalid_type",
    ],
    [
      "with a tier that nobody sells",
      { service_tier: "standard" },
      "Invalid value: 'standard'. Supported values are: 'auto', 'default', 'flex', 'priority', 'scale', and 'fast'.",
      "service_tier",
      "invalid_value",
    ],
    [
      "at flex for a model that is not offered at it",
      { service_tier: "flex" },
      "Flex is not available for this model.",
      "service_tier",
      null,
    ],
    [
      "when this server cannot do them",
      { stop: ["."] },
      "The offline server does not offer 'stop'.",
      "stop",
      "unsupported_parameter",
    ],
    [
      "when of the wrong type",
      { temperature: "hot" },
      "Invalid type for 'temperature': expected a decimal, but got a string instead.",
      "temperature",
      "invalid_type",
    ],
    [
      "with a temperature above 2",
      { temperature: 3 },
      "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
      "temperature",
      "decimal_above_max_value",
    ],
    [
      "with a temperature below 0",
      { temperature: -0.5 },
      "Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got -0.5 instead.",
      "temperature",
      "decimal_below_min_value",
    ],
    [
      "with a broken seed",
      { seed: 1.5 },
      "Invalid type for 'seed': expected an integer, but got a decimal number instead.",
      "seed",
      "invalid_type",
    ],
    [
      "with several choices",
      { n: 2 },
      "Invalid 'n': integer above maximum value. Expected a value <= 1, but got 2 instead.",
      "n",
      "integer_above_max_value",
    ],
    [
      "with no output allowed",
      { max_tokens: 0 },
      "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead.",
      "max_tokens",
      "integer_below_min_value",
    ],
    [
      "with more output than the model has",
      { max_tokens: 40_000 },
      "max_tokens is too large: 40000. This model supports at most 32768 completion tokens, whereas you provided 40000.",
      "max_tokens",
      "invalid_value",
    ],
    [
      "with two output limits",
      { max_tokens: 10, max_completion_tokens: 10 },
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      "max_completion_tokens",
      null,
    ],
    [
      "with stream options but no stream",
      { stream_options: { include_usage: true } },
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      "stream_options",
      null,
    ],
    [
      "with stream options for a stream that was turned off",
      { stream: false, stream_options: { include_usage: true } },
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      "stream_options",
      null,
    ],
    [
      "with an effort for a model that does not reason",
      { reasoning_effort: "low" },
      "Unrecognized request argument supplied: reasoning_effort",
      null,
      null,
    ],
    [
      "without a model",
      { model: undefined },
      "you must provide a model parameter",
      "model",
      "missing_required_parameter",
    ],
  ])("%s", (_why, more, ...expected) => expectRefusal(more, expected));

  it("takes null for what may be left out", async () => {
    const response = await post(server, { ...requestOf(), temperature: null, seed: null, max_tokens: null });
    expect(response.status).toBe(200);
  });

  it("takes every tier that is sold, and a cache key of 64 characters", async () => {
    for (const tier of ["auto", "default", "flex", "priority", "scale", "fast"]) {
      const body = requestOf({
        model: "gpt-5-mini",
        service_tier: tier,
        prompt_cache_key: "k".repeat(64),
      });
      expect((await post(server, body)).status).toBe(200);
    }
  });

  it("answers 404 for a model it does not have", () =>
    expectRefusal(
      { model: "gpt-99" },
      ["The model `gpt-99` does not exist or you do not have access to it.", null, "model_not_found"],
      404,
    ));

  it.each([
    [
      "no JSON",
      '{"model": ',
      "We could not parse the JSON body of your request. The API expects a JSON payload.",
      null,
    ],
    [
      "no object",
      "[]",
      "Invalid type for 'body': expected an object, but got an array instead.",
      "invalid_type",
    ],
  ])("refuses a body that is %s", async (_why, body, message, code) => {
    const response = await post(server, body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as ErrorBody).error).toMatchObject({ message, code });
  });
});

describe("reasoning models refuse", () => {
  const unsupported = (name: string, hint = ""): [string, string, string] => [
    `Unsupported parameter: '${name}' is not supported with this model.${hint}`,
    name,
    "unsupported_parameter",
  ];
  it("a temperature", () =>
    expectRefusal({ model: "o4-mini", temperature: 0.2 }, [
      "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
      "temperature",
      "unsupported_value",
    ]));
  it("max_tokens", () =>
    expectRefusal(
      { model: "gpt-5-mini", max_tokens: 10 },
      unsupported("max_tokens", " Use 'max_completion_tokens' instead."),
    ));
  it("top_p", () => expectRefusal({ model: "gpt-5-mini", top_p: 1 }, unsupported("top_p")));
  it("parallel_tool_calls, in the o-series", () =>
    expectRefusal(
      { model: "o4-mini", tools: [SEARCH_TOOL], parallel_tool_calls: false },
      unsupported("parallel_tool_calls"),
    ));
  it("but gpt-5 takes parallel_tool_calls, and all take temperature 1", async () => {
    const body = requestOf({
      model: "gpt-5-mini",
      tools: [SEARCH_TOOL],
      parallel_tool_calls: false,
      temperature: 1,
    });
    expect((await post(server, body)).status).toBe(200);
  });
});

describe("tools and formats are refused", () => {
  const onlyWithTools = (name: string) =>
    `Invalid value for '${name}': '${name}' is only allowed when 'tools' are specified.`;
  it.each<Row>([
    [
      "with a choice but no tools",
      { tool_choice: "auto" },
      onlyWithTools("tool_choice"),
      "tool_choice",
      null,
    ],
    [
      "with parallel calls but no tools",
      { parallel_tool_calls: false },
      onlyWithTools("parallel_tool_calls"),
      "parallel_tool_calls",
      null,
    ],
    [
      "with an empty list",
      { tools: [] },
      "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      "tools",
      "empty_array",
    ],
    [
      "with the choice of an unknown tool",
      { tools: [SEARCH_TOOL], tool_choice: { type: "function", function: { name: "dig" } } },
      "Tool choice 'function' not found in 'tools' parameter.",
      "tool_choice",
      null,
    ],
    [
      "with an unknown choice",
      { tools: [SEARCH_TOOL], tool_choice: "any" },
      "Invalid value: 'any'. Supported values are: 'none', 'auto', and 'required'.",
      "tool_choice",
      "invalid_value",
    ],
    [
      "with a tool name of several words",
      { tools: searchWith({ name: "search it" }) },
      "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
      "tools[0].function.name",
      "invalid_value",
    ],
    [
      "with two tools of one name",
      { tools: [SEARCH_TOOL, SEARCH_TOOL] },
      "Duplicate tool name 'search'.",
      "tools[1].function.name",
      "invalid_value",
    ],
    [
      "with a strict tool whose schema is not strict",
      { tools: searchWith({ parameters: { type: "object", properties: { query: { type: "string" } } } }) },
      "Invalid schema for function 'search': In context=(), 'additionalProperties' is required to be supplied and to be false.",
      "tools[0].function.parameters",
      "invalid_function_parameters",
    ],
    [
      "with parameters that are no object",
      { tools: searchWith({ strict: false, parameters: { type: "string" } }) },
      "Invalid schema for function 'search': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"string\"'.",
      "tools[0].function.parameters",
      "invalid_function_parameters",
    ],
    [
      "with a strict schema that allows more",
      { response_format: formatWith({ schema: { ...VERDICT_SCHEMA, additionalProperties: true } }) },
      "Invalid schema for response_format 'verdict': In context=(), 'additionalProperties' is required to be supplied and to be false.",
      "response_format",
      null,
    ],
    [
      "with a schema name of 65 letters",
      { response_format: formatWith({ name: "a".repeat(65) }) },
      "Invalid 'response_format.json_schema.name': string too long. Expected a string with maximum length 64, but got a string with length 65 instead.",
      "response_format.json_schema.name",
      "string_above_max_length",
    ],
    [
      "with an unknown format",
      { response_format: { type: "yaml" } },
      "Invalid value: 'yaml'. Supported values are: 'json_object', 'json_schema', and 'text'.",
      "response_format.type",
      "invalid_value",
    ],
    [
      "in JSON mode when no message says so",
      { response_format: { type: "json_object" } },
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
      "messages",
      null,
    ],
    [
      "with a schema for a model that takes none",
      { model: "old", response_format: verdictFormat },
      "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
      "response_format",
      null,
    ],
  ])("%s", (_why, more, ...expected) => expectRefusal(more, expected));

  it("takes a schema that is not strict", async () => {
    const loose = formatWith({ strict: false, schema: { type: "object", properties: {} } });
    expect((await post(server, requestOf({ response_format: loose }))).status).toBe(200);
  });
});

describe("the context window", () => {
  // "hello" is one token, with or without a space before it; role, message and reply add 1 + 3 + 3.
  const hellos = (count: number) => [{ role: "user", content: Array(count).fill("hello").join(" ") }];
  it("refuses messages that do not fit", () =>
    expectRefusal({ model: "small", messages: hellos(80) }, [
      "This model's maximum context length is 60 tokens. However, your messages resulted in 87 tokens. Please reduce the length of the messages.",
      "messages",
      "context_length_exceeded",
    ]));
  it("refuses an output that does not fit beside the messages", () =>
    expectRefusal({ model: "small", max_tokens: 40, messages: hellos(20) }, [
      "This model's maximum context length is 60 tokens. However, you requested 67 tokens (27 in the messages, 40 in the completion). Please reduce the length of the messages or completion.",
      "messages",
      "context_length_exceeded",
    ]));
});
