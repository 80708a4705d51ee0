/** The most a request can cost: every token of the prompt at the full price, and the longest answer it may get. */
import type { BaseMessage } from "@langchain/core/messages";
import type { ModelInfo } from "../domain/model-info.ts";
import { costNanoUsd } from "../ledger/cost.ts";
import { promptBound, promptTokens } from "./message-tokens.ts";
import { countTokens, tokenBound } from "./tokens.ts";

/** Tokens a provider adds to tools and schema; not published. For money enough in any case, for limits what is likely. */
const TOOLS_FRAME = { most: 100, likely: 12 };

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
  const bound = costOf(TOOLS_FRAME.most + tokenBound(request.demands) + promptBound(messages));
  if (bound === undefined || bound <= enoughNanoUsd) return bound;
  return costOf(await mostPromptTokens(request));
}

/** The most tokens that a provider can count for a prompt, tools and schema included. */
export const mostPromptTokens = async (
  request: Pick<WorstCase, "model" | "messages" | "demands">,
): Promise<number> => TOOLS_FRAME.most + (await countedAll(request));

/** The prompt's tokens, with the framing of its messages. */
async function countedAll({
  model,
  messages,
  demands,
}: Pick<WorstCase, "model" | "messages" | "demands">): Promise<number> {
  const [demanded, prompt] = await Promise.all([
    countTokens(demands, model.encoding),
    promptTokens(messages, model.encoding),
  ]);
  return demanded + prompt;
}

/** Bytes a token has at the very most, on average over a prompt; runs of white space come nearest. */
const MOST_BYTES_A_TOKEN = 24;

/** Fewer input tokens than this cannot be true for a request. */
export const leastInputTokens = ({ messages }: Pick<WorstCase, "messages">): number =>
  Math.floor(promptBound(messages) / MOST_BYTES_A_TOKEN);

/** Rough for any text; limits that count exactly are told to. */
const BYTES_A_TOKEN = 4;

/** Prompt and longest answer of a request in tokens: counted, or estimated from its length. */
export function requestTokens(
  request: Omit<WorstCase, "enoughNanoUsd">,
  isExact: boolean,
): number | Promise<number> {
  const rest = TOOLS_FRAME.likely + request.maxOutputTokens;
  if (isExact) return countedAll(request).then((input) => input + rest);
  const bytes = tokenBound(request.demands) + promptBound(request.messages);
  return Math.ceil(bytes / BYTES_A_TOKEN) + rest;
}
