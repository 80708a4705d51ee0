/** The most a request can cost: every token of the prompt at the full price, and the longest answer it may get. */
import type { BaseMessage } from "@langchain/core/messages";
import type { ModelInfo } from "../../domain/model-info.ts";
import type { SentTier } from "../../domain/usage.ts";
import { costNanoUsd } from "../../ledger/cost.ts";
import { promptBound, promptTokens } from "./message-tokens.ts";
import { countTokens, tokenBound } from "./tokens.ts";

/** Tokens a provider adds to tools and schema; not published. For money enough in any case, for limits what is likely. */
const TOOLS_FRAME = { most: 100, likely: 12 };

/** A request's prompt, on a model. */
interface Prompt {
  model: ModelInfo;
  messages: readonly BaseMessage[];
  /** What the request holds besides: tools and schema. */
  demands: string;
}

interface Sized extends Prompt {
  maxOutputTokens: number;
}

interface Priced extends Sized {
  /** The dearest tier that it may be billed at. */
  tier: SentTier;
}

export interface WorstCase extends Priced {
  /** A cheap bound is enough as long as it does not pass this. */
  enoughNanoUsd: number;
}

const costOf = ({ model, maxOutputTokens, tier }: Priced, inputTokens: number) =>
  costNanoUsd({ inputTokens, outputTokens: maxOutputTokens }, model, tier);

/** An upper bound in nano-dollars that needs no tokenizer; undefined when the model has no price. */
export const boundNanoUsd = (request: Priced): number | undefined =>
  costOf(request, TOOLS_FRAME.most + tokenBound(request.demands) + promptBound(request.messages));

/**
 * An upper bound in nano-dollars; undefined when the model has no price. UTF-8 bytes bound tokens for free; only when
 * that bound is too much are the tokens counted.
 */
export async function worstCaseNanoUsd(request: WorstCase): Promise<number | undefined> {
  const bound = boundNanoUsd(request);
  if (bound === undefined || bound <= request.enoughNanoUsd) return bound;
  return costOf(request, await mostPromptTokens(request));
}

/** The most tokens that a provider can count for a prompt, tools and schema included. */
export const mostPromptTokens = async (request: Prompt): Promise<number> =>
  TOOLS_FRAME.most + (await countedAll(request));

/** The prompt's tokens, with the framing of its messages. */
async function countedAll({ model, messages, demands }: Prompt): Promise<number> {
  const [demanded, prompt] = await Promise.all([
    countTokens(demands, model.encoding),
    promptTokens(messages, model.encoding),
  ]);
  return demanded + prompt;
}

/** Bytes a token has at the very most, on average over a prompt; runs of white space come nearest. */
const MOST_BYTES_A_TOKEN = 24;

/** Fewer input tokens than this cannot be true for a request. */
export const leastInputTokens = ({ messages }: Pick<Prompt, "messages">): number =>
  Math.floor(promptBound(messages) / MOST_BYTES_A_TOKEN);

/** Rough for any text; limits that count exactly are told to. */
const BYTES_A_TOKEN = 4;

/** Prompt and longest answer of a request in tokens: counted, or estimated from its length. */
export function requestTokens(request: Sized, isExact: boolean): number | Promise<number> {
  const rest = TOOLS_FRAME.likely + request.maxOutputTokens;
  if (isExact) return countedAll(request).then((input) => input + rest);
  const bytes = tokenBound(request.demands) + promptBound(request.messages);
  return Math.ceil(bytes / BYTES_A_TOKEN) + rest;
}
