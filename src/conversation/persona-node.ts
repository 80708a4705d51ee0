/** A persona's node: chooses its model, takes the turn, and returns what the state should hold of it. */
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import type { StructuredToolInterface } from "@langchain/core/tools";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { type Answer, answerSchema } from "../domain/answer.ts";
import { DramatisError } from "../domain/errors.ts";
import type { Persona } from "../domain/persona.ts";
import type { ModelChoice, Turn, TurnFailure } from "../domain/turn.ts";
import { spentAtMost, subtotalOf, totalsOf } from "../ledger/totals.ts";
import type { Gateway, Line } from "../model/gateway.ts";
import { selectModel } from "../model/selection.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { takeTurn } from "../turn/persona-turn.ts";
import { buildPrompt, type Utterance } from "../turn/prompt.ts";
import { budgetOf, budgetReached } from "./budget.ts";
import { limitOf } from "./endings.ts";
import type { ConversationContext, ConversationState, ConversationUpdate } from "./state.ts";

export interface PersonaNodeParts {
  scenario: Scenario;
  persona: Persona;
  gateway: Gateway;
  tools: readonly StructuredToolInterface[];
  categories: readonly string[];
  clock: () => number;
}

/** Failures that the next speaker would meet as well: going on cannot help. */
const FATAL: ReadonlySet<string> = new Set(["unauthorised", "quota-exhausted", "model-not-found"]);

/** A server that has never answered will not answer the next speaker either. */
const isHopeless = (kind: string | undefined, { turns }: Pick<ConversationState, "turns">) =>
  kind !== undefined && (FATAL.has(kind) || (kind === "unreachable" && turns.length === 0));

const NAME = /[^a-zA-Z0-9_-]+/g;

const known = new WeakMap<BaseMessage, Utterance>();

/** A message as an utterance, read once: transcripts are walked every turn, and `text` is a costly getter. */
function utteranceOf(message: BaseMessage): Utterance {
  const seen = known.get(message);
  if (seen !== undefined) return seen;
  const utterance = {
    speaker: (message.name ?? "human").replace(NAME, "_") || "human",
    message: message.text,
    citations: message.additional_kwargs.citations as string[] | undefined,
  };
  known.set(message, utterance);
  return utterance;
}

/** Everything said so far, in order: the opening, personas, and people who joined in from outside. */
export const utterances = (messages: readonly BaseMessage[]): Utterance[] =>
  messages.map(utteranceOf).filter(({ message }) => message.trim() !== "");

export function chooseModel(
  { scenario, persona, gateway }: Pick<PersonaNodeParts, "scenario" | "persona" | "gateway">,
  context: ConversationContext,
  complexity: "low" | "medium" | "high",
): ModelChoice {
  const choice = selectModel({
    rules: gateway.catalog.selection,
    persona,
    complexity,
    override: context.models[persona.id] ?? context.models["*"],
  });
  if (choice !== undefined) return choice;
  throw new DramatisError(
    "unknown-name",
    `No selection rule of the catalog holds for persona ${persona.id} in scenario ${scenario.id}. ` +
      "Add a last rule without `when`.",
  );
}

/** A turn as chat clients see it. */
const turnMessage = ({ turn, speaker, message, citations }: Turn) =>
  new AIMessage({ id: `turn-${turn}`, name: speaker, content: message, additional_kwargs: { citations } });

export function createPersonaNode(parts: PersonaNodeParts) {
  const { scenario, persona, gateway, tools, categories, clock } = parts;
  const castIds = scenario.cast.map(({ id }) => id) as [string, ...string[]];
  const schema = answerSchema(castIds);
  const lines = new Map<string, Line<Answer>>();

  function lineTo(model: string, seed: number): Line<Answer> {
    const key = `${model} ${seed}`;
    const { method, maxOutputTokens, temperature } = scenario.answers;
    const line =
      lines.get(key) ?? gateway.line({ model, schema, tools, method, maxOutputTokens, temperature, seed });
    lines.set(key, line);
    return line;
  }

  return async function personaNode(
    state: ConversationState,
    context: ConversationContext,
    config: LangGraphRunnableConfig,
  ): Promise<ConversationUpdate> {
    const { next: choice, complexity } = state;
    if (choice === undefined || complexity === undefined) {
      throw new DramatisError(
        "invalid-argument",
        `Node ${persona.id} ran before the moderator chose a speaker.`,
      );
    }
    const model = chooseModel(parts, context, complexity.level);
    const budget = budgetOf(
      context.budget?.maxCostUsd ?? scenario.budget?.maxCostUsd,
      scenario.endings,
      state.totals,
    );
    const startedAt = clock();
    const outcome = await takeTurn(
      {
        turn: choice.turn,
        personaId: persona.id,
        line: lineTo(model.id, state.seed ?? 0),
        tools,
        prompt: buildPrompt({
          topic: state.topic ?? scenario.topic,
          cast: scenario.cast,
          persona,
          categories,
          transcript: utterances(state.messages),
          turn: choice.turn,
          maxTurns: context.maxTurns ?? limitOf("maxTurns", scenario.endings),
        }),
        citable: state.turns.flatMap(({ citations }) => citations),
        maxToolRounds: tools.length === 0 ? 0 : scenario.answers.maxToolRounds,
        spendableNanoUsd: budget?.spendableNanoUsd,
      },
      config,
    );
    const { answer, problems, toolCalls, usage } = outcome;
    const last = problems.at(-1);
    const stoppedByBudget = answer === undefined && last?.kind === "budget";
    if (stoppedByBudget && budget !== undefined && usage.length === 0) {
      return { halt: { ending: budgetReached(budget, last.detail), status: "budget" } };
    }

    const spoken = {
      turn: choice.turn,
      speaker: persona.id,
      model,
      choice,
      startedAt: new Date(startedAt).toISOString(),
      durationMs: clock() - startedAt,
    };
    const stops =
      answer === undefined &&
      (stoppedByBudget || scenario.onFailure === "stop" || isHopeless(last?.kind, state));
    const failures: TurnFailure[] = problems.map((problem) => ({
      ...spoken,
      ...problem,
      outcome: answer !== undefined ? "repaired" : stops ? "stopped" : "skipped",
    }));
    const update: ConversationUpdate = { failures, usage, totals: totalsOf(usage) };
    for (const failure of failures) config.writer?.({ type: "failure", failure });
    if (answer !== undefined) {
      const turn: Turn = {
        ...spoken,
        ...answer,
        toolCalls,
        usage: subtotalOf(usage),
        complexity: complexity.level,
      };
      update.turns = [turn];
      update.messages = [turnMessage(turn)];
      config.writer?.({ type: "turn", turn });
    } else if (stoppedByBudget && budget !== undefined) {
      const spentNanoUsd = budget.spentNanoUsd + spentAtMost(subtotalOf(usage));
      update.halt = { ending: budgetReached({ ...budget, spentNanoUsd }, last.detail), status: "budget" };
    } else if (stops && last !== undefined) {
      const evidence = `${persona.id} in turn ${choice.turn}: ${last.kind}. ${last.detail}`;
      update.halt = { ending: { kind: "failure", evidence }, status: "failed" };
    }
    return update;
  };
}
