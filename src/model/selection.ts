/** Which model a persona speaks with: an override, else the first of the catalog's rules that holds. */
import type { ModelInfo, SelectionRule } from "../domain/model-info.ts";
import type { Persona } from "../domain/persona.ts";
import type { ComplexityLevel } from "../domain/scenario.ts";
import type { ModelChoice } from "../domain/turn.ts";
import { costNanoUsd } from "../ledger/cost.ts";

export interface SelectionParts {
  rules: readonly SelectionRule[];
  persona: Pick<Persona, "id" | "model" | "requiresReasoning" | "personality">;
  complexity: ComplexityLevel;
  /** A model named by the caller; beats the persona's own. */
  override?: string | undefined;
}

const describe = (when: SelectionRule["when"]): string => {
  const parts = [
    when.requiresReasoning === undefined ? [] : [`requiresReasoning is ${when.requiresReasoning}`],
    when.complexity === undefined ? [] : [`complexity is ${when.complexity}`],
    when.kind === undefined ? [] : [`personality is ${when.kind}`],
  ].flat();
  return parts.length === 0 ? "no other rule applies" : parts.join(" and ");
};

/** Chooses a model and says why. Undefined when no rule holds. */
export function selectModel({
  rules,
  persona,
  complexity,
  override,
}: SelectionParts): ModelChoice | undefined {
  if (override !== undefined) return { id: override, reason: "named by the caller" };
  if (persona.model !== undefined) return { id: persona.model, reason: `named by persona ${persona.id}` };
  const rule = rules.find(
    ({ when }) =>
      (when.requiresReasoning ?? persona.requiresReasoning) === persona.requiresReasoning &&
      (when.complexity ?? complexity) === complexity &&
      (when.kind ?? persona.personality.kind) === persona.personality.kind,
  );
  return rule && { id: rule.use, reason: describe(rule.when) };
}

/** Tokens of a small request, like the choice of a speaker; what a reasoning model thinks is paid as output. */
const SMALL = { inputTokens: 1000, outputTokens: 100, thoughtTokens: 256 };

/** The priced model that a small request costs least with; the first by name among equals. */
export function cheapestModel(models: Iterable<ModelInfo>): ModelInfo | undefined {
  const cost = (model: ModelInfo) => {
    const outputTokens = SMALL.outputTokens + (model.reasons ? SMALL.thoughtTokens : 0);
    return (
      costNanoUsd({ inputTokens: SMALL.inputTokens, outputTokens }, model, "standard") ??
      Number.POSITIVE_INFINITY
    );
  };
  return [...models]
    .filter(({ price }) => price !== undefined)
    .sort((a, b) => cost(a) - cost(b) || (a.id < b.id ? -1 : 1))[0];
}
