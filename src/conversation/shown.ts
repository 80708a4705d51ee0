/** What a persona is shown in its turn, and what it is shown instead when the provider says that this was too long. */
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import type { ModelInfo } from "../domain/model-info.ts";
import type { Persona } from "../domain/persona.ts";
import type { Choice } from "../domain/turn.ts";
import { spentAtMost, subtotalOf } from "../ledger/totals.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { adopted, headLength } from "../turn/context-window.ts";
import type { ShorterPrompt } from "../turn/persona-turn.ts";
import type { Compacted } from "./compaction.ts";
import { emit } from "./events.ts";
import { cancelledSummary } from "./halt.ts";
import type { RunSettings } from "./settings.ts";
import type { ConversationState } from "./state.ts";
import type { Summaries } from "./summaries.ts";
import { transcriptOf } from "./transcript.ts";
import { type TurnPrompt, type TurnPromptParts, turnPrompt } from "./turn-prompt.ts";

export interface ShownParts {
  scenario: Scenario;
  persona: Persona;
  categories: readonly string[];
  writer: Summaries;
  state: ConversationState;
  settings: RunSettings;
  choice: Choice;
  model: ModelInfo;
  /** Tokens of the model's window that are for tools, schema and the answer. */
  reservedTokens: number;
}

export function createShown(parts: ShownParts, config: LangGraphRunnableConfig) {
  const { scenario, persona, categories, writer, state, settings, choice, model } = parts;
  const { summaries } = state;
  const transcript = transcriptOf(state, scenario.cast);
  const topic = state.topic ?? scenario.topic;
  /** Summaries made in this turn, and what they cost. */
  const made: Compacted = { summaries: [], usage: [], attempts: [] };

  const lay = (more: Partial<TurnPromptParts>): Promise<TurnPrompt> =>
    turnPrompt({
      topic,
      cast: scenario.cast,
      persona,
      categories,
      turn: choice.turn,
      maxTurns: settings.maxTurns,
      transcript,
      summaries,
      plan: settings.context,
      model,
      reservedTokens: parts.reservedTokens,
      ...more,
    });

  function notice(text: string) {
    emit(config, { type: "notice", turn: choice.turn, text });
  }

  async function prompt(): Promise<TurnPrompt["prompt"]> {
    const laid = await lay({});
    if (laid.leftOut > 0) {
      notice(`${laid.leftOut} messages do not fit into the context window of ${model.id} and are left out.`);
    }
    return laid.prompt;
  }

  /** A summary of all but the latest messages, made now; where that fails, the latest messages alone. */
  async function shorten(spendableNanoUsd: number | undefined): Promise<ShorterPrompt | undefined> {
    const { from } = adopted(transcript, summaries);
    const kept = Math.min(settings.context.keep, Math.floor((transcript.length - from) / 2));
    const to = transcript.length - kept;
    if (to <= from || kept === 0) return undefined;
    const { conversationId = "", seed = 0 } = state;
    // What was begun for a smaller block is paid, but of no use any more.
    const unused = await writer.settle(conversationId);
    made.usage.push(...unused.usage);
    made.attempts.push(...unused.attempts);
    const spent = spentAtMost(subtotalOf(made.usage));
    const { entry, usage, attempts } = await writer.finish(
      {
        conversationId,
        seed,
        turn: choice.turn,
        transcript,
        summaries,
        block: { from, to, due: "now" },
        otherModel: model.id,
        tiers: settings.tiers,
        spendableNanoUsd: spendableNanoUsd === undefined ? undefined : Math.max(0, spendableNanoUsd - spent),
      },
      config,
    );
    const forced = { ...entry, forced: true };
    made.summaries.push(forced);
    made.usage.push(...usage);
    made.attempts.push(...attempts);
    emit(config, { type: "summary", summary: forced });
    const costNanoUsd = spentAtMost(subtotalOf(made.usage));
    if (cancelledSummary([entry]) !== undefined) return undefined;
    if (entry.summary !== undefined) {
      const { prompt: shorter } = await lay({ summaries: [...summaries, forced] });
      return { prompt: shorter, costNanoUsd };
    }
    notice(
      `The prompt was too long for ${model.id}, and no summary could be made: ${to - from} messages are left out.`,
    );
    const head = headLength(transcript);
    const { prompt: shorter } = await lay({
      transcript: [...transcript.slice(0, head), ...transcript.slice(to)],
      summaries: [],
    });
    return { prompt: shorter, costNanoUsd };
  }

  return { prompt, shorten, made };
}
