/** The most a request can cost: every token of the prompt at the full price, and the longest answer it may get. */
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { DramatisError } from "../domain/errors.ts";
import type { ModelInfo } from "../domain/model-info.ts";
import { formatUsd } from "../domain/money.ts";
import { costNanoUsd } from "../ledger/cost.ts";
import { countTokens, tokenBound } from "./tokens.ts";

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

const counted = new WeakMap<BaseMessage, Map<string, Promise<number>>>();

function countedOnce(message: BaseMessage, encoding: ModelInfo["encoding"]): Promise<number> {
  const known = counted.get(message) ?? new Map<string, Promise<number>>();
  counted.set(message, known);
  const counting = known.get(encoding) ?? countTokens(textsOf(message).join("\n"), encoding);
  known.set(encoding, counting);
  return counting;
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
  const frame = FRAME.reply + FRAME.tools + messages.length * FRAME.message;
  const outputTokens = request.maxOutputTokens;
  const costOf = (inputTokens: number) => costNanoUsd({ inputTokens, outputTokens }, model, "standard");
  const bound = costOf(frame + tokenBound(request.demands) + boundOfAll(messages));
  if (bound === undefined || bound <= enoughNanoUsd) return bound;
  const counts = await Promise.all([
    countTokens(request.demands, model.encoding),
    ...messages.map((message) => countedOnce(message, model.encoding)),
  ]);
  return costOf(frame + counts.reduce((sum, count) => sum + count, 0));
}

/** Bytes a token has at the very most, on average over a prompt; runs of white space come nearest. */
const MOST_BYTES_A_TOKEN = 24;

/** Fewer input tokens than this cannot be true for a request. */
export const leastInputTokens = ({ messages }: Pick<WorstCase, "messages">): number =>
  Math.floor(boundOfAll(messages) / MOST_BYTES_A_TOKEN);

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
