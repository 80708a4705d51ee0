import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contextSettingsSchema } from "../../src/domain/scenario.ts";
import type { SummaryEntry } from "../../src/domain/summary.ts";
import {
  adopted,
  contextPlan,
  headLength,
  LEAD,
  nextBlock,
  windowStart,
} from "../../src/turn/context-window.ts";

const SUMMARY = { said: [], decisions: ["ship it"], openQuestions: [], citations: [] };
const plan = (more: object = {}, castSize = 6) => contextPlan(contextSettingsSchema.parse(more), castSize);

/** The opening and so many messages after it. */
const transcript = (length: number) => [
  { id: "opening" },
  ...Array.from({ length }, (_, index) => ({ id: `turn-${index + 1}` })),
];
const entry = (upTo: string, more: Partial<SummaryEntry> = {}): SummaryEntry => ({
  turn: 9,
  upTo,
  messages: 8,
  model: "gpt-4.1-nano",
  summary: SUMMARY,
  ...more,
});
const failed = (upTo: string) =>
  entry(upTo, { summary: undefined, failure: { kind: "refused", detail: "No." } });

/** A conversation that adopts whatever is due, message by message, and notes what it saw. */
function live(turns: number, { after, block, keep }: { after: number; block: number; keep: number }) {
  const summaries: SummaryEntry[] = [];
  const seen: { shown: number; due: string | undefined }[] = [];
  for (let said = 0; said <= turns; said++) {
    const all = transcript(said);
    let next = nextBlock(all, summaries, { after, block, keep, turnsLeft: undefined });
    const due = next?.due;
    while (next?.due === "now") {
      summaries.push(entry(all[next.to - 1]?.id ?? ""));
      next = nextBlock(all, summaries, { after, block, keep, turnsLeft: undefined });
    }
    seen.push({ shown: all.length - adopted(all, summaries).from, due });
  }
  return { summaries, seen };
}

describe("when a block becomes a summary", () => {
  it("is not before so many messages were said, by default 20", () => {
    const due = (said: number) => nextBlock(transcript(said), [], { ...plan(), turnsLeft: undefined })?.due;
    expect([15, 16, 19, 20].map(due)).toEqual([undefined, "soon", "soon", "now"]);
  });

  it("is begun four messages before it is adopted, at the same message whoever looks", () => {
    const { seen } = live(60, plan());
    const adoptions = seen.flatMap(({ due }, said) => (due === "now" ? [said] : []));
    expect(adoptions).toEqual([20, 28, 36, 44, 52, 60]);
    for (const said of adoptions)
      expect(seen.slice(said - LEAD, said).map(({ due }) => due)).toEqual(Array(LEAD).fill("soon"));
  });

  it("always leaves the latest messages, and never more than they, a block and what waits for the next", () => {
    const sizes = fc.record({
      after: fc.integer({ min: 1, max: 40 }),
      block: fc.integer({ min: 2, max: 20 }),
      keep: fc.integer({ min: 1, max: 12 }),
    });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 120 }), (size, turns) => {
        const { seen } = live(turns, size);
        for (const [said, { shown }] of seen.entries()) {
          expect(shown).toBeGreaterThanOrEqual(Math.min(said, size.keep));
          expect(shown).toBeLessThan(Math.max(size.after, size.keep + size.block) + size.block);
        }
      }),
    );
  });

  it("is not where too few turns are left for it to pay", () => {
    const due = (turnsLeft: number) => nextBlock(transcript(20), [], { ...plan(), turnsLeft })?.due;
    expect([4, 5].map(due)).toEqual([undefined, "now"]);
  });

  it("takes what failed into the next block", () => {
    const next = nextBlock(transcript(28), [failed("turn-15")], { ...plan(), turnsLeft: undefined });
    expect(next).toEqual({ from: 1, to: 24, due: "now" });
    expect(
      nextBlock(transcript(20), [failed("turn-15")], { ...plan(), turnsLeft: undefined }),
    ).toBeUndefined();
  });

  it("catches up at once with a long transcript that nobody summarised", () => {
    const next = nextBlock(transcript(90), [], { ...plan(), turnsLeft: undefined });
    expect(next).toEqual({ from: 1, to: 86, due: "now" });
  });
});

describe("what a summary covers", () => {
  it("is all up to its last message; the latest good one holds", () => {
    const all = transcript(30);
    expect(adopted(all, [entry("turn-8"), entry("turn-16"), failed("turn-24")]).from).toBe(17);
    expect(adopted(all, [failed("turn-8")]).from).toBe(1);
  });

  it("is nothing when its last message was taken out of the conversation", () => {
    expect(adopted(transcript(5), [entry("turn-8")])).toEqual({ entry: undefined, from: 1 });
  });

  it("never holds the opening, nor what stands before it", () => {
    expect(headLength([{ id: "x" }, ...transcript(3)])).toBe(2);
    expect(headLength([])).toBe(0);
  });
});

describe("a sliding window", () => {
  it("holds the latest messages it is set to, and slides a quarter of them at a time", () => {
    const start = (length: number) =>
      windowStart(undefined, length, { windowTurns: 8, windowTokens: undefined });
    expect(Array.from({ length: 14 }, (_, length) => start(length))).toEqual([
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 4, 4,
    ]);
  });

  it("never passes its tokens, and begins at few places", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 80 }), (tokens) => {
        const starts = tokens.map((_, at) => {
          const shown = tokens.slice(0, at + 1);
          const start = windowStart(shown, shown.length, { windowTurns: undefined, windowTokens: 400 });
          const sum = shown.slice(start).reduce((a, b) => a + b, 0);
          expect(sum).toBeLessThanOrEqual(400);
          return start;
        });
        const total = tokens.reduce((a, b) => a + b, 0);
        expect(new Set(starts).size).toBeLessThanOrEqual(1 + Math.ceil(total / 100));
        expect(starts).toEqual(starts.toSorted((a, b) => a - b));
      }),
    );
  });
});
