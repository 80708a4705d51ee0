import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cachedTokens, createPromptCache } from "../../src/offline/prompt-cache.ts";
import { answerTo, SEARCH_TOOL, startServer } from "./fixture.ts";

const segments = (...parts: [id: number, tokens: number][]) => parts.map(([id, tokens]) => ({ id, tokens }));

describe("cached tokens", () => {
  it.each([
    [0, 0],
    [1023, 0],
    [1024, 1024],
    [1151, 1024],
    [1152, 1152],
    [5000, 4992],
  ])("of a known prefix of %i tokens are %i", (prefix, expected) => {
    expect(cachedTokens(prefix)).toBe(expected);
  });

  it("are never more than the prefix, and 1024 plus a multiple of 128", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (prefix) => {
        const cached = cachedTokens(prefix);
        expect(cached).toBeLessThanOrEqual(prefix);
        expect(cached === 0 || (cached >= 1024 && (cached - 1024) % 128 === 0)).toBe(true);
      }),
    );
  });
});

describe("prompt cache", () => {
  it("finds the part of a prompt that was read before", () => {
    const cache = createPromptCache();
    expect(cache.read("m", segments([1, 1000], [2, 200], [3, 50]))).toBe(0);
    expect(cache.read("m", segments([1, 1000], [2, 200], [4, 900]))).toBe(1152);
    expect(cache.read("m", segments([1, 1000], [2, 200], [4, 900], [5, 1]))).toBe(2048);
  });

  it("does not find a piece that follows something else", () => {
    const cache = createPromptCache();
    cache.read("m", segments([1, 10], [2, 3000]));
    expect(cache.read("m", segments([9, 10], [2, 3000]))).toBe(0);
    expect(cache.read("m", segments([2, 3000]))).toBe(0);
  });

  it("is kept per model", () => {
    const cache = createPromptCache();
    cache.read("a", segments([1, 2000]));
    expect(cache.read("b", segments([1, 2000]))).toBe(0);
    expect(cache.read("a", segments([1, 2000]))).toBe(1920);
  });

  it("forgets prefixes that were not used lately", () => {
    const cache = createPromptCache(10);
    cache.read("m", segments([1, 2000]));
    for (let id = 2; id < 100; id++) cache.read("m", segments([id, 2000]));
    expect(cache.read("m", segments([1, 2000]))).toBe(0);
  });
});

describe("prompt caching over the wire", () => {
  // 1,199 tokens, for "hello" is one with or without a space before it; its role and the message add 1 + 3.
  const long = { role: "system" as const, content: Array(1199).fill("hello").join(" ") };
  const ask = (content: string) => [long, { role: "user" as const, content }];

  it("bills the shared beginning of two requests as cached", async () => {
    const server = startServer();
    const first = await answerTo(server, { messages: ask("When?") });
    const second = await answerTo(server, { messages: ask("Where does it turn first?") });
    // 1,203 tokens are shared: 1,024 and one step of 128.
    expect(first.usage.prompt_tokens_details.cached_tokens).toBe(0);
    expect(second.usage.prompt_tokens).toBeGreaterThan(1152);
    expect(second.usage.prompt_tokens_details.cached_tokens).toBe(1152);
    expect(server.bill.cachedInputTokens).toBe(1152);
  });

  it("finds nothing once the tools differ, because they come first", async () => {
    const server = startServer();
    await answerTo(server, { messages: ask("When?") });
    const other = await answerTo(server, { messages: ask("When?"), tools: [SEARCH_TOOL] });
    expect(other.usage.prompt_tokens_details.cached_tokens).toBe(0);
  });
});
