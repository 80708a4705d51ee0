import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hintFor, nearNames } from "../../src/domain/near-names.ts";

const MODELS = ["gpt-5", "gpt-5-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "o3", "o4-mini"];

describe("near names", () => {
  it.each([
    ["gpt-4.1-nnao", "gpt-4.1-nano"],
    ["gtp-5", "gpt-5"],
    ["GPT-4.1", "gpt-4.1"],
    ["o4mini", "o4-mini"],
    ["o5-mini", "o4-mini"],
  ])("offers for %s first %s", (name, expected) => {
    expect(nearNames(name, MODELS)[0]).toBe(expected);
  });

  it("offers names inside the wanted one and around it", () => {
    expect(nearNames("4.1-nano", MODELS)).toContain("gpt-4.1-nano");
    expect(nearNames("gpt-5-2025", MODELS)).toContain("gpt-5");
  });

  it("offers nothing for a name that is like none of them", () => {
    expect(nearNames("claude", MODELS)).toEqual([]);
    expect(nearNames("", MODELS)).toEqual([]);
  });

  it("does not offer a short name that shares no letter", () => {
    expect(nearNames("ab", ["cd", "xy"])).toEqual([]);
    expect(nearNames("o9", ["o3", "xy"])).toEqual(["o3"]);
  });

  it("offers only the name that differs in punctuation and case, if there is one", () => {
    expect(nearNames("GPT4.1", ["gpt-4.1", "gpt-4.1-mini", "gpt-5"])).toEqual(["gpt-4.1"]);
  });

  it("offers the nearest first and among equals by name, whatever the order of the known", () => {
    const known = ["grid", "brad", "bred", "bread"];
    expect(nearNames("brd", known, 4)).toEqual(["brad", "bred", "bread", "grid"]);
    expect(nearNames("brd", known.toReversed(), 4)).toEqual(["brad", "bred", "bread", "grid"]);
  });

  it("offers at most as many as asked for, each of them known and once", () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        names,
        fc.string({ maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        (known, name, limit) => {
          const offered = nearNames(name, known, limit);
          expect(offered.length).toBeLessThanOrEqual(limit);
          expect(offered.every((one) => known.includes(one))).toBe(true);
          expect(new Set(offered).size).toBe(offered.length);
        },
      ),
    );
  });
});

describe("hintFor", () => {
  it("offers near names, and where there are none says which names there are", () => {
    expect(hintFor("gpt-4.1-nnao", MODELS)).toMatch(/^Did you mean gpt-4\.1-nano or /);
    expect(hintFor("o9", ["o3", "xy"])).toBe("Did you mean o3?");
    expect(hintFor("claude", ["gpt-5", "o3"])).toBe("There are gpt-5, o3.");
    expect(hintFor("claude", [])).toBe("There are none.");
  });
});
