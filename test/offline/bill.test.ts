import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelInfo } from "../../src/domain/model-info.ts";
import { type BillKeeper, type Charge, chargeNanoUsd, createBill } from "../../src/offline/bill.ts";
import type { ServiceTier, TokenUsage } from "../../src/offline/protocol.ts";
import { MODELS } from "./fixture.ts";

const modelOf = (id: string) => {
  const model = MODELS.find((candidate) => candidate.id === id);
  if (model === undefined) throw new Error(id);
  return model;
};
const nano = modelOf("gpt-4.1-nano");
const usage = (inputTokens: number, cachedInputTokens: number, outputTokens: number) => ({
  inputTokens,
  cachedInputTokens,
  outputTokens,
  reasoningTokens: 0,
});

let charged = 0;
const charge = (
  bill: BillKeeper,
  ...[model, used, tier]: [ModelInfo, TokenUsage, tier?: ServiceTier]
): Charge => {
  charged += 1;
  return bill.charge({ requestId: `req_${charged}`, model, usage: used, tier: tier ?? "default" });
};

describe("a charge", () => {
  it("is the price list by hand", () => {
    // 2,000 uncached at 100 nano-dollars, 1,024 cached at 25, 500 out at 400.
    expect(chargeNanoUsd(nano, usage(3024, 1024, 500), "default")).toBe(425_600n);
  });

  it.each(["flex", "batch"] as const)("halves on the %s tier", (tier) => {
    expect(chargeNanoUsd(nano, usage(3024, 1024, 500), tier)).toBe(212_800n);
  });

  it("rounds half up where half of it is no whole nano-dollar", () => {
    const odd = { ...nano, price: { input: 0.001, output: 0.001 } };
    expect(chargeNanoUsd(odd, usage(3, 0, 0), "batch")).toBe(2n);
    expect(chargeNanoUsd({ ...odd, batchFactor: 0.333_333 }, usage(1_000_000, 0, 1), "batch")).toBe(333_333n);
  });

  it("rounds half up, once a request", () => {
    const odd = { ...nano, price: { input: 0.0005, cachedInput: 0.0001, output: 0 } };
    // Half a nano-dollar a token.
    expect(chargeNanoUsd(odd, usage(1, 0, 0), "default")).toBe(1n);
    expect(chargeNanoUsd(odd, usage(3, 0, 0), "default")).toBe(2n);
    // 0.5 + 0.1 + 0.1: rounded by line it would be 1, or 2 by token.
    expect(chargeNanoUsd(odd, usage(3, 2, 0), "default")).toBe(1n);
    expect(chargeNanoUsd(odd, usage(2, 1, 0), "default")).toBe(1n);
  });

  it("takes the input price where no cached price is known", () => {
    const plain = { ...nano, price: { input: 2, output: 8 } };
    expect(chargeNanoUsd(plain, usage(100, 50, 0), "default")).toBe(200_000n);
  });

  it("is unknown without a price", () => {
    expect(chargeNanoUsd(modelOf("unpriced"), usage(1, 0, 1), "default")).toBeUndefined();
  });
});

describe("a bill", () => {
  it("adds up by model and marks what has no price", () => {
    const bill = createBill();
    charge(bill, nano, usage(1000, 0, 100));
    charge(bill, nano, usage(1000, 0, 100), "flex");
    charge(bill, modelOf("unpriced"), usage(10, 0, 5));
    expect(bill.read()).toEqual({
      requests: 3,
      inputTokens: 2010,
      cachedInputTokens: 0,
      outputTokens: 205,
      reasoningTokens: 0,
      costNanoUsd: 210_000,
      unpricedRequests: 1,
      byModel: {
        "gpt-4.1-nano": {
          requests: 2,
          inputTokens: 2000,
          cachedInputTokens: 0,
          outputTokens: 200,
          reasoningTokens: 0,
          costNanoUsd: 210_000,
          unpricedRequests: 0,
        },
        unpriced: {
          requests: 1,
          inputTokens: 10,
          cachedInputTokens: 0,
          outputTokens: 5,
          reasoningTokens: 0,
          costNanoUsd: 0,
          unpricedRequests: 1,
        },
      },
    });
  });

  it("keeps the latest charges one by one", () => {
    const bill = createBill(2);
    const [, flex, unpriced] = [
      charge(bill, nano, usage(1000, 0, 100)),
      charge(bill, nano, usage(1000, 0, 100), "flex"),
      charge(bill, modelOf("unpriced"), usage(10, 0, 5)),
    ];
    expect([...bill.charges.values()]).toEqual([flex, unpriced]);
    expect(bill.charges.get(flex?.requestId ?? "")).toMatchObject({
      model: "gpt-4.1-nano",
      tier: "flex",
      inputTokens: 1000,
      outputTokens: 100,
      costNanoUsd: 70_000,
    });
    expect(unpriced?.costNanoUsd).toBeUndefined();
    bill.clear();
    expect(bill.charges.size).toBe(0);
  });

  it("equals the sum of its models, whatever is charged", () => {
    const priced = fc.record({
      id: fc.constantFrom("gpt-4.1-nano", "gpt-4.1-mini", "o4-mini"),
      tokens: fc.nat(10_000),
    });
    fc.assert(
      fc.property(fc.array(priced), (charges) => {
        const bill = createBill();
        for (const { id, tokens } of charges) charge(bill, modelOf(id), usage(tokens, 0, tokens));
        const { byModel, costNanoUsd, requests } = bill.read();
        const lines = Object.values(byModel);
        expect(lines.reduce((sum, line) => sum + line.costNanoUsd, 0)).toBe(costNanoUsd);
        expect(lines.reduce((sum, line) => sum + line.requests, 0)).toBe(requests);
        expect(requests).toBe(charges.length);
        const costs = [...bill.charges.values()].map((line) => line.costNanoUsd ?? Number.NaN);
        expect(costs.reduce((sum, cost) => sum + cost, 0)).toBe(costNanoUsd);
      }),
    );
  });
});
