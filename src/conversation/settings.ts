/** What holds in a run: the scenario's settings with the run's context laid over them. The only place that says which wins. */
import { defined } from "../domain/defined.ts";
import type { Complexity, EndingSettings } from "../domain/scenario.ts";
import type { Screening } from "../domain/screening.ts";
import type { AskedTier } from "../domain/usage.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { type ContextPlan, contextPlan } from "../turn/context-window.ts";
import { EVERYONE } from "./context.ts";
import { limitOf, withMaxTurns } from "./endings.ts";
import type { ConversationContext } from "./state.ts";

export interface RunSettings {
  complexity: Complexity;
  endings: readonly EndingSettings[];
  /** Undefined: nothing limits the turns. */
  maxTurns: number | undefined;
  /** The least of the budget and the endings that cap the cost; undefined: nothing does. */
  maxCostUsd: number | undefined;
  /** The model named for a persona; undefined: the rules choose. */
  modelFor(personaId: string): string | undefined;
  screening: Screening;
  context: ContextPlan;
  /** The price tier of its requests. */
  tiers: AskedTier;
  /** Whether events `token` are wanted. */
  stream: boolean;
}

export function settingsOf(scenario: Scenario, context: ConversationContext): RunSettings {
  const endings = withMaxTurns(scenario.endings, context.maxTurns);
  const caps = [context.budget?.maxCostUsd ?? scenario.budget?.maxCostUsd, limitOf("maxCostUsd", endings)];
  const least = caps.filter((cap) => cap !== undefined);
  return {
    complexity: context.complexity ?? scenario.complexity,
    endings,
    maxTurns: limitOf("maxTurns", endings),
    maxCostUsd: least.length === 0 ? undefined : Math.min(...least),
    modelFor: (personaId) => context.models[personaId] ?? context.models[EVERYONE],
    screening: screeningOf(scenario, context),
    context: contextPlan({ ...scenario.context, ...defined(context.context) }, scenario.cast.length),
    tiers: defined({ tier: context.tier, tierFallback: context.tierFallback }),
    stream: context.stream,
  };
}

/** The scenario's screening with what the run's context replaces. */
export function screeningOf(
  { screening }: Pick<Scenario, "screening">,
  context: Pick<ConversationContext, "screening"> | undefined,
): Screening {
  const { secrets, maxMessageCharacters, maxRequestCharacters } = context?.screening ?? {};
  return {
    secrets: secrets ?? screening.secrets,
    maxMessageCharacters: maxMessageCharacters ?? screening.maxMessageCharacters,
    maxRequestCharacters: maxRequestCharacters ?? screening.maxRequestCharacters,
  };
}
