import { describe, expect, it } from "vitest";
import type { SelectionRule } from "../../src/domain/model-info.ts";
import { PERSONALITY_KINDS, type PersonaInput } from "../../src/domain/persona.ts";
import { COMPLEXITY_LEVELS } from "../../src/domain/scenario.ts";
import { cheapestModel, selectModel } from "../../src/model/selection.ts";
import { personaInput, samplePersona } from "../domain/sample-persona.ts";
import { MODELS, pricedAt } from "../ledger/sample-models.ts";

/** A persona that requires reasoning, or high complexity: gpt-4.1; creative: gpt-4.1-mini; otherwise gpt-4.1-nano. */
const RULES: SelectionRule[] = [
  { when: { requiresReasoning: true }, use: "gpt-4.1" },
  { when: { complexity: "high" }, use: "gpt-4.1" },
  { when: { kind: "creative" }, use: "gpt-4.1-mini" },
  { when: {}, use: "gpt-4.1-nano" },
];

const personality = (kind: (typeof PERSONALITY_KINDS)[number]) => ({
  ...personaInput("x").personality,
  kind,
});
const select = (
  complexity: (typeof COMPLEXITY_LEVELS)[number],
  more: Partial<PersonaInput> = {},
  rest: { rules?: SelectionRule[]; override?: string } = {},
) => selectModel({ rules: RULES, persona: samplePersona("ada", more), complexity, ...rest });

describe("selection by rules", () => {
  it.each<[(typeof COMPLEXITY_LEVELS)[number], Partial<PersonaInput>, string, string]>([
    ["low", {}, "gpt-4.1-nano", "no other rule applies"],
    ["medium", {}, "gpt-4.1-nano", "no other rule applies"],
    ["high", {}, "gpt-4.1", "complexity is high"],
    ["low", { requiresReasoning: true }, "gpt-4.1", "requiresReasoning is true"],
    ["low", { personality: personality("creative") }, "gpt-4.1-mini", "personality is creative"],
    ["high", { personality: personality("creative") }, "gpt-4.1", "complexity is high"],
  ])("at %s complexity gives %j %s", (complexity, more, id, reason) => {
    expect(select(complexity, more)).toEqual({ id, reason });
  });

  it("takes the first rule that holds, and asks for all that a rule names", () => {
    const when = { requiresReasoning: false, complexity: "high", kind: "skeptical" } as const;
    const rules: SelectionRule[] = [
      { when, use: "o3" },
      { when: {}, use: "gpt-5-nano" },
      { when: {}, use: "gpt-5" },
    ];
    const skeptical = { personality: personality("skeptical") };
    expect(select("high", skeptical, { rules })).toEqual({
      id: "o3",
      reason: "requiresReasoning is false and complexity is high and personality is skeptical",
    });
    expect(select("low", skeptical, { rules })?.id).toBe("gpt-5-nano");
    expect(select("high", {}, { rules })?.id).toBe("gpt-5-nano");
    expect(select("high", { ...skeptical, requiresReasoning: true }, { rules })?.id).toBe("gpt-5-nano");
  });

  it("chooses nothing when no rule holds", () => {
    expect(select("low", {}, { rules: RULES.slice(0, 3) })).toBeUndefined();
    expect(select("low", {}, { rules: [] })).toBeUndefined();
  });

  it("chooses some model for every persona when the last rule always holds", () => {
    const chosen = PERSONALITY_KINDS.flatMap((kind) =>
      COMPLEXITY_LEVELS.flatMap((complexity) =>
        [true, false].map((requiresReasoning) =>
          select(complexity, { personality: personality(kind), requiresReasoning }),
        ),
      ),
    );
    expect(chosen).toHaveLength(36);
    expect(chosen.filter((choice) => choice === undefined)).toEqual([]);
  });
});

describe("a named model", () => {
  it("of the persona beats the rules", () => {
    expect(select("high", { model: "o3" })).toEqual({ id: "o3", reason: "named by persona ada" });
  });

  it("of the caller beats the persona's", () => {
    expect(select("high", { model: "o3" }, { override: "gpt-5" })).toEqual({
      id: "gpt-5",
      reason: "named by the caller",
    });
  });
});

describe("the cheapest model", () => {
  it("has the least sum of input and output price", () => {
    expect(cheapestModel(Object.values(MODELS))?.id).toBe("gpt-5-nano");
  });

  it("has a price, since a model without one may cost anything", () => {
    expect(cheapestModel([MODELS.local])).toBeUndefined();
    expect(cheapestModel([])).toBeUndefined();
    expect(cheapestModel([MODELS.local, MODELS["gpt-4.1"]])?.id).toBe("gpt-4.1");
  });

  it("is the first by name among equals, in whatever order they come", () => {
    const [a, b] = ["a", "b"].map((id) => ({ ...pricedAt({ input: 1, output: 1 }), id }));
    if (a === undefined || b === undefined) throw new Error("two models expected");
    expect([cheapestModel([a, b])?.id, cheapestModel([b, a])?.id]).toEqual(["a", "a"]);
  });
});
