/**
 * The moderator's node: opens the conversation, ends it, or says who speaks next and why. Its decision is the state's
 * `status` and `next`; the graph's edge only follows them.
 */
import { HumanMessage } from "@langchain/core/messages";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { DramatisError } from "../domain/errors.ts";
import type { EndingRecord, Status } from "../domain/record.ts";
import type { Choice, Rating } from "../domain/turn.ts";
import type { UsageEntry } from "../domain/usage.ts";
import { addTotals, totalsOf } from "../ledger/totals.ts";
import type { Gateway } from "../model/gateway.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { budgetOf, budgetReached } from "./budget.ts";
import { compact } from "./compaction.ts";
import { rateComplexity } from "./complexity.ts";
import { type Ending, firedEnding } from "./endings.ts";
import { emit } from "./events.ts";
import { cancelledSummary, haltAtCancelled } from "./halt.ts";
import { type AskedChoice, type ChoiceRequest, createModelPolicy } from "./model-policy.ts";
import { candidates, type Policy, type PolicyChoice, purePolicy } from "./policies.ts";
import { runSignals } from "./run-signals.ts";
import type { RunSettings } from "./settings.ts";
import { chooseModel } from "./speaker-model.ts";
import type { ConversationState, ConversationUpdate } from "./state.ts";
import type { Spent, Summaries } from "./summaries.ts";
import { transcriptOf } from "./transcript.ts";
import type { ConversationView } from "./view.ts";

export interface ModeratorParts {
  scenario: Scenario;
  gateway: Gateway;
  clock: () => number;
  drawSeed: () => number;
  policy: Policy | undefined;
  endings: readonly Ending[];
  summaries: Summaries;
}

type ChooseSpeaker = (
  view: ConversationView,
  request: ChoiceRequest,
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

/** A conversation in which nobody ever spoke is not complete because its limit is reached. */
function noneAnswered(
  { turns, failures }: ConversationView,
  { evidence }: EndingRecord,
): EndingRecord | undefined {
  const last = failures.at(-1);
  if (turns.length > 0 || last === undefined) return undefined;
  return {
    kind: "failure",
    evidence: `${evidence}, and none of them was answered; the last: ${last.kind}. ${last.detail}`,
  };
}

/** The latest choice that led to a turn or a failure; one that the budget stopped before it began does not count. */
function lastChoice({ turns, failures }: Pick<ConversationState, "turns" | "failures">): Choice | undefined {
  const [turn, failure] = [turns.at(-1)?.choice, failures.at(-1)?.choice];
  return (turn?.turn ?? 0) > (failure?.turn ?? 0) ? turn : (failure ?? turn);
}

type Opened = ConversationUpdate & { startedAt: string; seed: number; conversationId: string };

/** A graph inside another shares its thread with it, and perhaps with others like it: it gets an id of its own. */
function conversationIdOf({ configurable = {} }: LangGraphRunnableConfig): string {
  const { thread_id: thread, checkpoint_ns: namespace } = configurable as Record<string, unknown>;
  const isOwn = typeof thread === "string" && thread !== "" && !String(namespace ?? "").includes("|");
  return isOwn ? thread : crypto.randomUUID();
}

export function createModeratorNode(parts: ModeratorParts) {
  const { scenario, clock } = parts;
  const choose = chooser(parts);

  function opened(state: ConversationState, config: LangGraphRunnableConfig): Opened {
    const conversationId = state.conversationId ?? conversationIdOf(config);
    if (state.startedAt !== undefined && state.seed !== undefined) {
      return { startedAt: state.startedAt, seed: state.seed, conversationId };
    }
    const opening = new HumanMessage({
      id: "opening",
      name: "host",
      content: state.opening ?? scenario.opening,
    });
    return {
      startedAt: new Date(clock()).toISOString(),
      seed: state.seed ?? scenario.seed ?? parts.drawSeed(),
      conversationId,
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
    if (set?.kind === "maxCostUsd") return { ending: set, status: "budget" };
    const silent = set && noneAnswered(view, set);
    if (silent !== undefined) return { ending: silent, status: "failed" };
    if (set !== undefined) return { ending: set, status: "completed" };
    const fired = parts.endings.map((ending) => ending(view)).find((record) => record !== undefined);
    if (fired !== undefined) return { ending: fired, status: "completed" };
    const failed = allFailed(view);
    return failed && { ending: failed, status: "failed" };
  }

  /** Writes a summary where no model of the catalog has a price and nobody has spoken yet. */
  const firstModel = (settings: RunSettings, { level }: Rating): string =>
    scenario.cast.map(
      (persona) => chooseModel({ scenario, persona, gateway: parts.gateway }, settings, level).id,
    )[0] ?? "";

  return async function moderatorNode(
    state: ConversationState,
    settings: RunSettings,
    config: LangGraphRunnableConfig,
  ): Promise<ConversationUpdate> {
    const start = opened(state, config);
    /** Ends the conversation: what was begun in the background is paid, so it is waited for and counted. */
    const ended = async (
      update: ConversationUpdate,
      spent: Spent = { usage: [], attempts: [] },
    ): Promise<ConversationUpdate> => {
      const unused = await parts.summaries.settle(start.conversationId);
      const usage = [...spent.usage, ...unused.usage];
      const attempts = [...spent.attempts, ...unused.attempts];
      return { ...start, ...update, usage, attempts, totals: totalsOf(usage) };
    };
    if (state.halt !== null) return ended({ ...state.halt, halt: null });
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
    if (finished !== undefined) return ended({ complexity, ...finished });

    /** What may be spent besides what is counted, in flight, or in these entries. */
    const spendable = (entries: readonly UsageEntry[]) =>
      budgetOf(
        settings.maxCostUsd,
        entries.length === 0 ? state.totals : addTotals(state.totals, totalsOf(entries)),
        parts.summaries.reservedNanoUsd(start.conversationId),
      );
    const compacted = await compact(
      parts.summaries,
      {
        conversationId: start.conversationId,
        seed: start.seed,
        turn: view.turn,
        transcript: transcriptOf(state, scenario.cast),
        summaries: state.summaries,
        plan: settings.context,
        turnsLeft: settings.maxTurns === undefined ? undefined : settings.maxTurns - view.turn + 1,
        otherModel: state.turns.at(-1)?.model.id ?? firstModel(settings, complexity),
        spendableNanoUsd: spendable([])?.spendableNanoUsd,
        tiers: settings.tiers,
      },
      config,
    );
    for (const summary of compacted.summaries) emit(config, { type: "summary", summary });
    const unwritten = cancelledSummary(compacted.summaries);
    if (unwritten !== undefined) {
      const halt = haltAtCancelled(`the summary before turn ${view.turn}`, unwritten.detail);
      return ended({ complexity, summaries: compacted.summaries, ...halt }, compacted);
    }
    const budget = spendable(compacted.usage);
    const { conversationId } = start;
    const spendableNanoUsd = budget?.spendableNanoUsd;
    const { tiers } = settings;
    const asked = await choose(view, { conversationId, spendableNanoUsd, tiers }, config);
    const usage = [...compacted.usage, ...asked.usage];
    const attempts = [...compacted.attempts, ...asked.attempts];
    const { summaries } = compacted;
    const counted = { ...start, complexity, summaries, usage, attempts, totals: totalsOf(usage) };
    if (asked.overBudget !== undefined) {
      const ending = budgetReached(spendable(usage), asked.overBudget);
      return ended({ ...counted, ending, status: "budget" }, { usage, attempts });
    }
    if (asked.cancelled !== undefined) {
      const halt = haltAtCancelled(`the moderator before turn ${view.turn}`, asked.cancelled);
      return ended({ ...counted, ...halt }, { usage, attempts });
    }
    const next: Choice = { turn: view.turn, ...asked.choice };
    emit(config, { type: "choice", choice: next, complexity });
    return { ...counted, next, status: "running", ending: null };
  };
}
