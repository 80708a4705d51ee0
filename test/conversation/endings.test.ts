import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firedEnding, limitOf } from "../../src/conversation/endings.ts";
import type { ConversationView } from "../../src/conversation/view.ts";
import { type EndingSettings, endingSchema } from "../../src/domain/scenario.ts";
import type { Turn } from "../../src/domain/turn.ts";
import { emptyTotals } from "../../src/ledger/totals.ts";
import { sampleFailure, sampleTurn, sampleView } from "./sample-view.ts";

const evidenceOf = (ending: EndingSettings, view: Partial<ConversationView>) =>
  firedEnding([ending], sampleView(view))?.evidence;
/** Turns of ada, ben and cleo in order, each with these changes. */
const turnsOf = (...changes: Partial<Turn>[]): Turn[] =>
  changes.map((change, index) => sampleTurn(index + 1, ["ada", "ben", "cleo"][index % 3] ?? "", change));
const totals = (more: object) => ({ ...emptyTotals(), ...more });

describe("maxTurns", () => {
  it("fires after the last of so many turns, failed ones included", () => {
    expect(evidenceOf({ maxTurns: 2 }, { turns: turnsOf({}) })).toBeUndefined();
    expect(evidenceOf({ maxTurns: 2 }, { turns: turnsOf({}), failures: [sampleFailure(2, "ben")] })).toBe(
      "2 turns, the limit is 2",
    );
    expect(evidenceOf({ maxTurns: 1 }, { turns: turnsOf({}), turn: 2 })).toBe("1 turn, the limit is 1");
  });
});

describe("maxTokens", () => {
  it("counts input and output, cached and reasoning tokens not twice", () => {
    const used = totals({
      inputTokens: 600,
      cachedInputTokens: 500,
      outputTokens: 399,
      reasoningTokens: 300,
    });
    expect(evidenceOf({ maxTokens: 1_000 }, { totals: used })).toBeUndefined();
    expect(evidenceOf({ maxTokens: 999 }, { totals: used })).toBe("999 of 999 tokens");
  });
});

describe("maxCostUsd", () => {
  it("fires when as much is spent", () => {
    expect(
      evidenceOf({ maxCostUsd: 0.003312 }, { totals: totals({ costNanoUsd: 3_311_999 }) }),
    ).toBeUndefined();
    expect(evidenceOf({ maxCostUsd: 0.003312 }, { totals: totals({ costNanoUsd: 3_312_000 }) })).toBe(
      "$0.003312, the limit is $0.003312",
    );
  });

  it("does not fire on a cost that is unknown", () => {
    expect(evidenceOf({ maxCostUsd: 0.01 }, { totals: totals({ costNanoUsd: undefined }) })).toBeUndefined();
  });
});

describe("maxDurationSeconds", () => {
  it("fires when so much time has passed", () => {
    expect(evidenceOf({ maxDurationSeconds: 1.5 }, { elapsedMs: 1_499 })).toBeUndefined();
    expect(evidenceOf({ maxDurationSeconds: 1.5 }, { elapsedMs: 1_500 })).toBe("1.5 of 1.5 seconds");
  });
});

describe("phrase", () => {
  const said = turnsOf({ message: "Hm." }, { message: "Then WE agree, all of us." }, { message: "Fine." });

  it("fires when a message contains it, whatever its case, and names who said it", () => {
    expect(evidenceOf({ phrase: "we Agree" }, { turns: said.slice(0, 1) })).toBeUndefined();
    expect(evidenceOf({ phrase: "we Agree" }, { turns: said.slice(0, 2) })).toBe(
      'ben said "we Agree" in turn 2',
    );
  });

  it("holds from then on, so that it can be combined with what comes later", () => {
    const ending: EndingSettings = { all: [{ phrase: "we agree" }, { maxTurns: 3 }] };
    expect(evidenceOf(ending, { turns: said })).toBe(
      'phrase: ben said "we agree" in turn 2; maxTurns: 3 turns, the limit is 3',
    );
  });

  it("is text, not a pattern", () => {
    expect(evidenceOf({ phrase: "." }, { turns: turnsOf({ message: "No end" }) })).toBeUndefined();
  });
});

describe("consensus", () => {
  const ending: EndingSettings = { consensus: { minTurns: 1 } };
  const yes = { wantsToConclude: true };

  it("fires when everyone's latest turn wants to conclude", () => {
    expect(evidenceOf(ending, { turns: turnsOf({}, yes, yes, yes) })).toBe("all 3 want to conclude");
  });

  it("waits for those who have not spoken", () => {
    expect(evidenceOf(ending, { turns: turnsOf(yes, yes) })).toBeUndefined();
  });

  it("is undone by one who no longer wants to", () => {
    expect(evidenceOf(ending, { turns: turnsOf(yes, yes, yes, {}) })).toBeUndefined();
  });

  it("waits for its least number of turns", () => {
    expect(evidenceOf({ consensus: { minTurns: 4 } }, { turns: turnsOf(yes, yes, yes) })).toBeUndefined();
    expect(evidenceOf({ consensus: { minTurns: 4 } }, { turns: turnsOf(yes, yes, yes, yes) })).toBeDefined();
  });
});

describe("stalemate", () => {
  const ending: EndingSettings = { stalemate: { turns: 3 } };
  const first = turnsOf({ addressedTo: null }, {}, {});

  it("fires after so many turns without a new citation, expertise or pair", () => {
    const quiet = [...first, sampleTurn(4, "ada"), sampleTurn(5, "ben")];
    expect(evidenceOf(ending, { turns: quiet })).toBeUndefined();
    expect(evidenceOf(ending, { turns: [...quiet, sampleTurn(6, "cleo")] })).toBe(
      "nothing new in the last 3 turns",
    );
  });

  it.each<[string, Partial<Turn>]>([
    ["citation", { citations: ["churn#1"] }],
    ["area of expertise", { relevantExpertise: ["pricing"] }],
    ["pair of speakers", { addressedTo: "ben" }],
  ])("is held off by a new %s", (_, change) => {
    const turns = [...first, sampleTurn(4, "ada"), sampleTurn(5, "ben"), sampleTurn(6, "cleo", change)];
    expect(evidenceOf(ending, { turns })).toBeUndefined();
  });

  it("is not held off by what was there before: the same pair the other way round, expertise in capitals", () => {
    const turns = [
      sampleTurn(1, "ada", { addressedTo: "ben", relevantExpertise: ["Pricing"], citations: ["churn#1"] }),
      sampleTurn(2, "ben", { addressedTo: "ada", relevantExpertise: ["pricing"] }),
      sampleTurn(3, "ada", { addressedTo: "ben", citations: ["churn#1", "churn#1"] }),
      sampleTurn(4, "ben", { addressedTo: "ada" }),
    ];
    expect(evidenceOf(ending, { turns })).toBe("nothing new in the last 3 turns");
  });

  it("takes a citation for new although an area of expertise has its name", () => {
    const turns = [
      ...first,
      sampleTurn(4, "ada", { relevantExpertise: ["churn"] }),
      sampleTurn(5, "ben"),
      sampleTurn(6, "cleo"),
      sampleTurn(7, "ada", { citations: ["churn"] }),
    ];
    expect(evidenceOf(ending, { turns })).toBeUndefined();
  });

  it("does not fire on a conversation shorter than its turns", () => {
    expect(evidenceOf(ending, { turns: [] })).toBeUndefined();
    expect(evidenceOf(ending, { turns: first.slice(0, 2) })).toBeUndefined();
  });
});

describe("combined endings", () => {
  const met: EndingSettings = { maxTurns: 1 };
  const unmet: EndingSettings = { maxTurns: 99 };
  const view = sampleView({ turns: turnsOf({}, {}) });

  it("any is the first of its parts that is met", () => {
    expect(firedEnding([{ any: [unmet, { maxTurns: 2 }, met] }], view)).toEqual({
      kind: "maxTurns",
      evidence: "2 turns, the limit is 2",
    });
  });

  it("all holds the evidence of every part", () => {
    expect(firedEnding([{ all: [met, { any: [unmet, { maxTurns: 2 }] }] }], view)).toEqual({
      kind: "all",
      evidence: "maxTurns: 2 turns, the limit is 1; maxTurns: 2 turns, the limit is 2",
    });
  });

  it("the first of a scenario's endings that is met is the one that fires", () => {
    expect(firedEnding([unmet, { all: [met, unmet] }, { phrase: "turn 2" }, met], view)?.kind).toBe("phrase");
    expect(firedEnding([], view)).toBeUndefined();
  });

  /** A tree of endings and what it must come to. */
  const trees = fc.letrec<{ tree: { ending: EndingSettings; isMet: boolean } }>((tie) => {
    const leaf = fc.boolean().map((isMet) => ({ ending: isMet ? met : unmet, isMet }));
    const parts = fc.array(tie("tree"), { minLength: 1, maxLength: 3 });
    const any = parts.map((all) => ({
      ending: { any: all.map(({ ending }) => ending) },
      isMet: all.some(({ isMet }) => isMet),
    }));
    const every = parts.map((all) => ({
      ending: { all: all.map(({ ending }) => ending) },
      isMet: all.every(({ isMet }) => isMet),
    }));
    return { tree: fc.oneof({ depthSize: "small" }, leaf, any, every) };
  }).tree;

  it("any is or, all is and, at any depth", () => {
    fc.assert(
      fc.property(trees, ({ ending, isMet }) => {
        expect(endingSchema.safeParse(ending).success).toBe(true);
        expect(firedEnding([ending], view) !== undefined).toBe(isMet);
      }),
    );
  });
});

describe("the limit of turns or cost", () => {
  it("is the least one that nothing else has to join", () => {
    expect(limitOf("maxTurns", [{ maxTurns: 9 }, { any: [{ phrase: "x" }, { maxTurns: 5 }] }])).toBe(5);
    expect(limitOf("maxCostUsd", [{ maxTurns: 9 }, { maxCostUsd: 0.25 }])).toBe(0.25);
  });

  it("is missing where it needs another condition as well, or is not there at all", () => {
    expect(
      limitOf("maxTurns", [{ all: [{ maxTurns: 5 }, { phrase: "x" }] }, { phrase: "y" }]),
    ).toBeUndefined();
    expect(limitOf("maxTurns", [])).toBeUndefined();
  });

  const endings = fc.letrec<{ ending: EndingSettings }>((tie) => {
    const parts = fc.array(tie("ending"), { minLength: 1, maxLength: 3 });
    return {
      ending: fc.oneof(
        { depthSize: "small" },
        fc.integer({ min: 1, max: 8 }).map((maxTurns) => ({ maxTurns })),
        fc.constant({ phrase: "never said" }),
        parts.map((any) => ({ any })),
        parts.map((all) => ({ all })),
      ),
    };
  }).ending;

  it("is the turn after which the endings fire, however they are combined", () => {
    fc.assert(
      fc.property(fc.array(endings, { maxLength: 3 }), (settings) => {
        const limit = limitOf("maxTurns", settings) ?? Number.POSITIVE_INFINITY;
        for (let turn = 1; turn <= 10; turn++) {
          expect(firedEnding(settings, sampleView({ turn })) !== undefined).toBe(turn > limit);
        }
      }),
    );
  });
});
