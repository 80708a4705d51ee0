/** A small server and requests for the tests of the offline server. */
import type { ModelInfo } from "../../src/domain/model-info.ts";
import type { ChatRequest, Generator } from "../../src/offline/protocol.ts";
import {
  createOfflineServer,
  type OfflineServer,
  type OfflineServerOptions,
} from "../../src/offline/server.ts";

const model = (id: string, more: Partial<ModelInfo> = {}): ModelInfo => ({
  id,
  price: { input: 0.1, cachedInput: 0.025, output: 0.4 },
  batchFactor: 0.5,
  flex: false,
  contextWindow: 100_000,
  maxOutput: 32_768,
  encoding: "o200k_base",
  reasons: false,
  parallelToolCalls: true,
  structured: "json-schema",
  ...more,
});

export const MODELS: readonly ModelInfo[] = [
  model("gpt-4.1-nano"),
  model("gpt-4.1-mini", { price: { input: 0.4, cachedInput: 0.1, output: 1.6 } }),
  model("gpt-5-mini", { reasons: true, flex: true, price: { input: 0.25, cachedInput: 0.025, output: 2 } }),
  model("o4-mini", { reasons: true, flex: true, price: { input: 1.1, cachedInput: 0.275, output: 4.4 } }),
  model("small", { contextWindow: 60, maxOutput: 40 }),
  model("old", { encoding: "cl100k_base", structured: "json-mode" }),
  { ...model("unpriced"), price: undefined },
];

/** Answers always the same: the demanded shape of `VERDICT`, a call of the demanded tool, or a sentence. */
export const fixedGenerator: Generator = (request) => {
  const { tool_choice: choice, response_format: format } = request;
  if (typeof choice === "object" && choice.function.name === "verdict") {
    return { kind: "tool-calls", calls: [{ name: "verdict", arguments: JSON.stringify(VERDICT) }] };
  }
  if (choice === "required" || typeof choice === "object") {
    return { kind: "tool-calls", calls: [{ name: "search", arguments: '{"query":"tides"}' }] };
  }
  const isJson = format !== undefined && format.type !== "text";
  return { kind: "content", content: isJson ? JSON.stringify(VERDICT) : "The tide turns twice a day." };
};

export const VERDICT = { verdict: "Yes, with two conditions.", confidence: 0.75, addressedTo: null };

export const VERDICT_SCHEMA = {
  type: "object",
  properties: {
    verdict: { type: "string" },
    confidence: { type: "number", minimum: 0, maximum: 1 },
    addressedTo: { anyOf: [{ type: "string", enum: ["ada", "grace"] }, { type: "null" }] },
  },
  required: ["verdict", "confidence", "addressedTo"],
  additionalProperties: false,
};

export const SEARCH_TOOL = {
  type: "function" as const,
  function: {
    name: "search",
    description: "Finds passages.",
    strict: true,
    parameters: {
      type: "object",
      properties: { query: { type: "string" } },
      required: ["query"],
      additionalProperties: false,
    },
  },
};

export const verdictFormat = {
  type: "json_schema" as const,
  json_schema: { name: "verdict", strict: true, schema: VERDICT_SCHEMA },
};

export const startServer = (options: Partial<OfflineServerOptions> = {}): OfflineServer =>
  createOfflineServer({
    models: MODELS,
    generator: fixedGenerator,
    clock: () => 1_800_000_000_000,
    ...options,
  });

export const requestOf = (more: Partial<ChatRequest> & Record<string, unknown> = {}): ChatRequest => ({
  model: "gpt-4.1-nano",
  messages: [{ role: "user", content: "When does the tide turn?" }],
  ...more,
});

export const URL_OF_CHAT = "http://offline.test/v1/chat/completions";

/** Posts a body; a string is sent as it is. */
export function post(server: OfflineServer, body: unknown, init: RequestInit = {}): Promise<Response> {
  return server.fetch(URL_OF_CHAT, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...init,
  });
}

/** The parts of an answer that tests look at. */
export interface AnswerOnWire {
  id: string;
  created: number;
  model: string;
  system_fingerprint: string;
  service_tier: string;
  choices: {
    finish_reason: string;
    message: {
      content: string | null;
      refusal: string | null;
      tool_calls?: { id: string; type: string; function: { name: string; arguments: string } }[];
    };
  }[];
  usage: {
    prompt_tokens: number;
    completion_tokens: number;
    total_tokens: number;
    prompt_tokens_details: { cached_tokens: number };
    completion_tokens_details: { reasoning_tokens: number };
  };
}

/** Posts a request that must succeed. */
export async function answerTo(server: OfflineServer, more: Parameters<typeof requestOf>[0] = {}) {
  const response = await post(server, requestOf(more));
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  const answer = (await response.json()) as AnswerOnWire;
  const choice = answer.choices[0];
  if (choice === undefined) throw new Error("no choice");
  return { ...answer, ...choice };
}
