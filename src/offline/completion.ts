/** From a drafted answer to a finished one: cut to the length asked for, counted, with its finish reason. */

import { callTokens } from "./prompt-tokens.ts";
import type {
  ChatRequest,
  Completion,
  FinishReason,
  GeneratedReply,
  TokenUsage,
  ToolCallOnWire,
} from "./protocol.ts";
import type { BilledAnswer, ScriptedContent } from "./script.ts";
import type { Tokenizer } from "./tokens.ts";

/** What a model wanted to say, before limits. */
export interface Draft {
  content: string | null;
  refusal: string | null;
  calls: readonly { name: string; arguments: string }[];
  /** Why it stopped, when that was not its own choice. */
  stopped?: "length" | "content_filter";
}

const DRAFT: Draft = { content: null, refusal: null, calls: [] };

export const fromGenerator = (reply: GeneratedReply): Draft =>
  reply.kind === "content" ? { ...DRAFT, content: reply.content } : { ...DRAFT, calls: reply.calls };

const textOf = (content: ScriptedContent) =>
  typeof content === "string" ? content : JSON.stringify(content);

/** The first half of an answer, for a step that says it was cut off but not where. */
function halve(draft: Draft): Draft {
  const half = (text: string) => text.slice(0, Math.ceil(text.length / 2));
  return {
    ...draft,
    content: draft.content === null ? null : half(draft.content),
    calls: draft.calls.map((call) => ({ ...call, arguments: half(call.arguments) })),
    stopped: "length",
  };
}

/** What a script step answers. Steps that say nothing of the answer break off what the generator wrote. */
export function fromScript(step: BilledAnswer, generate: () => Draft): Draft {
  switch (step.kind) {
    case "content":
      return { ...DRAFT, content: textOf(step.content) };
    case "tool-calls":
      return { ...DRAFT, calls: step.calls.map((call) => ({ ...call, arguments: textOf(call.arguments) })) };
    case "refusal":
      return { ...DRAFT, refusal: step.refusal };
    case "length":
      if (step.content === undefined) return halve(generate());
      return { ...DRAFT, content: textOf(step.content), stopped: "length" };
    case "content-filter":
      return { ...DRAFT, content: textOf(step.content ?? ""), stopped: "content_filter" };
    case "bad-json":
      return { ...DRAFT, content: step.content ?? '{"message": "It breaks off he' };
    case "empty":
      return { ...DRAFT, content: "" };
    case "cut-stream":
    case "slow-body":
      return step.content === undefined ? generate() : { ...DRAFT, content: textOf(step.content) };
    case "drop":
    case "hang":
      return generate();
  }
}

/** Tokens a reasoning model thinks for before it speaks. Real ones vary; ours do not. */
const REASONING: Readonly<Record<string, number>> = { none: 0, minimal: 0, low: 64, high: 256, xhigh: 512 };
const DEFAULT_REASONING = 128;

export function reasoningTokens(request: ChatRequest, reasons: boolean): number {
  return reasons ? (REASONING[request.reasoning_effort ?? ""] ?? DEFAULT_REASONING) : 0;
}

/** The output limit a request sets, if it sets one. */
export const outputLimit = (request: ChatRequest) => request.max_completion_tokens ?? request.max_tokens;

interface Cut {
  content: string | null;
  refusal: string | null;
  toolCalls: ToolCallOnWire[];
  tokens: number;
  isCut: boolean;
}

/** As much of the draft as `limit` tokens hold. */
function cutDraft(draft: Draft, callIds: readonly string[], limit: number, tokenizer: Tokenizer): Cut {
  let left = limit;
  let isCut = false;
  const take = (text: string | null): string | null => {
    if (text === null) return null;
    const tokens = tokenizer.count(text);
    if (tokens <= left) {
      left -= tokens;
      return text;
    }
    isCut = true;
    const kept = tokenizer.cut(text, left);
    left = 0;
    return kept;
  };
  const content = take(draft.content);
  const refusal = take(draft.refusal);
  const toolCalls: ToolCallOnWire[] = [];
  for (const [index, { name, arguments: whole }] of draft.calls.entries()) {
    const call = (text: string): ToolCallOnWire => ({
      id: callIds[index] ?? "",
      type: "function",
      function: { name, arguments: text },
    });
    left -= callTokens(call(""), tokenizer);
    if (isCut || left < 0) {
      left = 0;
      isCut = true;
      break;
    }
    toolCalls.push(call(take(whole) ?? ""));
  }
  return { content, refusal, toolCalls, tokens: limit - left, isCut };
}

function finishReason(draft: Draft, isCut: boolean, request: ChatRequest): FinishReason {
  if (isCut) return "length";
  if (draft.stopped !== undefined) return draft.stopped;
  // Where one function was demanded by name the provider says "stop", although a call is what came.
  const isForced = typeof request.tool_choice === "object";
  return draft.calls.length > 0 && !isForced ? "tool_calls" : "stop";
}

export interface CompletionParts {
  request: ChatRequest;
  draft: Draft;
  /** Counts completions from 1; makes the ids. */
  number: number;
  created: number;
  tokenizer: Tokenizer;
  reasons: boolean;
  /** The most this request may put out, by its own limit, the model's, and what the context leaves. */
  maxOutputTokens: number;
  input: Pick<TokenUsage, "inputTokens" | "cachedInputTokens">;
}

/** Digits of ids: a fixed width, so that no count depends on how many requests came before. */
const ID_DIGITS = 6;

export function complete(parts: CompletionParts): Completion {
  const { request, draft, tokenizer, maxOutputTokens } = parts;
  const number = String(parts.number).padStart(ID_DIGITS, "0");
  const reasoning = Math.min(reasoningTokens(request, parts.reasons), maxOutputTokens);
  const callIds = draft.calls.map((_, index) => `call_offline_${number}_${index}`);
  const { tokens, isCut, ...said } = cutDraft(draft, callIds, maxOutputTokens - reasoning, tokenizer);
  return {
    id: `chatcmpl-offline-${number}`,
    created: parts.created,
    model: request.model,
    serviceTier: request.service_tier === "flex" ? "flex" : "default",
    ...said,
    finishReason: finishReason(draft, isCut, request),
    usage: { ...parts.input, outputTokens: reasoning + tokens, reasoningTokens: reasoning },
  };
}
