/** The moderator's node: opens the conversation, ends it, or says who speaks next and why. */
import { HumanMessage } from "@langchain/core/messages";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { DramatisError } from "../domain/errors.ts";
import type { EndingRecord, Status } from "../domain/record.ts";
import type { Choice, Rating } from "../domain/turn.ts";
import { totalsOf } from "../ledger/totals.ts";
import type { Gateway } from "../model/gateway.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { budgetOf, budgetReached } from "./budget.ts";
import { rateComplexity } from "./complexity.ts";
import { type Ending, firedEnding, withMaxTurns } from "./endings.ts";
import { type AskedChoice, createModelPolicy } from "./model-policy.ts";
import { candidates, type Policy, purePolicy } from "./policies.ts";
import type { ConversationContext, ConversationState, ConversationUpdate } from "./state.ts";
import type { ConversationView } from "./view.ts";

export interface ModeratorParts {
  scenario: Scenario;
  gateway: Gateway;
  clock: () => number;
  drawSeed: () => number;
  policy: Policy | undefined;
  endings: readonly Ending[];
  stopSignal: AbortSignal | undefined;
}

type ChooseSpeaker = (
  view: ConversationView,
  spendableNanoUsd: number | undefined,
  config: LangGraphRunnableConfig,
) => Promise<AskedChoice>;

/** One way to ask any policy: an embedder's function, the model, or one of the pure ones. */
function chooser({ scenario, gateway, policy }: ModeratorParts): ChooseSpeaker {
  const { moderator } = scenario;
  if (policy !== undefined) {
    return async (view) => {
      const chosen = await policy(view);
      if (candidates(view).includes(chosen.speaker))
        return { choice: { ...chosen, policy: "custom" }, usage: [] };
      throw new DramatisError(
        "invalid-argument",
        `The policy function chose "${chosen.speaker}" for turn ${view.turn}; it may choose ${candidates(view).join(", ")}.`,
      );
    };
  }
  if (moderator.policy === "model") {
    return createModelPolicy(moderator, gateway, scenario.cast.map(({ id }) => id) as [string, ...string[]]);
  }
  const choose = purePolicy(moderator);
  return async (view) => ({ choice: { ...choose(view), policy: moderator.policy }, usage: [] });
}

/** So many turns in a row failed that the next would most likely fail too. */
function allFailed({ turns, failures, cast, last }: ConversationView): EndingRecord | undefined {
  const lastGood = turns.at(-1)?.turn ?? 0;
  const failed = (last?.turn ?? 0) - lastGood;
  if (failed < Math.max(3, cast.length)) return undefined;
  return {
    kind: "failure",
    evidence: `${failed} turns in a row failed; the last: ${failures.at(-1)?.detail}`,
  };
}

/** The latest choice that led to a turn or a failure; one that the budget stopped before it began does not count. */
function lastChoice({ turns, failures }: Pick<ConversationState, "turns" | "failures">): Choice | undefined {
  const [turn, failure] = [turns.at(-1)?.choice, failures.at(-1)?.choice];
  return (turn?.turn ?? 0) > (failure?.turn ?? 0) ? turn : (failure ?? turn);
}

export function createModeratorNode(parts: ModeratorParts) {
  const { scenario, clock } = parts;
  const choose = chooser(parts);

  function opened(state: ConversationState): ConversationUpdate & { startedAt: string; seed: number } {
    if (state.startedAt !== undefined && state.seed !== undefined) {
      return { startedAt: state.startedAt, seed: state.seed };
    }
    const opening = new HumanMessage({
      id: "opening",
      name: "host",
      content: state.opening ?? scenario.opening,
    });
    return {
      startedAt: new Date(clock()).toISOString(),
      seed: state.seed ?? scenario.seed ?? parts.drawSeed(),
      messages: [opening],
    };
  }

  /** Rated anew once a round, so that a persona does not change its model from turn to turn. */
  function rated(state: ConversationState, context: ConversationContext, view: ConversationView): Rating {
    const set = context.complexity ?? scenario.complexity;
    if (set !== "auto") return { level: set, signs: [] };
    const isNewRound = (view.turn - 1) % view.cast.length === 0;
    return state.complexity === undefined || isNewRound
      ? rateComplexity(view.topic, view.turns)
      : state.complexity;
  }

  function over(
    context: ConversationContext,
    view: ConversationView,
  ): { ending: EndingRecord; status: Status } | undefined {
    if (parts.stopSignal?.aborted) {
      return {
        ending: { kind: "abort", evidence: `stopped before turn ${view.turn}` },
        status: "interrupted",
      };
    }
    const fired =
      firedEnding(withMaxTurns(scenario.endings, context.maxTurns), view) ??
      parts.endings.map((ending) => ending(view)).find((record) => record !== undefined);
    if (fired !== undefined)
      return { ending: fired, status: fired.kind === "maxCostUsd" ? "budget" : "completed" };
    const failed = allFailed(view);
    return failed && { ending: failed, status: "failed" };
  }

  return async function moderatorNode(
    state: ConversationState,
    context: ConversationContext,
    config: LangGraphRunnableConfig,
  ): Promise<{ update: ConversationUpdate; speaker: string | undefined }> {
    if (state.halt !== null) return { update: { ...state.halt, halt: null }, speaker: undefined };
    const start = opened(state);
    const last = lastChoice(state);
    const view: ConversationView = {
      topic: state.topic ?? scenario.topic,
      cast: scenario.cast,
      seed: start.seed,
      turn: (last?.turn ?? 0) + 1,
      turns: state.turns,
      failures: state.failures,
      totals: state.totals,
      last,
      elapsedMs: clock() - Date.parse(start.startedAt),
    };
    const finished = over(context, view);
    const complexity = rated(state, context, view);
    if (finished !== undefined) return { update: { ...start, complexity, ...finished }, speaker: undefined };

    const budget = budgetOf(
      context.budget?.maxCostUsd ?? scenario.budget?.maxCostUsd,
      scenario.endings,
      state.totals,
    );
    const { choice, usage } = await choose(view, budget?.spendableNanoUsd, config);
    const next: Choice = { turn: view.turn, ...choice };
    if (budget !== undefined && choice.fallbackFrom?.problem.startsWith("budget:")) {
      const ending = budgetReached(budget, choice.fallbackFrom.problem);
      return { update: { ...start, complexity, ending, status: "budget" }, speaker: undefined };
    }
    config.writer?.({ type: "choice", choice: next, complexity });
    return {
      update: { ...start, complexity, next, status: "running", ending: null, usage, totals: totalsOf(usage) },
      speaker: next.speaker,
    };
  };
}
