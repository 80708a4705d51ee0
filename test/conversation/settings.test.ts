import { describe, expect, it } from "vitest";
import { settingsOf } from "../../src/conversation/settings.ts";
import { conversationContext } from "../../src/conversation/state.ts";
import type { EndingSettings } from "../../src/domain/scenario.ts";
import { resolveScenario } from "../../src/scenario/scenario.ts";
import { SCENARIO } from "./stage.ts";

const scenario = (endings: EndingSettings[], more = {}) => resolveScenario({ ...SCENARIO, endings, ...more });
const context = (given = {}) => conversationContext.parse(given);

describe("the settings of a run", () => {
  it("take the least of the budget and the endings that cap the cost on their own", () => {
    const capOf = (endings: EndingSettings[], usd?: number) =>
      settingsOf(scenario(endings, usd === undefined ? {} : { budget: { maxCostUsd: usd } }), context())
        .maxCostUsd;
    expect(capOf([{ maxCostUsd: 0.01 }], 0.02)).toBe(0.01);
    expect(capOf([{ any: [{ maxCostUsd: 0.02 }] }], 0.01)).toBe(0.01);
    expect(capOf([{ maxTurns: 3 }, { maxCostUsd: 0.03 }])).toBe(0.03);
    expect(capOf([{ all: [{ maxCostUsd: 1 }, { phrase: "x" }] }])).toBeUndefined();
  });

  it("let the context win over the scenario", () => {
    const settings = settingsOf(
      scenario([{ maxTurns: 3 }], { budget: { maxCostUsd: 1 } }),
      context({
        complexity: "high",
        maxTurns: 9,
        budget: { maxCostUsd: 0.5 },
        models: { ada: "o3", "*": "gpt-5" },
      }),
    );
    expect(settings).toMatchObject({ complexity: "high", maxTurns: 9, maxCostUsd: 0.5 });
    expect([settings.modelFor("ada"), settings.modelFor("ben")]).toEqual(["o3", "gpt-5"]);
  });

  it("replace a limit of turns, not a condition on turns", () => {
    const condition = { all: [{ maxTurns: 4 }, { phrase: "done" }] };
    const { endings } = settingsOf(scenario([condition, { maxTurns: 6 }]), context({ maxTurns: 24 }));
    expect(endings).toEqual([{ maxTurns: 24 }, condition]);
  });
});
