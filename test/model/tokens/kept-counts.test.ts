import fc from "fast-check";
import { getEncoding } from "js-tiktoken";
import { describe, expect, it, vi } from "vitest";
import { createKeptCounter } from "../../../src/model/tokens/kept-counts.ts";

describe("createKeptCounter", () => {
  it("counts only the lines that are new", () => {
    const count = vi.fn((text: string) => text.length);
    const keeping = createKeptCounter(count);
    expect(keeping("You are Ada.\nGoals:\n- ships\nTurn 1.")).toBe(35);
    expect(keeping("You are Ada.\nGoals:\n- ships\nTurn 2.")).toBe(35);
    expect(count.mock.calls.map(([line]) => line)).toEqual([
      "You are Ada.\n",
      "Goals:\n",
      "- ships\n",
      "Turn 1.",
      "Turn 2.",
    ]);
  });

  it.each(["o200k_base", "cl100k_base"] as const)(
    "gives the whole text's count in %s, however it breaks",
    (name) => {
      const encoding = getEncoding(name);
      const count = (text: string) => encoding.encode(text, [], []).length;
      const keeping = createKeptCounter(count);
      const piece = fc.oneof(
        fc.constantFrom(
          "\n",
          "\n\n",
          "\r\n",
          " ",
          "\t",
          "\u0085",
          "\u2028",
          "/",
          ";",
          "- ",
          "#",
          "'s",
          "a",
          "42",
          "é",
        ),
        fc.string({ unit: "binary", maxLength: 4 }),
        fc.lorem({ maxCount: 3 }),
      );
      fc.assert(
        fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
          const text = pieces.join("");
          expect(keeping(text)).toBe(count(text));
        }),
        { numRuns: 2000 },
      );
    },
  );
});
