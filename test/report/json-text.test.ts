/** JSON that is safe to look at, and the same to parse. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonText, jsonWithNulls } from "../../src/report/json-text.ts";

describe("jsonText", () => {
  it.each([
    ["the one-byte CSI", "\u009B31m", String.raw`"\u009b31m"`],
    ["delete", "\u007F", String.raw`"\u007f"`],
    ["a right-to-left override", "exe.\u202Egpj", String.raw`"exe.\u202egpj"`],
    ["an isolate", "\u2066a\u2069", String.raw`"\u2066a\u2069"`],
    ["escape", "\u001B[2J", String.raw`"\u001b[2J"`],
  ])("escapes %s", (_, hostile, json) => {
    expect(jsonText(hostile)).toBe(json);
  });

  it("escapes keys as well, and keeps what languages and emoji need", () => {
    expect(jsonText({ "a\u0085": "می‌خواهم 👩‍🚀" }, 2)).toBe('{\n  "a\\u0085": "می‌خواهم 👩‍🚀"\n}');
  });

  it("says the same as JSON.stringify to whoever parses it, without a character a terminal obeys", () => {
    const pieces = fc.oneof(
      fc.constantFrom("\u0000", "\u001B", "\u007F", "\u009B", "\u2028", "\u202E", "\u2069", '"', "\\"),
      fc.string({ unit: "binary", maxLength: 3 }),
    );
    const hostile = fc.array(pieces).map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.dictionary(hostile, hostile), (value) => {
        const text = jsonText(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(text).not.toMatch(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u);
      }),
    );
  });
});

it("has null for what is unknown, wherever it is, and is as safe to look at", () => {
  const time = new Date(0);
  expect(jsonWithNulls({ a: undefined, b: [{ c: undefined, d: 0 }], "e\u0085": "", time })).toBe(
    '{"a":null,"b":[{"c":null,"d":0}],"e\\u0085":"","time":"1970-01-01T00:00:00.000Z"}',
  );
});
