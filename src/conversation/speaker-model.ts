/** Which model a persona speaks with in a run. */
import { DramatisError } from "../domain/errors.ts";
import type { Persona } from "../domain/persona.ts";
import type { ComplexityLevel } from "../domain/scenario.ts";
import type { ModelChoice } from "../domain/turn.ts";
import type { Gateway } from "../model/gateway.ts";
import { selectModel } from "../model/selection.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { RunSettings } from "./settings.ts";

/** @throws DramatisError `unknown-name` where no rule of the catalog holds. */
export function chooseModel(
  { scenario, persona, gateway }: { scenario: Scenario; persona: Persona; gateway: Gateway },
  settings: RunSettings,
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
