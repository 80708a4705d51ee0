/** What the store keeps of an experiment, and what a worker makes of it. */
import { expect, it } from "vitest";
import type { Experiment } from "../../src/experiment/experiment-file.ts";
import { changesBetween, checkContext, planOf, withChanges } from "../../src/experiment/plan.ts";
import { findScenario } from "../../src/scenario/find-scenario.ts";
import type { Scenario } from "../../src/scenario/scenario.ts";

const base = findScenario("product-roundtable");
const stored = (value: object) => JSON.parse(JSON.stringify(value));
const { budget: _, ...unlimited } = base;

const experiment = (...scenarios: Scenario[]): Experiment => ({
  id: "e",
  title: "E",
  repeats: 2,
  commonRandomNumbers: true,
  seed: 3,
  maxCostUsd: undefined,
  scenario: base,
  factors: [{ name: "f", levels: scenarios.map((_scenario, index) => String(index)) }],
  arms: scenarios.map((scenario, index) => ({ name: `f=${index}`, levels: { f: String(index) }, scenario })),
  notices: [],
});

it.each<[string, Scenario]>([
  ["itself", base],
  ["another policy", { ...base, moderator: { policy: "random" } }],
  ["no budget", unlimited],
  ["no knowledge base", { ...base, passages: [] }],
  ["something the base has not", { ...base, knowledge: undefined, description: "Other." } as Scenario],
])("an arm that is %s comes out of the store as it went in", (_name, scenario) => {
  const back = withChanges(stored(base), stored(changesBetween(base, scenario)));
  expect(back).toEqual(stored(scenario));
});

it("of an arm keeps what differs alone", () => {
  const { arms, assignments } = planOf(experiment(base, { ...base, complexity: "high" }), 11);
  expect(arms.map(({ changes }) => changes)).toEqual([{}, { complexity: "high" }]);
  expect(assignments.map(({ repeat, seed }) => [repeat, seed])).toEqual([
    [1, 11],
    [1, 11],
    [2, 12],
    [2, 12],
  ]);
});

it("refuses a context that would make compared arms the same, and no other", () => {
  const { arms } = experiment(base, { ...base, complexity: "high" });
  expect(() => checkContext({ complexity: "low" }, arms)).toThrow(/^The run's complexity would replace/);
  expect(() => checkContext({ maxTurns: 3, budget: { maxCostUsd: 1 } }, arms)).not.toThrow();
});
