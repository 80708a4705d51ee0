import { describe, expect, it } from "vitest";
import { levelOf, rateComplexity } from "../../src/conversation/complexity.ts";
import type { Turn } from "../../src/domain/turn.ts";
import { sampleTurn } from "./sample-view.ts";

const words = (count: number) => Array.from({ length: count }, () => "word").join(" ");
const calm: Partial<Turn> = { message: "Yes, quite so.", confidence: 0.9 };
/** So many turns of one kind, then so many of another. */
const turnsOf = (...groups: [number, Partial<Turn>][]): Turn[] =>
  groups
    .flatMap(([count, change]) => Array.from({ length: count }, () => change))
    .map((change, index) => sampleTurn(index + 1, "ada", { ...calm, ...change }));
const signsOf = (topic: string, turns: Turn[] = []) => rateComplexity(topic, turns).signs;

describe("the signs of a topic", () => {
  it("are its length from 60 words on", () => {
    expect(signsOf(words(59))).toEqual([]);
    expect(signsOf(`  ${words(60).replaceAll(" ", "\n\t")} `)).toEqual(["topic of 60 words or more"]);
  });

  it("are two questions", () => {
    expect(signsOf("What is first?")).toEqual([]);
    expect(signsOf("What is first? And why?")).toEqual(["two open questions in the topic"]);
  });

  it("are three figures, each counted once with its separators", () => {
    expect(signsOf("From 1,200.50 in 2024 onwards")).toEqual([]);
    expect(signsOf("From 1,200.50 in 2024 to 3.5 %")).toEqual(["three figures in the topic"]);
  });
});

describe("the signs of a conversation", () => {
  const SIGNS: [string, Partial<Turn>, Partial<Turn>][] = [
    ["half of the latest turns are unsure", { confidence: 0.6 }, { confidence: 0.61 }],
    ["half of the latest turns object", { message: "However, no." }, { message: "A butter objective." }],
    [
      "half of the latest turns searched",
      { toolCalls: [{ name: "search", args: {}, status: "error", passages: [] }] },
      { citations: ["churn#1"] },
    ],
    ["half of the latest turns ask", { message: "Why?" }, { message: "Why." }],
  ];

  it.each(SIGNS)("%s, from half of them on", (sign, shows, almost) => {
    expect(signsOf("x", turnsOf([3, shows], [5, {}]))).toEqual([]);
    expect(signsOf("x", turnsOf([4, shows], [4, {}]))).toEqual([sign]);
    expect(signsOf("x", turnsOf([8, almost]))).toEqual([]);
  });

  it.each(SIGNS)("%s, not before there are four", (sign, shows) => {
    expect(signsOf("x", turnsOf([3, shows]))).toEqual([]);
    expect(signsOf("x", turnsOf([4, shows]))).toEqual([sign]);
  });

  it.each(SIGNS)("%s, of the latest eight alone", (_, shows) => {
    expect(signsOf("x", turnsOf([20, shows], [5, {}]))).toEqual([]);
  });
});

describe("the rating", () => {
  it.each([
    [0, "low"],
    [1, "low"],
    [2, "medium"],
    [3, "medium"],
    [4, "high"],
    [7, "high"],
  ])("of %i points is %s", (score, level) => {
    expect(levelOf(score)).toBe(level);
  });

  it("counts a point a sign and names the signs", () => {
    const hard = turnsOf([6, { message: "But why?", confidence: 0.2 }]);
    expect(rateComplexity("What? And when?", hard)).toEqual({
      level: "high",
      score: 4,
      signs: [
        "two open questions in the topic",
        "half of the latest turns are unsure",
        "half of the latest turns object",
        "half of the latest turns ask",
      ],
    });
    expect(rateComplexity("Lunch", [])).toEqual({ level: "low", score: 0, signs: [] });
  });

  it("goes down again when the conversation calms", () => {
    const heated = turnsOf([8, { message: "But why?", confidence: 0.2 }]);
    const calmed = turnsOf([8, { message: "But why?", confidence: 0.2 }], [8, {}]);
    expect([heated, calmed].map((turns) => rateComplexity("x", turns).level)).toEqual(["medium", "low"]);
  });
});
