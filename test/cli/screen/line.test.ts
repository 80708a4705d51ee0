/** Lines wrap without losing a word and are cut where they cannot wrap. */
import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, it } from "vitest";
import { cut, flow, printLine, prose, wrapText } from "../../../src/cli/screen/line.ts";

const plain = (columns: number) => ({ columns, colour: false });

describe("printLine", () => {
  it("cuts what is too wide and shows that it did", () => {
    expect(printLine([{ text: "twelve " }, { text: "characters and more" }], plain(20))).toBe(
      "twelve characters a…",
    );
  });

  it("does not cut what fits exactly", () => {
    expect(printLine([{ text: "x".repeat(20) }], plain(20))).toBe("x".repeat(20));
  });

  it("neutralises text that never went through any other function", () => {
    expect(printLine([{ text: "a\u001B[31mb\nc" }], plain(40))).toBe("a␛[31mb c");
  });

  it("takes a terminal of no width for one of 20 columns", () => {
    expect(printLine([{ text: "x".repeat(30) }], plain(0))).toBe(`${"x".repeat(19)}…`);
  });
});

describe("cut", () => {
  it("counts wide characters as two and never splits one", () => {
    expect(cut("価格表", 6)).toBe("価格表");
    expect(cut("価格表", 5)).toBe("価格…");
    expect(cut("価格表", 4)).toBe("価…");
    expect(cut("👩‍🚀👩‍🚀", 3)).toBe("👩‍🚀…");
  });
});

describe("wrapText", () => {
  it("breaks at spaces, and inside a word only where the word alone is too wide", () => {
    expect(wrapText("one two abcdefghijkl", 8)).toEqual(["one two", "abcdefgh", "ijkl"]);
  });

  it("keeps the author's line breaks, but no two empty lines in a row", () => {
    expect(wrapText("a\n\n\n\nb\nc", 10)).toEqual(["a", "", "b", "c"]);
  });

  it("loses no character that shows", () => {
    const words = fc.array(
      fc.constantFrom("a", "word", "価格", "👩‍🚀", "e\u0301", " ", "\n", "longer-than-the-line"),
      {
        minLength: 1,
      },
    );
    fc.assert(
      fc.property(words, fc.integer({ min: 4, max: 40 }), (parts, columns) => {
        const lines = wrapText(parts.join(""), columns);
        const shown = (text: string) => text.normalize().replace(/\s/gu, "");
        expect(shown(lines.join(""))).toBe(shown(parts.join("")));
        expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(columns);
      }),
    );
  });
});

it("prose hangs every line from its indent", () => {
  const lines = prose("one two three", { columns: 12, indent: 4 }).map((line) => printLine(line, plain(20)));
  expect(lines).toEqual(["    one two", "    three"]);
});

it("flow moves an item that does not fit to the next line, and breaks one that fits nowhere", () => {
  const items = ["aaaa", "bbbb", "cccc", "dd ".repeat(5).trim()].map((text) => [{ text }]);
  const lines = flow(items, { columns: 12, indent: 2 }).map((line) => printLine(line, plain(20)));
  expect(lines).toEqual(["  aaaa  bbbb", "  cccc", "  dd dd dd", "  dd dd"]);
});
