/** The most a request can cost: every token of the prompt at the full price, and the longest answer it may get. */
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import type { ModelInfo } from "../domain/model-info.ts";
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
  const texts = [request.demands, ...messages.flatMap(textsOf)];
  const frame = FRAME.reply + FRAME.tools + messages.length * FRAME.message;
  const outputTokens = request.maxOutputTokens;
  const costOf = (inputTokens: number) => costNanoUsd({ inputTokens, outputTokens }, model, "standard");
  const bound = costOf(frame + texts.reduce((sum, text) => sum + tokenBound(text), 0));
  if (bound === undefined || bound <= enoughNanoUsd) return bound;
  const counts = await Promise.all(texts.map((text) => countTokens(text, model.encoding)));
  return costOf(frame + counts.reduce((sum, count) => sum + count, 0));
}

const usd = (nano: number) => `$${(nano / 1e9).toFixed(6)}`;

/** How many attempts of a request fit into what may be spent, each at its worst; none says why. */
export async function attemptsWithin(
  request: Omit<WorstCase, "enoughNanoUsd">,
  spendableNanoUsd: number | undefined,
): Promise<{ attempts: number; why: string }> {
  if (spendableNanoUsd === undefined)
    return { attempts: Number.POSITIVE_INFINITY, why: "nothing caps the cost" };
  const worst = await worstCaseNanoUsd({ ...request, enoughNanoUsd: spendableNanoUsd });
  if (worst === undefined) {
    return { attempts: 0, why: `${request.model.id} has no price, so no request to it fits a budget.` };
  }
  const attempts = worst === 0 ? Number.POSITIVE_INFINITY : Math.floor(spendableNanoUsd / worst);
  return { attempts, why: `The next request could cost ${usd(worst)}.` };
}
