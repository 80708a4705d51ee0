import { describe, expect, it } from "vitest";
import { createNearHints, listNames, pathText } from "../../src/domain/problem-words.ts";

describe("createNearHints", () => {
  it("offers near names, and nothing for a name that is like none", () => {
    const near = createNearHints();
    expect(near("adda", ["ada", "grace"])).toBe("did you mean ada?");
    expect(near("zzz", ["ada", "grace"])).toBeUndefined();
  });

  it("gives up on one name too long, and on too many names, to compare in time", () => {
    const known = ["m".repeat(1000)];
    expect(createNearHints()("m".repeat(100_000), known)).toBeUndefined();
    const near = createNearHints();
    const hints = Array.from({ length: 100 }, () => near(`${known[0]}x`, known));
    expect(hints[0]).toBe(`did you mean ${known[0]}?`);
    expect(hints.at(-1)).toBeUndefined();
  });
});

describe("listNames", () => {
  it("lists a few names, counts the rest of many, and says when there is none", () => {
    expect(listNames(["a", "b"])).toBe("a, b");
    expect(listNames(Array(100).fill("a"))).toMatch(/^(a, ){29}a and 70 more$/);
    expect(listNames([])).toBe("none");
  });
});

describe("pathText", () => {
  it("writes list places in brackets and quotes keys that are no plain words", () => {
    expect(pathText(["cast", 2, "personality", "kind"])).toBe("cast[2].personality.kind");
    expect(pathText(["models", "gpt-4.1", "price"])).toBe('models["gpt-4.1"].price');
    expect(pathText([])).toBe("");
  });
});
