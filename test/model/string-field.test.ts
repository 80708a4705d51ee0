/** One text field of a JSON object, read while the object arrives. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringFieldReader } from "../../src/model/string-field.ts";

/** What the reader says of each piece. */
function readAll(pieces: readonly string[], field = "message"): string[] {
  const read = stringFieldReader(field);
  return pieces.map((piece) => read(piece));
}
const read = (text: string) => readAll([text]).join("");

function cutAt(text: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, index) => text.slice(from, places[index]));
}

/** Text that a parser may stumble over, in a string or beside it. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(
      fc.constantFrom(
        '"',
        "\\",
        "\\u",
        "{",
        "}",
        "[",
        ",",
        ":",
        "\n",
        "👩‍🚀",
        "\uD83D",
        "\uDE00",
        "message",
        " ",
      ),
    )
    .map((parts) => parts.join("")),
);
/** The same string with some of its characters as \uXXXX, as JSON allows. */
const escaped = (whole: string, every: number) =>
  JSON.stringify(whole).replace(/[a-z]|\p{Co}|[\uD800-\uDFFF]/gu, (char, at: number) =>
    at % every === 0 && !/\\.{0,4}$/.test(JSON.stringify(whole).slice(0, at))
      ? [...Array(char.length).keys()]
          .map((i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`)
          .join("")
      : char,
  );
const otherField = fc.tuple(
  text.filter((key) => key !== "message"),
  fc.oneof(text, fc.jsonValue()),
);
const objects = fc
  .record({
    before: fc.array(otherField, { maxLength: 4 }),
    message: text,
    after: fc.array(otherField, { maxLength: 2 }),
    space: fc.constantFrom("", " ", "\n\t", "\r\n"),
    every: fc.integer({ min: 1, max: 9 }),
  })
  .map(({ before, message, after, space, every }) => {
    const member = ([key, value]: readonly [string, unknown]) =>
      `${space}${JSON.stringify(key)}${space}:${space}${JSON.stringify(value)}${space}`;
    const own = `${space}${escaped("message", every)}${space}:${space}${escaped(message, every)}${space}`;
    return `${space}{${[...before.map(member), own, ...after.map(member)].join(",")}}${space}`;
  });
const cuts = fc.array(fc.nat(), { maxLength: 30 });

describe("the text of a field", () => {
  it("is what JSON.parse finds, for any object cut anywhere, and is never taken back", () => {
    fc.assert(
      fc.property(objects, cuts, (json, places) => {
        const expected = (JSON.parse(json) as { message: string }).message;
        const told = readAll(cutAt(json, places));
        expect(told.join("")).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it("never ends in half a character, wherever the object is cut", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), cuts, fc.boolean(), (message, places, isEscaped) => {
        const json = `{"message":${isEscaped ? escaped(message, 1) : JSON.stringify(message)}}`;
        for (const piece of readAll(cutAt(json, places))) expect(piece.isWellFormed()).toBe(true);
      }),
    );
  });

  it("comes with every character that arrives", () => {
    expect(readAll([...'{"message":"a\\n\\u00e9\\ud83d\\ude00"}'])).toEqual([
      ...Array(12).fill(""),
      "a",
      "",
      "\n",
      ...Array(5).fill(""),
      "é",
      ...Array(11).fill(""),
      "😀",
      "",
      "",
    ]);
  });

  it("is that of the top level only", () => {
    expect(read('{"a":{"message":"in"},"b":[{"message":"in"}],"c":"\\"message\\":","message":"out"}')).toBe(
      "out",
    );
  });

  it("is found under a key that is written with escapes", () => {
    expect(read('{"mess\\u0061ge":"here"}')).toBe("here");
  });

  it.each([
    ["no object", '["message","x"]'],
    ["prose", "Here is the answer: …"],
    ["a field that is no text", '{"message":["x"],"message":"y"}'],
    ["no such field", '{"messages":"x","messag":"y"}'],
    ["nothing", ""],
  ])("is empty in %s", (_, json) => {
    expect(read(json)).toBe("");
  });

  it.each([
    ["a bad escape", '{"message":"ab\\x"}'],
    ["a bad code", '{"message":"ab\\u00g0"}'],
    ["a bare line break", '{"message":"ab\ncd"}'],
    ["its end", '{"message":"ab"'],
  ])("stops at %s", (_, json) => {
    expect(read(json)).toBe("ab");
  });

  it("never throws, whatever arrives", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(text, objects, fc.constant('{"message":"'))), (pieces) => {
        expect(readAll(pieces)).toHaveLength(pieces.length);
      }),
    );
  });

  it("is read in time, also one character at a time and below 100,000 brackets", () => {
    const json = `{"deep":${"[".repeat(100_000)}${"]".repeat(100_000)},"message":"${"word \\n".repeat(100_000)}"}`;
    const startedAt = performance.now();
    expect(readAll([...json]).join("")).toBe("word \n".repeat(100_000));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
