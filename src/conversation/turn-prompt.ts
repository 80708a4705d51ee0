/** The prompt of a turn: as much of the transcript as the strategy shows, laid out for the model's prices, and no more than fits. */
import type { BaseMessage } from "@langchain/core/messages";
import type { ModelInfo } from "../domain/model-info.ts";
import type { SummaryEntry } from "../domain/summary.ts";
import { messageTokens, promptBound, promptTokens } from "../model/tokens/message-tokens.ts";
import { adopted, type ContextPlan, headLength, windowStart } from "../turn/context-window.ts";
import { layoutFor } from "../turn/layout.ts";
import { buildPrompt, type PromptParts, spoken } from "../turn/prompt.ts";
import type { Said } from "./transcript.ts";

export interface TurnPromptParts
  extends Pick<PromptParts, "topic" | "cast" | "persona" | "categories" | "turn" | "maxTurns"> {
  transcript: readonly Said[];
  summaries: readonly SummaryEntry[];
  plan: ContextPlan;
  model: ModelInfo;
  /** Tokens of the model's window that are for tools, schema and the answer. */
  reservedTokens: number;
}

export interface TurnPrompt {
  prompt: BaseMessage[];
  /** Messages that are neither shown nor summarised because the model's window has no room for them. */
  leftOut: number;
}

/**
 * The first message after the opening that is shown word for word, and the summary of what lies before. A summary that
 * the provider's limit forced holds for every strategy: without it the next turn would be too long again.
 */
async function shownFrom({ transcript, summaries, plan, model }: TurnPromptParts) {
  const holding = plan.strategy === "compact" ? summaries : summaries.filter(({ forced }) => forced === true);
  const { entry, from } = adopted(transcript, holding);
  const summary = entry?.summary;
  if (plan.strategy !== "window") return { from, summary };
  const head = headLength(transcript);
  const later = transcript.slice(head);
  const tokens =
    plan.windowTokens === undefined ? undefined : await messageTokens(later.map(spoken), model.encoding);
  return { from: Math.max(from, head + windowStart(tokens, later.length, plan)), summary };
}

/** How many of the messages must go so that so many tokens do. Never the last, which somebody has to answer. */
function countToDrop(tokens: readonly number[], excess: number): number {
  let dropped = 0;
  let gone = 0;
  while (gone < excess && dropped < tokens.length - 1) {
    gone += tokens[dropped] ?? 0;
    dropped += 1;
  }
  return dropped;
}

export async function turnPrompt(parts: TurnPromptParts): Promise<TurnPrompt> {
  const { transcript, plan, model, cast } = parts;
  const head = headLength(transcript);
  const { from, summary } = await shownFrom(parts);
  const layout = plan.layout ?? layoutFor(model, cast.length);
  const build = (start: number) =>
    buildPrompt({
      ...parts,
      layout,
      transcript: start === head ? transcript : [...transcript.slice(0, head), ...transcript.slice(start)],
      summary: summary && { text: summary, after: head },
    });
  const prompt = build(from);
  const room = model.contextWindow - parts.reservedTokens;
  if (promptBound(prompt) <= room) return { prompt, leftOut: 0 };
  const excess = (await promptTokens(prompt, model.encoding)) - room;
  if (excess <= 0) return { prompt, leftOut: 0 };
  // A quarter of the room more than needed, so that the next turns find their prefix in the cache.
  const tokens = await messageTokens(transcript.slice(from).map(spoken), model.encoding);
  const leftOut = countToDrop(tokens, excess + room / 4);
  return { prompt: build(from + leftOut), leftOut };
}
