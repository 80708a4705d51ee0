import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TIERS } from "../../src/domain/usage.ts";
import { costNanoUsd, type TokenCounts } from "../../src/ledger/cost.ts";
import { MODELS, pricedAt } from "./sample-models.ts";

const tokens = (inputTokens: number, outputTokens = 0, cachedInputTokens = 0): TokenCounts => ({
  inputTokens,
  outputTokens,
  cachedInputTokens,
});

describe("the cost of a request", () => {
  // 1,000 x $2.00 + 1,024 x $0.50 + 100 x $8.00 per million = $0.002 + $0.000512 + $0.0008
  it("is that of fresh input, cached input and output, each at its price", () => {
    expect(costNanoUsd(tokens(2_024, 100, 1_024), MODELS["gpt-4.1"], "standard")).toBe(3_312_000);
  });

  it("takes the batch factor in the batch and flex tiers", () => {
    expect(costNanoUsd(tokens(2_024, 100, 1_024), MODELS["gpt-4.1"], "batch")).toBe(1_656_000);
    expect(costNanoUsd(tokens(2_024, 100, 1_024), MODELS["gpt-4.1"], "flex")).toBe(1_656_000);
  });

  it("is exact at prices that binary fractions cannot hold", () => {
    // 3 x $1.10 + 7 x $0.275 + 11 x $4.40 per million: 3,300 + 1,925 + 48,400
    expect(costNanoUsd(tokens(10, 11, 7), MODELS["o4-mini"], "standard")).toBe(53_625);
    // $1.001 is 1000999.9999999999 millionths in binary
    expect(costNanoUsd(tokens(1_000), pricedAt({ input: 1.001, output: 0 }), "standard")).toBe(1_001_000);
    // a thousand million tokens at $4.40 and as many at $1.10 per million
    expect(costNanoUsd(tokens(1e9, 1e9), MODELS["o4-mini"], "standard")).toBe(5_500_000_000_000);
  });

  it("charges cached input like fresh input where no other price is known", () => {
    const model = pricedAt({ input: 2, output: 8 });
    expect(costNanoUsd(tokens(100, 0, 40), model, "standard")).toBe(200_000);
    expect(costNanoUsd({ inputTokens: 100, outputTokens: 0 }, MODELS["gpt-4.1"], "standard")).toBe(200_000);
  });

  it("rounds half a nano-dollar up, and less than half down", () => {
    const model = pricedAt({ input: 0.0001, output: 0 }); // a tenth of a nano-dollar a token
    const costs = [4, 5, 14, 15, 25].map((input) => costNanoUsd(tokens(input), model, "standard"));
    expect(costs).toEqual([0, 1, 1, 2, 3]);
  });

  it("rounds once a request, not once a part or a token", () => {
    const model = pricedAt({ input: 0.0005, cachedInput: 0.0005, output: 0.0005 });
    expect(costNanoUsd(tokens(2, 1, 1), model, "standard")).toBe(2); // 3 x 0.5 = 1.5
    expect(costNanoUsd(tokens(4, 2, 2), model, "standard")).toBe(3);
    // 3 cached tokens at 5 nano-dollars and half price
    expect(costNanoUsd(tokens(3, 0, 3), MODELS["gpt-5-nano"], "batch")).toBe(8);
  });

  it("is 0 for no tokens and for a free model, which is not the same as unknown", () => {
    expect(costNanoUsd(tokens(0), MODELS["gpt-4.1"], "standard")).toBe(0);
    expect(costNanoUsd(tokens(9, 9), pricedAt({ input: 0, output: 0 }), "standard")).toBe(0);
  });

  it("is unknown for a model without a price, an unknown model and the priority tier", () => {
    expect(TIERS.map((tier) => costNanoUsd(tokens(9, 9), MODELS.local, tier))).toEqual(
      TIERS.map(() => undefined),
    );
    expect(costNanoUsd(tokens(9, 9), undefined, "standard")).toBeUndefined();
    expect(costNanoUsd(tokens(9, 9), MODELS["gpt-4.1"], "priority")).toBeUndefined();
  });

  it("never counts more cached tokens than there were input tokens", () => {
    expect(costNanoUsd(tokens(10, 0, 99), MODELS["gpt-4.1"], "standard")).toBe(5_000);
  });

  it("is a whole number that grows with every count and falls with what was cached", () => {
    const count = fc.integer({ min: 0, max: 2_000_000 });
    const tier = fc.constantFrom("standard", "batch", "flex" as const);
    const model = fc.constantFrom(MODELS["gpt-4.1"], MODELS["gpt-5-nano"], MODELS["o4-mini"]);
    fc.assert(
      fc.property(count, count, count, model, tier, (fresh, cached, output, priced, at) => {
        const cost = (counts: TokenCounts) => costNanoUsd(counts, priced, at) ?? Number.NaN;
        const whole = cost(tokens(fresh + cached, output, cached));
        expect(Number.isSafeInteger(whole)).toBe(true);
        expect(cost(tokens(fresh + cached + 1, output, cached))).toBeGreaterThan(whole);
        expect(cost(tokens(fresh + cached, output + 1, cached))).toBeGreaterThan(whole);
        expect(cost(tokens(fresh + cached, output))).toBeGreaterThanOrEqual(whole);
      }),
    );
  });
});
