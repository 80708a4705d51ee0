/** Where two request bodies first differ, in few words. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differenceText, firstDifference } from "../../../src/model/recording/first-difference.ts";

const text = (recorded: unknown, now: unknown) => {
  const difference = firstDifference(recorded, now);
  return difference && differenceText(difference);
};

describe("the first difference", () => {
  it.each([
    [{ seed: 7 }, { seed: 8 }, "seed\nrecorded: 7\nnow: 8"],
    [{ a: [1, { b: "x" }] }, { a: [1, { b: "y" }] }, 'a[1].b\nrecorded: "x"\nnow: "y"'],
    [{ a: [1] }, { a: [1, 2] }, "a[1]\nrecorded: nothing\nnow: 2"],
    [{ a: 1, b: 2 }, { b: 2 }, "a\nrecorded: 1\nnow: nothing"],
    [{ b: 2 }, { b: 2, c: null }, "c\nrecorded: nothing\nnow: null"],
    [{ b: [] }, { b: {} }, "b\nrecorded: []\nnow: {}"],
    [1, "1", 'the whole body\nrecorded: 1\nnow: "1"'],
    [{ b: 1, a: 1 }, { a: 2, b: 2 }, "b\nrecorded: 1\nnow: 2"],
  ])("of %j and %j", (recorded, now, expected) => {
    expect(text(recorded, now)).toBe(expected);
  });

  it("of long texts shows what is around it, and which character it is", () => {
    const words = "word ".repeat(100);
    expect(text({ content: `${words}cats ${words}` }, { content: `${words}dogs ${words}` })).toBe(
      `content, character 501\nrecorded: "…${"word ".repeat(6)}cats ${"word ".repeat(9)}…"\n` +
        `now: "…${"word ".repeat(6)}dogs ${"word ".repeat(9)}…"`,
    );
  });

  it("shows no control characters and stays short", () => {
    const shown = text("\u001b[2J".repeat(1000), { deep: ["x".repeat(10_000)] }) ?? "";
    expect(shown).not.toContain("\u001b");
    expect(shown.length).toBeLessThan(1000);
  });

  it("is none exactly where two values are the same JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const [recorded, now] = [a, b].map((value) => JSON.parse(JSON.stringify(value)));
        expect(firstDifference(recorded, structuredClone(recorded))).toBeUndefined();
        if (JSON.stringify(recorded) === JSON.stringify(now)) return;
        const difference = firstDifference(recorded, now);
        // Only the order of keys may be behind it otherwise.
        if (difference === undefined) expect(recorded).toEqual(now);
        else expect(difference.recorded).not.toEqual(difference.now);
      }),
    );
  });
});
