/**
 * What a prompt costs in tokens, piece by piece. The formula, with the provider's published part first:
 *
 *     3 + for each message: 3 + tokens(role) + tokens(content) + (1 + tokens(name) if it has one)
 *     + for each tool call of a message: 3 + tokens(name) + tokens(arguments)
 *     + for each offered tool:           8 + tokens(JSON of name, description, parameters)
 *     + for a demanded JSON schema:      8 + tokens(JSON of name, description, schema)
 *
 * The provider does not publish the last three; these are ours, and always the same for the same request. Call ids
 * are not counted, so that a count does not depend on who made them.
 */
import type { ChatMessage, ChatRequest, ToolCallOnWire } from "./protocol.ts";
import { RecentMap } from "./recent-map.ts";
import type { Tokenizer } from "./tokens.ts";

const PER_REPLY = 3;
const PER_MESSAGE = 3;
const PER_NAME = 1;
const PER_CALL = 3;
const PER_SCHEMA = 8;

/** Characters of remembered pieces a generation, a few hundred long conversations. */
const MEMORY_CHARACTERS = 8_000_000;

/** A piece of a prompt. Equal pieces have the same `id` for as long as they are remembered. */
export interface Segment {
  id: number;
  tokens: number;
}

export interface CountedPrompt {
  tokens: number;
  /** In the order in which the model reads them: tools and schema first, then the messages. */
  segments: readonly Segment[];
}

export interface PromptCounter {
  count(request: ChatRequest): CountedPrompt;
}

export function callTokens(call: Pick<ToolCallOnWire, "function">, tokenizer: Tokenizer): number {
  return PER_CALL + tokenizer.count(call.function.name) + tokenizer.count(call.function.arguments);
}

function messageTokens(message: ChatMessage, tokenizer: Tokenizer): number {
  const { role, content, name, refusal, tool_calls: calls = [] } = message;
  const texts = Array.isArray(content) ? content.map((part) => part.text) : [content ?? "", refusal ?? ""];
  const spoken = [role, ...texts].reduce((sum, text) => sum + tokenizer.count(text), PER_MESSAGE);
  const named = name === undefined ? 0 : PER_NAME + tokenizer.count(name);
  return calls.reduce((sum, call) => sum + callTokens(call, tokenizer), spoken + named);
}

/** What the model reads before the messages. */
function head({ tools = [], response_format: format }: ChatRequest): string[] {
  const schemas = tools.map(({ function: { name, description, parameters } }) =>
    JSON.stringify({ name, description, parameters }),
  );
  if (format?.type === "json_schema") {
    const { name, description, schema } = format.json_schema;
    schemas.push(JSON.stringify({ name, description, schema }));
  }
  return schemas;
}

/** Tells apart any two messages that differ; cheap for the plain ones, of which there are many. */
function messageKey(message: ChatMessage): string {
  const { role, name = "", content } = message;
  const isPlain =
    typeof content === "string" && !message.tool_calls && !message.tool_call_id && !message.refusal;
  return isPlain ? `${role}\n${name}\n${content}` : JSON.stringify(message);
}

/** Remembers the pieces it has counted, so that a growing transcript costs only what is new in it. */
export function createPromptCounter(
  tokenizer: Tokenizer,
  memoryCharacters = MEMORY_CHARACTERS,
): PromptCounter {
  const memory = new RecentMap<string, Segment>(memoryCharacters);
  let lastId = 0;

  const segment = (key: string, count: () => number): Segment => {
    const known = memory.get(key, key.length);
    if (known !== undefined) return known;
    lastId += 1;
    const counted = { id: lastId, tokens: count() };
    memory.set(key, counted, key.length);
    return counted;
  };

  return {
    count(request) {
      const segments = [
        ...head(request).map((schema) => segment(schema, () => PER_SCHEMA + tokenizer.count(schema))),
        ...request.messages.map((message) =>
          segment(messageKey(message), () => messageTokens(message, tokenizer)),
        ),
      ];
      return { tokens: segments.reduce((sum, { tokens }) => sum + tokens, PER_REPLY), segments };
    },
  };
}
