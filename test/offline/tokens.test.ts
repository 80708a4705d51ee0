import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPromptCounter } from "../../src/offline/prompt-tokens.ts";
import type { ChatMessage } from "../../src/offline/protocol.ts";
import { type Encoding, loadTokenizer, splitLongRuns } from "../../src/offline/tokens.ts";
import { requestOf, SEARCH_TOOL, verdictFormat } from "./fixture.ts";

/** OpenAI Cookbook, "How to count tokens with tiktoken": its example and what the API counted for it. */
const COOKBOOK: ChatMessage[] = [
  {
    role: "system",
    content:
      "You are a helpful, pattern-following assistant that translates corporate jargon into plain English.",
  },
  { role: "system", name: "example_user", content: "New synergies will help drive top-line growth." },
  {
    role: "system",
    name: "example_assistant",
    content: "Things working well together will increase revenue.",
  },
  {
    role: "system",
    name: "example_user",
    content:
      "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
  },
  {
    role: "system",
    name: "example_assistant",
    content: "Let's talk later when we're less busy about how to do better.",
  },
  {
    role: "user",
    content: "This late pivot means we don't have time to boil the ocean for the client deliverable.",
  },
];

async function countPrompt(messages: ChatMessage[], encoding: Encoding, more = {}): Promise<number> {
  const counter = createPromptCounter(await loadTokenizer(encoding));
  return counter.count(requestOf({ messages, ...more })).tokens;
}

describe("prompt tokens", () => {
  it.each([
    ["o200k_base", 124],
    ["cl100k_base", 129],
  ] as const)("counts the cookbook's example in %s as the API does: %i", async (encoding, expected) => {
    expect(await countPrompt(COOKBOOK, encoding)).toBe(expected);
  });

  it("counts the API documentation's first example as 19", async () => {
    const messages: ChatMessage[] = [
      { role: "developer", content: "You are a helpful assistant." },
      { role: "user", content: "Hello!" },
    ];
    expect(await countPrompt(messages, "o200k_base")).toBe(19);
  });

  it("counts parts of a content like the joined pieces", async () => {
    const parts: ChatMessage[] = [{ role: "user", content: [{ type: "text", text: "Hello!" }] }];
    expect(await countPrompt(parts, "o200k_base")).toBe(
      await countPrompt([{ role: "user", content: "Hello!" }], "o200k_base"),
    );
  });

  it("counts tools, the schema and tool calls on top", async () => {
    const messages: ChatMessage[] = [{ role: "user", content: "Hello!" }];
    const plain = await countPrompt(messages, "o200k_base");
    const tools = await countPrompt(messages, "o200k_base", { tools: [SEARCH_TOOL] });
    const both = await countPrompt(messages, "o200k_base", {
      tools: [SEARCH_TOOL],
      response_format: verdictFormat,
    });
    expect(tools).toBeGreaterThan(plain + 8);
    expect(both).toBeGreaterThan(tools + 8);

    const call = { id: "call_1", type: "function" as const, function: { name: "search", arguments: "{}" } };
    const asked = await countPrompt([{ role: "assistant", content: "", tool_calls: [call] }], "o200k_base");
    const silent = await countPrompt([{ role: "assistant", content: "" }], "o200k_base");
    // 3, one token for `search`, one for `{}`.
    expect(asked - silent).toBe(5);
  });

  it("does not depend on call ids", async () => {
    const withId = (id: string): ChatMessage[] => [
      {
        role: "assistant",
        tool_calls: [{ id, type: "function", function: { name: "search", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: id, content: "nothing" },
    ];
    expect(await countPrompt(withId("a"), "o200k_base")).toBe(
      await countPrompt(withId("call_much_longer_0123456789"), "o200k_base"),
    );
  });
});

describe("tokenizer", () => {
  it("takes special tokens for text", async () => {
    const tokenizer = await loadTokenizer("o200k_base");
    expect(tokenizer.count("<|endoftext|>")).toBeGreaterThan(1);
  });

  it("counts 50,000 letters without a break in seconds, not minutes", async () => {
    const tokenizer = await loadTokenizer("o200k_base");
    expect(tokenizer.count("a".repeat(50_000))).toBeGreaterThan(5_000);
  }, 20_000);

  it("splits runs without losing a character or leaving one too long", () => {
    const texts = fc.array(
      fc.oneof(
        fc.string({ unit: "grapheme" }),
        fc.constantFrom("x".repeat(300), " ".repeat(300), "🌊".repeat(200)),
      ),
    );
    fc.assert(
      fc.property(texts, (parts) => {
        const text = parts.join("");
        const pieces = splitLongRuns(text);
        expect(pieces.join("")).toBe(text);
        expect(pieces.every((piece) => !/\S{257}/u.test(piece))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it("cuts a text to a prefix of at most as many tokens, without half characters", async () => {
    const tokenizer = await loadTokenizer("o200k_base");
    const text = "Gezeiten 🌊🦞 潮の満ち引き — twice a day";
    const whole = tokenizer.count(text);
    for (let tokens = 0; tokens <= whole; tokens++) {
      const kept = tokenizer.cut(text, tokens);
      expect(text.startsWith(kept)).toBe(true);
    }
    expect(tokenizer.cut(text, whole)).toBe(text);
    expect(tokenizer.cut("one two three", 2)).toBe("one two");
  });
});
