import { describe, expect, it } from "vitest";
import {
  asPhrase,
  closingQuestion,
  expandContractions,
  fingerprint,
  lowerFirst,
  sentencesOf,
} from "../../../src/offline/generator/prose.ts";

const printsOf = (text: string) => {
  const prints: number[] = [];
  fingerprint(text, (print) => prints.push(print));
  return prints;
};

describe("prose", () => {
  it("splits sentences, but not at abbreviations and decimals", () => {
    expect(sentencesOf('Dr. Ito saw 1.4% of them. "Fine," she said. Was it?')).toEqual([
      "Dr. Ito saw 1.4% of them.",
      '"Fine," she said.',
      "Was it?",
    ]);
  });

  it("lowers function words only, never names, acronyms or I", () => {
    expect(
      ["The tide turns.", "I swim.", "I'm wet.", "NASA knows.", "Berlin waits."].map((text) =>
        lowerFirst(text),
      ),
    ).toEqual(["the tide turns.", "I swim.", "I'm wet.", "NASA knows.", "Berlin waits."]);
    expect(lowerFirst("Boats wait.", "Some boats wait.")).toBe("boats wait.");
  });

  it("writes list items as they stand inside a sentence", () => {
    expect(["Pricing strategy", "GraphQL APIs", "UX writing", "Six Sigma"].map(asPhrase)).toEqual([
      "pricing strategy",
      "GraphQL APIs",
      "UX writing",
      "Six Sigma",
    ]);
  });

  it("speaks without contractions for formal people", () => {
    expect(expandContractions("I'd say it's fine, and we won't, can't or don't mind; let's go.")).toBe(
      "I would say it is fine, and we will not, cannot or do not mind; let us go.",
    );
  });

  it("gives sentences the same fingerprint whatever their case and punctuation", () => {
    expect(printsOf("Well, so be it.")).toEqual(printsOf("well so be it!"));
    expect(printsOf("So be it. So be that.")).toHaveLength(2);
    expect(printsOf("My rule: boats first.").at(-1)).toBe(printsOf("Boats first.")[0]);
    expect(new Set(printsOf("It costs 1.4 crowns. It costs 14 crowns. It costs 1 4 crowns.")).size).toBe(2);
  });

  it("finds the question a text ends on", () => {
    expect(closingQuestion("Fine. Ana, is 1.5 enough?")).toBe("Ana, is 1.5 enough?");
    expect(closingQuestion("Is it? Yes.")).toBe("");
  });
});
