/** Outcome measures of a conversation, by hand. */
import { expect, it } from "vitest";
import { type MeasuredTurn, measure } from "../../src/experiment/measures.ts";

const turn = (speaker: string, message: string, rest: Partial<MeasuredTurn> = {}): MeasuredTurn => ({
  speaker,
  message,
  confidence: 0.5,
  citations: [],
  wantsToConclude: false,
  ...rest,
});

it("measures what was said, and by how many", () => {
  const turns = [
    turn("ada", "one two  three\nfour", { citations: ["a#1", "b#2"], confidence: 0.9 }),
    turn("grace", " five six ", { wantsToConclude: true, confidence: 0.3 }),
  ];
  // Words: linus 0, grace 2, ada 4; Gini = (−2·0 + 0·2 + 2·4) / (3·6).
  expect(measure(turns, ["ada", "grace", "linus"])).toEqual({
    concluding: 0.5,
    confidence: 0.6,
    citationsPerTurn: 1,
    wordsPerTurn: 3,
    inequality: 8 / 18,
  });
});

it("measures nothing where nobody spoke", () => {
  expect(measure([], ["ada"])).toEqual({
    concluding: undefined,
    confidence: undefined,
    citationsPerTurn: undefined,
    wordsPerTurn: undefined,
    inequality: undefined,
  });
});
