/** How long conversations take at best: the slowest limit decides, and what is not known is not taken for no limit. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { needsOf } from "../../src/quote/at-best.ts";
import type { ExpectedUse } from "../../src/quote/expected.ts";

const use = (more: Partial<ExpectedUse>): ExpectedUse => ({
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  countedTokens: 0,
  unpricedRequests: 0,
  costNanoUsd: 0,
  uncachedNanoUsd: 0,
  batchNanoUsd: 0,
  batchUncachedNanoUsd: 0,
  ...more,
});
const DAY_MS = 86_400_000;

describe("at best", () => {
  it.each([
    ["requests a minute", { requestsPerMinute: 500 }, { ms: 360_000, by: "requestsPerMinute" }],
    [
      "tokens a minute",
      { requestsPerMinute: 500, tokensPerMinute: 200_000 },
      { ms: 600_000, by: "tokensPerMinute" },
    ],
    ["a day's requests that are enough", { requestsPerDay: 3000 }, { ms: 0, by: "requestsPerDay" }],
    [
      "a day's requests that are not",
      { requestsPerMinute: 500, requestsPerDay: 1499 },
      { ms: 2 * DAY_MS, by: "requestsPerDay" },
    ],
    ["no limit at all", {}, undefined],
  ] as const)("by %s", (_, limits, expected) => {
    const byModel = { m: use({ requests: 3000, countedTokens: 2_000_000 }) };
    expect(needsOf({ byModel }, () => limits)[0]?.atBest).toEqual(expected);
  });

  it("says of models without known limits that nothing is known, and names the slowest model first", () => {
    const byModel = { a: use({ requests: 10 }), b: use({ requests: 10 }), c: use({ requests: 20 }) };
    const needs = needsOf({ byModel }, (model) => (model === "a" ? undefined : { requestsPerMinute: 10 }));
    expect(needs.map(({ model, atBest }) => [model, atBest?.ms])).toEqual([
      ["c", 120_000],
      ["b", 60_000],
      ["a", undefined],
    ]);
  });

  it("counts the days whose batch tokens the input takes", () => {
    const daysOf = (inputTokens: number, batchTokensPerDay?: number) =>
      needsOf({ byModel: { m: use({ inputTokens }) } }, () => ({ batchTokensPerDay }))[0]?.batchDays;
    expect([daysOf(90_000, 90_000), daysOf(90_001, 90_000), daysOf(1)]).toEqual([1, 2, undefined]);
  });

  it("is never less than any of the limits alone allows", () => {
    const limit = fc.option(fc.integer({ min: 1, max: 1e6 }), { nil: undefined });
    const figures = fc.record({ requests: fc.nat(1e6), countedTokens: fc.nat(1e9) });
    fc.assert(
      fc.property(figures, limit, limit, limit, (needed, rpm, tpm, rpd) => {
        const limits = { requestsPerMinute: rpm, tokensPerMinute: tpm, requestsPerDay: rpd };
        const ms = needsOf({ byModel: { m: use(needed) } }, () => limits)[0]?.atBest?.ms;
        const minutes = (ms ?? Number.POSITIVE_INFINITY) / 60_000;
        if (rpm !== undefined) expect(minutes * rpm).toBeGreaterThanOrEqual(needed.requests * (1 - 1e-12));
        if (tpm !== undefined)
          expect(minutes * tpm).toBeGreaterThanOrEqual(needed.countedTokens * (1 - 1e-12));
        if (rpd !== undefined)
          expect((Math.floor((ms ?? 0) / DAY_MS) + 1) * rpd).toBeGreaterThanOrEqual(needed.requests);
        expect(ms === undefined).toBe(rpm === undefined && tpm === undefined && rpd === undefined);
      }),
    );
  });
});
