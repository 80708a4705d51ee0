/** Which requests go into a wave: nothing is lost, no limit is passed, and no cap. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isDue, planOfWave } from "../../../src/model/batch/wave-plan.ts";
import type { WaitingLine } from "../../../src/store/batch-lines.ts";

const NO_TOKEN_LIMIT = () => undefined;

const lineOf = (index: number, parts: Partial<WaitingLine> = {}): WaitingLine => ({
  customId: `line-${index}`,
  model: "gpt-4.1-mini",
  bytes: 100,
  tokens: 10,
  boundNanoUsd: 1000,
  ...parts,
});

const anyLines = fc
  .array(
    fc.record({
      model: fc.constantFrom("gpt-4.1-mini", "gpt-4.1", "gpt-5"),
      bytes: fc.integer({ min: 1, max: 500 }),
      tokens: fc.integer({ min: 1, max: 100 }),
      boundNanoUsd: fc.option(fc.integer({ min: 0, max: 5000 }), { nil: undefined }),
    }),
    { maxLength: 60 },
  )
  .map((lines) => lines.map((line, index) => lineOf(index, line)));

describe("a wave", () => {
  it("is one file a model, in the order of the conversations", () => {
    const models = ["gpt-5", "gpt-4.1", "gpt-5", "gpt-4.1"];
    const lines = models.map((model, index) => lineOf(index, { model }));
    const { files } = planOfWave(lines, {
      leftNanoUsd: undefined,
      heldNanoUsd: 0,
      tokensLeft: NO_TOKEN_LIMIT,
    });
    expect(files).toEqual([
      { model: "gpt-5", customIds: ["line-0", "line-2"], bytes: 200, tokens: 20 },
      { model: "gpt-4.1", customIds: ["line-1", "line-3"], bytes: 200, tokens: 20 },
    ]);
  });

  it("takes every request once, and passes no limit of a file", () => {
    fc.assert(
      fc.property(
        anyLines,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 500, max: 2000 }),
        (lines, requests, bytes) => {
          const limits = { requests, bytes };
          const options = { limits, leftNanoUsd: undefined, heldNanoUsd: 0, tokensLeft: NO_TOKEN_LIMIT };
          const { files, hopeless } = planOfWave(lines, options);
          expect(hopeless).toEqual([]);
          expect(files.flatMap(({ customIds }) => customIds).sort()).toEqual(
            lines.map(({ customId }) => customId).sort(),
          );
          for (const file of files) {
            const own = lines.filter(({ customId }) => file.customIds.includes(customId));
            expect(new Set(own.map(({ model }) => model))).toEqual(new Set([file.model]));
            expect(own.reduce((sum, line) => sum + line.bytes, 0)).toBe(file.bytes);
            expect(file.bytes).toBeLessThanOrEqual(bytes);
            expect(file.customIds.length).toBeLessThanOrEqual(requests);
          }
        },
      ),
    );
  });

  it("never holds more than the cap leaves, and gives up only what can never be held", () => {
    fc.assert(
      fc.property(anyLines, fc.nat(20_000), fc.nat(5000), (lines, leftNanoUsd, heldNanoUsd) => {
        const { files, hopeless } = planOfWave(lines, {
          leftNanoUsd,
          heldNanoUsd,
          tokensLeft: NO_TOKEN_LIMIT,
        });
        const taken = new Set(files.flatMap(({ customIds }) => customIds));
        const bound = (ids: ReadonlySet<string>) =>
          lines.filter(({ customId }) => ids.has(customId)).map(({ boundNanoUsd = 0 }) => boundNanoUsd);
        expect(bound(taken).reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(leftNanoUsd);
        for (const one of bound(new Set(hopeless))) expect(one).toBeGreaterThan(leftNanoUsd + heldNanoUsd);
        expect(hopeless.some((id) => taken.has(id))).toBe(false);
      }),
    );
  });

  it("enqueues no more tokens of a model than are left, but one request where nothing else can go", () => {
    const lines = [1, 2, 3, 4].map((index) => lineOf(index, { tokens: 40 }));
    const plan = (left: number) =>
      planOfWave(lines, { leftNanoUsd: undefined, heldNanoUsd: 0, tokensLeft: () => left }).files;
    expect(plan(100).map(({ customIds }) => customIds.length)).toEqual([2]);
    expect(plan(30).map(({ customIds }) => customIds.length)).toEqual([1]);
    expect(plan(0)).toEqual([]);
  });
});

describe("a wave is due", () => {
  const waiting = { requests: 3, bytes: 300, oldestMs: 10 };
  const timing = { mostWaitMs: 1000 };

  it("when nobody can come any more, when one has waited long enough, and when a file is full", () => {
    expect(isDue({ live: 1, waiting }, timing)).toBe(false);
    expect(isDue({ live: 0, waiting }, timing)).toBe(true);
    expect(isDue({ live: 1, waiting: { ...waiting, oldestMs: 1000 } }, timing)).toBe(true);
    expect(isDue({ live: 1, waiting: { ...waiting, requests: 50_000 } }, timing)).toBe(true);
    expect(isDue({ live: 1, waiting: { ...waiting, bytes: 200_000_000 } }, timing)).toBe(true);
  });

  it("never where nothing waits", () => {
    expect(isDue({ live: 0, waiting: { requests: 0, bytes: 0, oldestMs: 0 } }, timing)).toBe(false);
  });
});
