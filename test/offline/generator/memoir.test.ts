import { describe, expect, it } from "vitest";
import { lifeOf } from "../../../src/offline/generator/memoir.ts";

describe("a life told in the first person", () => {
  it.each([
    [
      "Magda, 47, left a bakery for one summer and never went back to the ovens.",
      "I left a bakery for one summer and never went back to the ovens.",
    ],
    [
      "She teaches the fiddle and drives a van full of violins.",
      "I teach the fiddle and drive a van full of violins.",
    ],
    ["He now has four languages and a licence.", "I now have four languages and a licence."],
    ["Her mother is visited three times a day.", "My mother is visited three times a day."],
    ["The firm was small. She ran it alone.", undefined],
    ["Magda teaches and works.", "I teach and work."],
    ["Magda knows a man who teaches and works.", undefined],
    ["An engineer by training.", undefined],
  ])("%s", (sentence, expected) => {
    expect(lifeOf(sentence, "Magda")).toEqual(expected === undefined ? [] : [expected]);
  });
});
