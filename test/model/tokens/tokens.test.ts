import { spawnSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { getEncoding } from "js-tiktoken";
import { describe, expect, it } from "vitest";
import { randomShare } from "../../../src/domain/random.ts";
import { countTokens, tokenBound } from "../../../src/model/tokens/tokens.ts";

const ENCODINGS = ["o200k_base", "cl100k_base"] as const;

const COUNTER = join(import.meta.dirname, "counting-time.ts");

/** Processor time, since other tests run beside this one. */
function timed(text: string): { tokens: number; cpuMs: number } {
  const { NODE_V8_COVERAGE: _, ...env } = process.env;
  const { stdout } = spawnSync(process.execPath, [COUNTER], { input: text, encoding: "utf8", env });
  return JSON.parse(stdout);
}

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

  it("takes the names of special tokens for plain text", async () => {
    expect(await countTokens("<|endoftext|>", "o200k_base")).toBeGreaterThan(1);
  });

  it("counts nothing for no text", async () => {
    expect(await countTokens("", "o200k_base")).toBe(0);
  });

  // js-tiktoken's own merging takes more than two minutes for 50,000 letters.
  const bytes = Uint8Array.from({ length: 1_000_000 }, (_, index) => randomShare(7, index) * 256);
  const longText = (unit: string) => unit.repeat(Math.ceil(1_000_000 / Buffer.byteLength(unit)));
  it.each([
    ["prose", longText("The lazy dog sleeps, and the quick brown fox jumps over it. ")],
    ["letters without a break", longText("a")],
    ["letters of all kinds without a break", Buffer.from(bytes.map((byte) => 97 + (byte % 26))).toString()],
    ["spaces", longText(" ")],
    ["line breaks", longText("\n")],
    ["white space of several kinds", longText(" \t\n\r")],
    ["punctuation", longText("=")],
    ["digits", longText("7")],
    ["emoji", longText("🙂")],
    ["emoji joined to families", longText("👨‍👩‍👧")],
    ["Chinese", longText("客房服务")],
    ["base64", Buffer.from(bytes).toString("base64")],
    ["random bytes", Buffer.from(bytes).toString("latin1")],
  ])("counts a megabyte of %s in under two seconds", (_, text) => {
    const { tokens, cpuMs } = timed(text);
    expect(cpuMs).toBeLessThan(2_000);
    expect(tokens).toBeGreaterThan(7_000);
    expect(tokens).toBeLessThanOrEqual(tokenBound(text));
  });

  it("gives js-tiktoken's own count for any text", () => {
    const library = new Map(ENCODINGS.map((encoding) => [encoding, getEncoding(encoding)]));
    const run = fc
      .tuple(fc.string({ unit: "binary", minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 80 }))
      .map(([unit, times]) => unit.repeat(times));
    const piece = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), fc.lorem(), run);
    return fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 5 }),
        fc.constantFrom(...ENCODINGS),
        async (pieces, encoding) => {
          const text = pieces.join("");
          expect(await countTokens(text, encoding)).toBe(library.get(encoding)?.encode(text, [], []).length);
        },
      ),
      { numRuns: 300 },
    );
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
});
