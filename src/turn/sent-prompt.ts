/** What was sent for a turn, part by part, with the tokens of each and what the provider found in its cache. */
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import type { ModelInfo } from "../domain/model-info.ts";
import type { UsageEntry } from "../domain/usage.ts";
import { FRAME, messageTokens } from "../model/tokens/message-tokens.ts";
import { countTokens } from "../model/tokens/tokens.ts";
import { SUMMARY_NAME } from "./summary.ts";

/** One request of a turn as it went to the gateway. */
export interface SentRequest {
  messages: readonly BaseMessage[];
  /** How many of them are the prompt; what follows are tool calls, their answers and requests to repair. */
  promptLength: number;
  usage: readonly UsageEntry[];
}

/** What was sent for a turn, as it was sent; it holds private notes. */
export interface SentPrompt {
  turn: number;
  persona: string;
  model: ModelInfo;
  /** Tools and the demanded schema, each as JSON. */
  demands: readonly string[];
  requests: readonly SentRequest[];
}

/** A part of a prompt, and its tokens. */
export interface ExplainedPart {
  part: string;
  text: string;
  tokens: number;
  /** Of these, found in the provider's cache, which always holds the beginning of a prompt. */
  cachedTokens: number;
}

/** A request of a turn, part by part. */
export interface ExplainedRequest {
  parts: ExplainedPart[];
  /** Of all parts, and 3 for the reply. */
  tokens: number;
  /** What the provider reported; missing where it reported nothing. */
  reportedTokens?: number | undefined;
  cachedTokens?: number | undefined;
}

/** What was sent for a turn, part by part, with tokens. */
export interface ExplainedPrompt {
  turn: number;
  persona: string;
  model: string;
  requests: ExplainedRequest[];
}

/** What frames a tool or a schema. The provider does not publish it; the offline server counts as much. */
const DEMAND_FRAME = 8;

function partOf(message: BaseMessage, index: number, promptLength: number): string {
  if (index === 0) return "shared head";
  if (index === promptLength - 1) return "own lines";
  if (index >= promptLength) {
    const isCall = AIMessage.isInstance(message) && (message.tool_calls?.length ?? 0) > 0;
    if (isCall) return "tool call";
    return message.getType() === "tool" ? "tool answer" : "request to repair";
  }
  if (message.name === SUMMARY_NAME) return "summary";
  return index === 1 && message.name === "host" ? "opening" : `message of ${message.name}`;
}

function textOf(message: BaseMessage): string {
  const calls = AIMessage.isInstance(message) ? (message.tool_calls ?? []) : [];
  return [message.text, ...calls.map(({ name, args }) => `${name}(${JSON.stringify(args)})`)]
    .filter((text) => text !== "")
    .join("\n");
}

async function explainRequest(
  { messages, promptLength, usage }: SentRequest,
  { model, demands }: SentPrompt,
): Promise<ExplainedRequest> {
  const { encoding } = model;
  const demandCounts = await Promise.all(demands.map((text) => countTokens(text, encoding)));
  const counts = await messageTokens(messages, encoding);
  // A request that was sent again has an entry for each attempt; the last is of the answer that came.
  const { inputTokens, cachedInputTokens } = usage.at(-1) ?? {};
  const parts = [
    ...demands.map((text, index) => ({
      part: "tool or schema",
      text,
      tokens: (demandCounts[index] ?? 0) + DEMAND_FRAME,
    })),
    ...messages.map((message, index) => ({
      part: partOf(message, index, promptLength),
      text: textOf(message),
      tokens: counts[index] ?? 0,
    })),
  ];
  let cached = cachedInputTokens ?? 0;
  const explained = parts.map((part) => {
    const cachedTokens = Math.min(part.tokens, cached);
    cached -= cachedTokens;
    return { ...part, cachedTokens };
  });
  return {
    parts: explained,
    tokens: explained.reduce((sum, { tokens }) => sum + tokens, FRAME.reply),
    reportedTokens: inputTokens,
    cachedTokens: cachedInputTokens,
  };
}

/** Counts a turn's requests; loads the tokenizer. */
export async function explainPrompt(sent: SentPrompt): Promise<ExplainedPrompt> {
  const { turn, persona, model } = sent;
  const requests = await Promise.all(sent.requests.map((request) => explainRequest(request, sent)));
  return { turn, persona, model: model.id, requests };
}
