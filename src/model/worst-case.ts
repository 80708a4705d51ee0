/** The most a request can cost: every token of the prompt at the full price, and the longest answer it may get. */
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import type { ModelInfo } from "../domain/model-info.ts";
import { costNanoUsd } from "../ledger/cost.ts";
import { type TokenCounter, tokenBound, tokenCounter } from "./tokens.ts";

/** Tokens a provider adds for framing: 3 for the reply, 5 a message (3, its role, its name), some for tools and schema. */
const FRAME = { reply: 3, message: 5, tools: 100 };

function textsOf(message: BaseMessage): string[] {
  const { content, name = "" } = message;
  const calls =
    AIMessage.isInstance(message) && message.tool_calls?.length ? JSON.stringify(message.tool_calls) : "";
  // `text` builds content blocks first; nearly all content is a string already.
  return [typeof content === "string" ? content : message.text, name, calls];
}

/** The messages of a transcript come again with every request: what is known of each is kept. */
const bounds = new WeakMap<BaseMessage, number>();

function boundOf(message: BaseMessage): number {
  const known = bounds.get(message);
  if (known !== undefined) return known;
  const bound = textsOf(message).reduce((sum, text) => sum + tokenBound(text), 0);
  bounds.set(message, bound);
  return bound;
}

const boundOfAll = (messages: readonly BaseMessage[]): number =>
  messages.reduce((sum, message) => sum + boundOf(message), 0);

const counted = new WeakMap<BaseMessage, Map<TokenCounter, number>>();

function countOf(message: BaseMessage, count: TokenCounter): number {
  const known = counted.get(message) ?? new Map<TokenCounter, number>();
  counted.set(message, known);
  const tokens = known.get(count) ?? textsOf(message).reduce((sum, text) => sum + count(text), 0);
  known.set(count, tokens);
  return tokens;
}

export interface WorstCase {
  model: ModelInfo;
  messages: readonly BaseMessage[];
  /** What the request holds besides: tools and schema. */
  demands: string;
  maxOutputTokens: number;
  /** A cheap bound is enough as long as it does not pass this. */
  enoughNanoUsd: number;
}

/**
 * An upper bound in nano-dollars; undefined when the model has no price. UTF-8 bytes bound tokens for free; only when
 * that bound is too much are the tokens counted.
 */
export async function worstCaseNanoUsd(request: WorstCase): Promise<number | undefined> {
  const { model, messages, enoughNanoUsd } = request;
  const outputTokens = request.maxOutputTokens;
  const costOf = (inputTokens: number) => costNanoUsd({ inputTokens, outputTokens }, model, "standard");
  const bound = costOf(frameOf(messages) + tokenBound(request.demands) + boundOfAll(messages));
  if (bound === undefined || bound <= enoughNanoUsd) return bound;
  return costOf(await countedAll(request));
}

const frameOf = (messages: readonly BaseMessage[]) =>
  FRAME.reply + FRAME.tools + messages.length * FRAME.message;

/** The prompt's tokens, framing included. */
async function countedAll({ model, messages, demands }: Omit<WorstCase, "enoughNanoUsd">): Promise<number> {
  const count = await tokenCounter(model.encoding);
  const said = messages.reduce((sum, message) => sum + countOf(message, count), 0);
  return frameOf(messages) + count(demands) + said;
}

/** Bytes a token has at the very most, on average over a prompt; runs of white space come nearest. */
const MOST_BYTES_A_TOKEN = 24;

/** Fewer input tokens than this cannot be true for a request. */
export const leastInputTokens = ({ messages }: Pick<WorstCase, "messages">): number =>
  Math.floor(boundOfAll(messages) / MOST_BYTES_A_TOKEN);

/** Rough for any text; limits that count exactly are told to. */
const BYTES_A_TOKEN = 4;

/** Prompt and longest answer of a request in tokens: counted, or estimated from its length. */
export function requestTokens(
  request: Omit<WorstCase, "enoughNanoUsd">,
  isExact: boolean,
): number | Promise<number> {
  if (isExact) return countedAll(request).then((input) => input + request.maxOutputTokens);
  const bytes = tokenBound(request.demands) + boundOfAll(request.messages);
  return Math.ceil(bytes / BYTES_A_TOKEN) + request.maxOutputTokens;
}
