import fc from "fast-check";
import { getEncoding } from "js-tiktoken";
import { describe, expect, it } from "vitest";
import { countTokens, tokenBound } from "../../src/model/tokens.ts";

const ENCODINGS = ["o200k_base", "cl100k_base"] as const;

describe("countTokens", () => {
  // Counts that OpenAI's cookbook prints for these encodings.
  it.each([
    ["cl100k_base", "tiktoken is great!", 6],
    ["o200k_base", "tiktoken is great!", 6],
    ["cl100k_base", "antidisestablishmentarianism", 6],
    ["o200k_base", "antidisestablishmentarianism", 6],
    ["cl100k_base", "2 + 2 = 4", 7],
    ["o200k_base", "2 + 2 = 4", 7],
    ["cl100k_base", "お誕生日おめでとう", 9],
    ["o200k_base", "お誕生日おめでとう", 8],
  ] as const)("counts in %s %j as %i", async (encoding, text, tokens) => {
    expect(await countTokens(text, encoding)).toBe(tokens);
  });

  it("gives with the chat formula the 19 tokens of the API documentation's first example", async () => {
    const messages = [
      ["developer", "You are a helpful assistant."],
      ["user", "Hello!"],
    ];
    const fields = await Promise.all(messages.flat().map((text) => countTokens(text, "o200k_base")));
    expect(3 + messages.length * 3 + fields.reduce((a, b) => a + b)).toBe(19);
  });

  it("takes the names of special tokens for plain text", async () => {
    expect(await countTokens("<|endoftext|>", "o200k_base")).toBeGreaterThan(1);
  });

  it("counts nothing for no text", async () => {
    expect(await countTokens("", "o200k_base")).toBe(0);
  });

  // Uncut, 50,000 letters take more than two minutes, and 10,000 spaces six seconds.
  it.each([
    ["letters", "a", 50_000],
    ["spaces", " ", 50_000],
    ["line breaks", "\n", 50_000],
    ["white space of several kinds", " \t\n\r", 50_000],
    ["punctuation", "=", 50_000],
    ["emoji", "🙂", 10_000],
    ["Chinese", "客", 10_000],
  ])("takes bounded time for an unbroken run: %s", async (_, text, characters) => {
    await countTokens("warm up", "o200k_base");
    const run = text.repeat(characters / text.length);
    const start = performance.now();
    const tokens = await countTokens(run, "o200k_base");
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(tokens).toBeGreaterThan(0);
    expect(tokens).toBeLessThanOrEqual(tokenBound(run));
  });

  it("is exact for prose, and changes by a few tokens a cut where it cuts a run", async () => {
    const exact = getEncoding("o200k_base");
    const [prose, run] = [" ", "-"].map((joint) =>
      Array.from({ length: 300 }, (_, n) => `word${n}`).join(joint),
    );
    if (prose === undefined || run === undefined) throw new Error("two texts expected");
    expect(await countTokens(prose, "o200k_base")).toBe(exact.encode(prose).length);
    const cuts = Math.floor(run.length / 200);
    const difference = Math.abs((await countTokens(run, "o200k_base")) - exact.encode(run).length);
    expect(difference).toBeLessThanOrEqual(2 * cuts);
  });
});

describe("what is remembered of a text", () => {
  const word = fc.oneof(fc.lorem({ maxCount: 1 }), fc.string({ unit: "grapheme", maxLength: 8 }));
  const joint = fc.constantFrom(" ", "\n", "\n\n", ".\n", ".\n/", " \n  ", "\r\n", "\t", "'s ", "\n\n- ", "");
  const text = fc
    .array(fc.tuple(word, joint), { maxLength: 12 })
    .map((pairs) => pairs.flat().join(""))
    .filter((text) => !/\S{200}|\s{200}/u.test(text));

  it.each(ENCODINGS)("does not change the count, whatever its lines and words (%s)", async (encoding) => {
    const exact = getEncoding(encoding);
    await fc.assert(
      fc.asyncProperty(text, async (text) => {
        expect(await countTokens(text, encoding)).toBe(exact.encode(text, [], []).length);
      }),
    );
  });
});

describe("tokenBound", () => {
  it("is never below the count, for any text, run or encoding", async () => {
    const piece = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), fc.lorem());
    const run = fc.tuple(
      fc.string({ unit: "binary", minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 300 }),
    );
    const text = fc.array(
      fc.oneof(
        piece,
        run.map(([unit, times]) => unit.repeat(times)),
      ),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom(...ENCODINGS), async (parts, encoding) => {
        const whole = parts.join("");
        expect(await countTokens(whole, encoding)).toBeLessThanOrEqual(tokenBound(whole));
      }),
      { numRuns: 200 },
    );
  });

  it.each([199, 200, 201])(
    "holds where a cut could fall inside a character: %i letters, then emoji",
    async (letters) => {
      const text = "a".repeat(letters) + "🙂".repeat(400);
      expect(await countTokens(text, "o200k_base")).toBeLessThanOrEqual(tokenBound(text));
      const [all, before, one] = await Promise.all(
        [text, "a".repeat(letters), "🙂"].map((part) => countTokens(part, "o200k_base")),
      );
      expect(all).toBe((before ?? 0) + 400 * (one ?? 0));
    },
  );
});
