/** An experiment as the store keeps it: the run's definition once, and of each arm only what differs. Pure. */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { ConversationContextInput } from "../conversation/state.ts";
import { DramatisError } from "../domain/errors.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { StoredArm } from "../store/arms.ts";
import { type Assignment, assign } from "./design.ts";
import type { Experiment } from "./experiment-file.ts";

/** What a run's definition says of the experiment it is. */
export const storedExperimentSchema = z.object({
  id: z.string(),
  title: z.string(),
  factors: z.array(z.object({ name: z.string(), levels: z.array(z.string()).readonly() })),
  repeats: z.int(),
  seed: z.int(),
  commonRandomNumbers: z.boolean(),
});
/** An experiment as the store keeps it. */
export type StoredExperiment = z.output<typeof storedExperimentSchema>;

export interface PlannedExperiment {
  experiment: StoredExperiment;
  arms: StoredArm[];
  /** In the order in which they are to be held. */
  assignments: Assignment[];
}

/** The parts of a scenario that differ; null where the arm has none. */
export function changesBetween(base: Scenario, scenario: Scenario): Record<string, unknown> {
  const keys = new Set([...Object.keys(base), ...Object.keys(scenario)]) as Set<keyof Scenario>;
  const changed = [...keys].filter((key) => !isDeepStrictEqual(base[key], scenario[key]));
  return Object.fromEntries(changed.map((key) => [key, scenario[key] ?? null]));
}

/** The scenario of an arm, from what the store kept of it. */
export function withChanges(base: Scenario, changes: object): Scenario {
  const entries = Object.entries({ ...base, ...changes });
  return Object.fromEntries(entries.filter(([, value]) => value !== null)) as unknown as Scenario;
}

export function planOf(experiment: Experiment, seed: number): PlannedExperiment {
  const { id, title, factors, repeats, commonRandomNumbers, scenario } = experiment;
  const arms = experiment.arms.map((arm) => ({
    name: arm.name,
    levels: arm.levels,
    changes: changesBetween(scenario, arm.scenario),
  }));
  const names = arms.map(({ name }) => name);
  return {
    experiment: { id, title, factors, repeats, seed, commonRandomNumbers },
    arms,
    assignments: assign({ arms: names, repeats, seed, commonRandomNumbers }),
  };
}

/** What of a scenario each key of a run's context replaces. */
const REPLACED: Readonly<Partial<Record<keyof ConversationContextInput, (scenario: Scenario) => unknown>>> = {
  complexity: ({ complexity }) => complexity,
  models: ({ cast }) => cast.map(({ model }) => model),
  budget: ({ budget }) => budget,
  maxTurns: ({ endings }) => endings,
  screening: ({ screening }) => screening,
  context: ({ context }) => context,
};

/**
 * Refuses a context that would make arms the same which the experiment compares.
 * @throws DramatisError `invalid-argument`
 */
export function checkContext(context: ConversationContextInput, arms: Experiment["arms"]): void {
  for (const [key, read] of Object.entries(REPLACED)) {
    if (context[key as keyof ConversationContextInput] === undefined) continue;
    const [first, ...others] = arms.map(({ scenario }) => read(scenario));
    if (others.every((other) => isDeepStrictEqual(first, other))) continue;
    throw new DramatisError(
      "invalid-argument",
      `The run's ${key} would replace what the arms of the experiment differ in. Leave it away, or take it out of the factors.`,
    );
  }
}
