/** The most a request can cost: every token of the prompt at the full price, and the longest answer it may get. */
import type { BaseMessage } from "@langchain/core/messages";
import { DramatisError } from "../domain/errors.ts";
import type { ModelInfo } from "../domain/model-info.ts";
import { formatUsd } from "../domain/money.ts";
import { costNanoUsd } from "../ledger/cost.ts";
import { promptBound, promptTokens } from "./message-tokens.ts";
import { countTokens, tokenBound } from "./tokens.ts";

/** Tokens a provider adds to tools and schema. */
const TOOLS_FRAME = 100;

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
  const bound = costOf(TOOLS_FRAME + tokenBound(request.demands) + promptBound(messages));
  if (bound === undefined || bound <= enoughNanoUsd) return bound;
  const [demands, prompt] = await Promise.all([
    countTokens(request.demands, model.encoding),
    promptTokens(messages, model.encoding),
  ]);
  return costOf(TOOLS_FRAME + demands + prompt);
}

/** Bytes a token has at the very most, on average over a prompt; runs of white space come nearest. */
const MOST_BYTES_A_TOKEN = 24;

/** Fewer input tokens than this cannot be true for a request. */
export const leastInputTokens = ({ messages }: Pick<WorstCase, "messages">): number =>
  Math.floor(promptBound(messages) / MOST_BYTES_A_TOKEN);

/**
 * How many attempts of a request fit into what may be spent, each at its worst; none says why.
 * @throws DramatisError `no-price` when the cost cannot be known.
 */
export async function attemptsWithin(
  request: Omit<WorstCase, "enoughNanoUsd">,
  spendableNanoUsd: number | undefined,
): Promise<{ attempts: number; why: string }> {
  if (spendableNanoUsd === undefined)
    return { attempts: Number.POSITIVE_INFINITY, why: "nothing caps the cost" };
  const worst = await worstCaseNanoUsd({ ...request, enoughNanoUsd: spendableNanoUsd });
  if (worst === undefined) {
    const { id } = request.model;
    const message = `Model ${id} has no price in the catalog, so no budget can hold. Add its price, or run without a budget.`;
    throw new DramatisError("no-price", message);
  }
  const attempts = worst === 0 ? Number.POSITIVE_INFINITY : Math.floor(spendableNanoUsd / worst);
  return { attempts, why: `The next request could cost ${formatUsd(worst)}.` };
}
