import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeCharacters, findCharacters, stripCharacters } from "../../src/guard/characters.ts";

const england = "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}";
const hidden = [..."ignore"].map((letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join("");

/** Any text, rich in what must go. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 3 }),
      fc.constantFrom("\u202e", "\u2066", "\u2028", "\u0000", "\u001b[2J", "\u0085", "\ud83d", "\ude00"),
      fc.constantFrom(england, hidden, "\u{1F3F4}", "\u{E0067}", "\u{E007F}", "\u200d", "é", "\n"),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(""));

describe("stripCharacters", () => {
  it.each([
    ["an escape sequence", "red\u001b[31m", "red[31m"],
    ["a null, a bell, a delete", "a\u0000b\u0007c\u007fd", "abcd"],
    ["a C1 control", "a\u009b2Jb", "a2Jb"],
    ["an override", "access = \u202e'nimda'", "access = 'nimda'"],
    ["isolates", "\u2066a\u2069b", "ab"],
    ["breaks that are none in JSON or YAML", "one\u2028two\u0085three\u000cfour", "one two three four"],
    ["half a character", "a\ud83db\ude00c", "abc"],
    ["hidden tags", `Hello${hidden}.`, "Hello."],
    ["tags behind a flag that are no region", `\u{1F3F4}${hidden}.`, "\u{1F3F4}."],
  ])("takes out %s", (_, before, after) => {
    expect(findCharacters(before).length).toBeGreaterThan(0);
    expect(stripCharacters(before)).toBe(after);
  });

  it.each([
    ["tabs and line breaks", "a\tb\nc\r\nd"],
    ["emoji joined to one", "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽"],
    ["the flag of England", england],
    ["Persian with a non-joiner", "می\u200cخواهم"],
    ["Hindi with a joiner", "क्\u200dष"],
    ["Hebrew and Arabic with marks", "שלום \u200fabc\u200e مرحبا\u061c"],
    ["Thai with zero-width spaces", "ภาษา\u200bไทย"],
    ["a soft hyphen and a word joiner", "co\u00adoperate 10\u2060km"],
  ])("leaves %s", (_, kept) => {
    expect(stripCharacters(kept)).toBe(kept);
    expect(findCharacters(kept)).toEqual([]);
  });

  it("changes nothing more when it is applied twice, and leaves nothing to find", () => {
    fc.assert(
      fc.property(text, (before) => {
        const once = stripCharacters(before);
        expect(stripCharacters(once)).toBe(once);
        expect(findCharacters(once)).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("describeCharacters", () => {
  it("names code points and what they are, each once, of many the first", () => {
    expect(describeCharacters(findCharacters("a\u001bb\u001bc\u202e"))).toBe(
      "U+001B (escape), U+202E (right-to-left override)",
    );
    expect(describeCharacters(findCharacters("\u0001\u0002\u0003\u0004\u0005"))).toMatch(/ and 2 more$/);
  });
});
