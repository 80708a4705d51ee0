/** Which model a persona speaks with in a run. */
import { DramatisError } from "../domain/errors.ts";
import type { Persona } from "../domain/persona.ts";
import { COMPLEXITY_LEVELS, type ComplexityLevel } from "../domain/scenario.ts";
import type { ModelChoice } from "../domain/turn.ts";
import type { Gateway } from "../model/gateway.ts";
import { selectModel } from "../model/selection.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { RunSettings } from "./settings.ts";

export interface SpeakerParts {
  scenario: Pick<Scenario, "id">;
  persona: Persona;
  gateway: Pick<Gateway, "catalog">;
}

type SpeakerSettings = Pick<RunSettings, "modelFor">;

/**
 * The models a persona may speak with: where the complexity is rated, those of every level.
 * @throws DramatisError `unknown-name` where no rule of the catalog holds.
 */
export function possibleModels(
  parts: SpeakerParts,
  settings: SpeakerSettings & Pick<RunSettings, "complexity">,
): string[] {
  const levels = settings.complexity === "auto" ? COMPLEXITY_LEVELS : [settings.complexity];
  return [...new Set(levels.map((level) => chooseModel(parts, settings, level).id))];
}

/** @throws DramatisError `unknown-name` where no rule of the catalog holds. */
export function chooseModel(
  { scenario, persona, gateway }: SpeakerParts,
  settings: SpeakerSettings,
  complexity: ComplexityLevel,
): ModelChoice {
  const choice = selectModel({
    rules: gateway.catalog.selection,
    persona,
    complexity,
    override: settings.modelFor(persona.id),
  });
  if (choice !== undefined) return choice;
  throw new DramatisError(
    "unknown-name",
    `No selection rule of the catalog holds for persona ${persona.id} in scenario ${scenario.id}. ` +
      "Add a last rule without `when`.",
  );
}
