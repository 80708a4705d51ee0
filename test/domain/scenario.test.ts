import { describe, expect, it } from "vitest";
import { endingSchema, type ScenarioInput, scenarioSchema } from "../../src/domain/scenario.ts";
import { personaInput } from "./sample-persona.ts";

const scenario = (more: Partial<ScenarioInput> = {}): ScenarioInput => ({
  id: "exports",
  title: "Exports",
  topic: "Which part should be fixed first?",
  opening: "Where do we begin?",
  cast: ["ada", "ben"],
  endings: [{ maxTurns: 8 }],
  ...more,
});

describe("a scenario", () => {
  it("gets defaults for what its author left out", () => {
    expect(scenarioSchema.parse(scenario())).toMatchObject({
      moderator: { policy: "directed", pingPongLimit: 4 },
      complexity: "auto",
      onFailure: "skip",
      answers: { maxOutputTokens: 1200, maxToolRounds: 2 },
    });
  });

  it("takes personas by id or written in place, with their defaults", () => {
    const { cast } = scenarioSchema.parse(scenario({ cast: ["ada", personaInput("ben")] }));
    expect(cast).toMatchObject(["ada", { id: "ben", talkativeness: 0.5 }]);
  });

  it.each<[string, object]>([
    ["without endings, since it would never stop", { endings: [] }],
    ["without a cast", { cast: [] }],
    ["with an unknown policy", { moderator: { policy: "loudest" } }],
    ["with a setting of another policy", { moderator: { policy: "random", pingPongLimit: 2 } }],
    ["with a budget of nothing", { budget: { maxCostUsd: 0 } }],
    ["with a seed that is no 31-bit number", { seed: 2 ** 31 }],
    ["with an unknown key", { budgt: { maxCostUsd: 1 } }],
  ])("is rejected %s", (_, more) => {
    expect(scenarioSchema.safeParse({ ...scenario(), ...more }).success).toBe(false);
  });
});

describe("an ending", () => {
  it.each<object>([
    { maxTurns: 1 },
    { maxCostUsd: 0.000001 },
    { consensus: {} },
    { any: [{ maxTurns: 1 }, { all: [{ phrase: "agreed" }, { any: [{ stalemate: { turns: 3 } }] }] }] },
  ])("may be %j", (ending) => {
    expect(endingSchema.safeParse(ending).success).toBe(true);
  });

  it.each<object>([
    {},
    { maxTurns: 3, phrase: "agreed" },
    { any: [] },
    { all: [{}] },
    { any: [{ maxTurns: 0 }] },
    { maxDurationSeconds: -1 },
    { phrase: "  " },
    { maxTurn: 3 },
  ])("may not be %j", (ending) => {
    expect(endingSchema.safeParse(ending).success).toBe(false);
  });

  it("of consensus needs one turn when its author says nothing else", () => {
    expect(endingSchema.parse({ consensus: {} })).toEqual({ consensus: { minTurns: 1 } });
  });
});
