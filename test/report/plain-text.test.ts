/** Text from outside can act on no terminal. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plainLine, plainText } from "../../src/report/plain-text.ts";

describe("plainText", () => {
  it.each([
    ["clearing the screen", "a\u001B[2Jb", "a␛[2Jb"],
    ["setting the window title", "\u001B]0;owned\u0007", "␛]0;owned␇"],
    ["the one-byte CSI", "\u009B31mred", "\uFFFD31mred"],
    ["backspaces over what was shown", "safe\b\b\b\bevil", "safe␈␈␈␈evil"],
    ["delete and null", "\u007F\u0000", "␡␀"],
    ["half of a surrogate pair", "a\uD83Db", "a\uFFFDb"],
    ["a right-to-left override", "exe.\u202Egpj", "exe.gpj"],
  ])("neutralises %s", (_, hostile, shown) => {
    expect(plainText(hostile)).toBe(shown);
  });

  it("turns every kind of line break into one, so that a lone return cannot overwrite a line", () => {
    expect(plainText("a\r\nb\rc\u2028d\u2029e\u0085f\ng")).toBe("a\nb\nc\nd\ne\nf\ng");
  });

  it("keeps what languages and emoji need", () => {
    const words = "naïve 林薇 می‌خواهم 👩‍🚀 🏴󠁧󠁢󠁥󠁮󠁧󠁿";
    expect(plainText(words)).toBe(words);
  });

  it("leaves no control character but the line feed, and nothing to do for a second time", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const plain = plainText(text);
        expect(plain).not.toMatch(/[^\P{Cc}\n]|\p{Cs}/u);
        expect(plainText(plain)).toBe(plain);
      }),
    );
  });
});

it("plainLine puts a text on one line", () => {
  expect(plainLine("  one\n\n two\tthree ")).toBe("one two three");
});
