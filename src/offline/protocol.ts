/** The part of OpenAI's chat completions protocol that the offline server speaks, as it is on the wire. */

/** A call of a tool that a model asks for. */
export interface ToolCallOnWire {
  id: string;
  type: "function";
  /** `arguments` is a JSON text. */
  function: { name: string; arguments: string };
}

/** A message of a conversation, as requests carry it. */
export interface ChatMessage {
  role: "system" | "developer" | "user" | "assistant" | "tool";
  content?: string | { type: "text"; text: string }[] | null;
  name?: string;
  tool_calls?: ToolCallOnWire[];
  tool_call_id?: string;
  refusal?: string | null;
}

/** A tool that a model may call. */
export interface ToolOnWire {
  type: "function";
  function: {
    name: string;
    description?: string;
    parameters?: Record<string, unknown>;
    strict?: boolean | null;
  };
}

/** The shape that an answer is held to. */
export type ResponseFormat =
  | { type: "text" }
  | { type: "json_object" }
  | {
      type: "json_schema";
      json_schema: {
        name: string;
        description?: string;
        schema: Record<string, unknown>;
        strict?: boolean | null;
      };
    };

/** A request of OpenAI's chat completions, as far as the server reads it. */
export interface ChatRequest {
  model: string;
  messages: ChatMessage[];
  tools?: ToolOnWire[];
  tool_choice?: "none" | "auto" | "required" | { type: "function"; function: { name: string } };
  parallel_tool_calls?: boolean;
  response_format?: ResponseFormat;
  reasoning_effort?: string;
  seed?: number;
  temperature?: number;
  max_tokens?: number;
  max_completion_tokens?: number;
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  service_tier?: string;
  prompt_cache_key?: string;
  n?: number;
}

/** What the server answers a well-formed request with, before it is counted, truncated and framed. */
export type GeneratedReply =
  | { kind: "content"; content: string }
  | { kind: "tool-calls"; calls: { name: string; arguments: string }[] };

/** Writes an answer from the request alone: same request, same answer. */
export type Generator = (request: ChatRequest) => GeneratedReply;

/** Tokens of one request. `inputTokens` includes the cached ones, `outputTokens` the reasoning ones. */
export interface TokenUsage {
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  reasoningTokens: number;
}

export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter";
/** The tier that an answer was given at. */
export type ServiceTier = "default" | "flex";

/** A finished answer: what the client gets and what is billed. */
export interface Completion {
  id: string;
  /** Seconds since 1970. */
  created: number;
  model: string;
  serviceTier: ServiceTier;
  content: string | null;
  refusal: string | null;
  toolCalls: ToolCallOnWire[];
  finishReason: FinishReason;
  usage: TokenUsage;
}
