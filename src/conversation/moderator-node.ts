/**
 * The moderator's node: opens the conversation, ends it, or says who speaks next and why. Its decision is the state's
 * `status` and `next`; the graph's edge only follows them.
 */
import { HumanMessage } from "@langchain/core/messages";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { DramatisError } from "../domain/errors.ts";
import type { EndingRecord, Status } from "../domain/record.ts";
import type { Choice, Rating } from "../domain/turn.ts";
import { addTotals, totalsOf } from "../ledger/totals.ts";
import type { Gateway } from "../model/gateway.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { budgetOf, budgetReached } from "./budget.ts";
import { rateComplexity } from "./complexity.ts";
import { type Ending, firedEnding } from "./endings.ts";
import { emit } from "./events.ts";
import { type AskedChoice, createModelPolicy } from "./model-policy.ts";
import { candidates, type Policy, type PolicyChoice, purePolicy } from "./policies.ts";
import { runSignals } from "./run-signals.ts";
import { type RunSettings, settingsOf } from "./settings.ts";
import type { ConversationContext, ConversationState, ConversationUpdate } from "./state.ts";
import type { ConversationView } from "./view.ts";

export interface ModeratorParts {
  scenario: Scenario;
  gateway: Gateway;
  clock: () => number;
  drawSeed: () => number;
  policy: Policy | undefined;
  endings: readonly Ending[];
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
      const chosen: Partial<PolicyChoice> | undefined = await policy(view);
      const { speaker, reason = "no reason given" } = chosen ?? {};
      if (speaker !== undefined && candidates(view).includes(speaker))
        return { choice: { speaker, reason, policy: "custom" }, usage: [], attempts: [] };
      throw new DramatisError(
        "invalid-argument",
        `The policy function chose "${speaker}" for turn ${view.turn}; it may choose ${candidates(view).join(", ")}.`,
      );
    };
  }
  if (moderator.policy === "model") {
    return createModelPolicy(moderator, gateway, scenario.cast.map(({ id }) => id) as [string, ...string[]]);
  }
  const choose = purePolicy(moderator);
  return async (view) => ({ choice: { ...choose(view), policy: moderator.policy }, usage: [], attempts: [] });
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
  function rated(state: ConversationState, { complexity: set }: RunSettings, view: ConversationView): Rating {
    if (set !== "auto") return { level: set, signs: [] };
    const isNewRound = (view.turn - 1) % view.cast.length === 0;
    return state.complexity === undefined || isNewRound
      ? rateComplexity(view.topic, view.turns)
      : state.complexity;
  }

  function over(
    { endings }: RunSettings,
    view: ConversationView,
  ): { ending: EndingRecord; status: Status } | undefined {
    const { stop, abort } = runSignals();
    if (stop?.aborted || abort?.aborted) {
      return {
        ending: { kind: "abort", evidence: `stopped before turn ${view.turn}` },
        status: "interrupted",
      };
    }
    const set = firedEnding(endings, view);
    if (set !== undefined) return { ending: set, status: set.kind === "maxCostUsd" ? "budget" : "completed" };
    const fired = parts.endings.map((ending) => ending(view)).find((record) => record !== undefined);
    if (fired !== undefined) return { ending: fired, status: "completed" };
    const failed = allFailed(view);
    return failed && { ending: failed, status: "failed" };
  }

  return async function moderatorNode(
    state: ConversationState,
    context: ConversationContext,
    config: LangGraphRunnableConfig,
  ): Promise<ConversationUpdate> {
    if (state.halt !== null) return { ...state.halt, halt: null };
    const settings = settingsOf(scenario, context);
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
    const finished = over(settings, view);
    const complexity = rated(state, settings, view);
    if (finished !== undefined) return { ...start, complexity, ...finished };

    const budget = budgetOf(settings.maxCostUsd, state.totals);
    const { choice, usage, attempts, overBudget } = await choose(view, budget?.spendableNanoUsd, config);
    const counted = { ...start, complexity, usage, attempts, totals: totalsOf(usage) };
    const after = budgetOf(settings.maxCostUsd, addTotals(state.totals, counted.totals));
    if (overBudget !== undefined) {
      return { ...counted, ending: budgetReached(after, overBudget), status: "budget" };
    }
    const next: Choice = { turn: view.turn, ...choice };
    emit(config, { type: "choice", choice: next, complexity });
    return { ...counted, next, status: "running", ending: null };
  };
}
