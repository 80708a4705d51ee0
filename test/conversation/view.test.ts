import { describe, expect, it } from "vitest";
import { pairOf } from "../../src/conversation/view.ts";

describe("the pair of a turn", () => {
  it("is the same whoever of the two speaks", () => {
    expect(pairOf({ speaker: "ada", addressedTo: "ben" })).toBe(
      pairOf({ speaker: "ben", addressedTo: "ada" }),
    );
  });

  it("differs by speaker, by addressee and from a turn for everybody", () => {
    const pairs = [
      { speaker: "ada", addressedTo: "ben" },
      { speaker: "ada", addressedTo: "cleo" },
      { speaker: "ada", addressedTo: null },
      { speaker: "ben", addressedTo: null },
      { speaker: "ada", addressedTo: "everyone" },
    ].map(pairOf);
    expect(new Set(pairs).size).toBe(pairs.length);
  });
});
