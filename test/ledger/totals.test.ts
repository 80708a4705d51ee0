import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  PURPOSES,
  type Subtotal,
  type Totals,
  totalsSchema,
  type UsageEntry,
} from "../../src/domain/usage.ts";
import {
  addSubtotals,
  addTotals,
  emptySubtotal,
  emptyTotals,
  subtotalOf,
  totalsOf,
} from "../../src/ledger/totals.ts";

const entry = (more: Partial<UsageEntry> = {}): UsageEntry => ({
  model: "gpt-4.1",
  tier: "standard",
  purpose: "turn",
  inputTokens: 100,
  cachedInputTokens: 40,
  outputTokens: 20,
  reasoningTokens: 5,
  costNanoUsd: 300,
  ...more,
});
const unpriced = entry({ costNanoUsd: undefined });
const brokenOff: UsageEntry = { model: "gpt-4.1", tier: "standard", persona: "ada", purpose: "turn" };

const optionalCount = fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: undefined });
const anyEntry: fc.Arbitrary<UsageEntry> = fc.record({
  persona: fc.option(fc.constantFrom("ada", "ben", "constructor"), { nil: undefined }),
  purpose: fc.option(fc.constantFrom(...PURPOSES), { nil: undefined }),
  model: fc.constantFrom("gpt-4.1", "gpt-4.1-nano", "toString"),
  tier: fc.constant("standard"),
  inputTokens: optionalCount,
  cachedInputTokens: optionalCount,
  outputTokens: optionalCount,
  reasoningTokens: optionalCount,
  costNanoUsd: optionalCount,
  fromCache: fc.constantFrom(true as const, undefined),
  savedNanoUsd: optionalCount,
});
const anyEntries = fc.array(anyEntry, { maxLength: 30 });

describe("answers from the cache", () => {
  const hit = entry({ costNanoUsd: 0, fromCache: true, savedNanoUsd: 300 });
  const unknown = entry({ costNanoUsd: 0, fromCache: true });

  it("are counted with what they saved, as far as that is known", () => {
    expect(subtotalOf([entry(), hit, unknown, hit])).toMatchObject({ cacheHits: 3, savedNanoUsd: 600 });
    expect(subtotalOf([unknown])).toHaveProperty("cacheHits", 1);
    expect(subtotalOf([unknown])).not.toHaveProperty("savedNanoUsd");
  });

  it("are nothing that is said where there were none", () => {
    expect(Object.keys(totalsOf([entry()]))).toEqual(Object.keys(emptyTotals()));
  });
});

describe("totals", () => {
  it("add up tokens and cost, and split them by persona, model and purpose", () => {
    const totals = totalsOf([
      entry({ persona: "ada" }),
      entry({ persona: "ben", model: "gpt-4.1-nano", costNanoUsd: 7 }),
      entry({ persona: "ada", costNanoUsd: 1_000 }),
      entry({ purpose: "moderator", model: "gpt-4.1-nano", costNanoUsd: 2 }),
    ]);
    expect(totals).toMatchObject({
      requests: 4,
      inputTokens: 400,
      cachedInputTokens: 160,
      outputTokens: 80,
      reasoningTokens: 20,
      costNanoUsd: 1_309,
      unpricedRequests: 0,
    });
    const costs = (groups: Record<string, Subtotal>) =>
      Object.entries(groups).map(([name, { requests, costNanoUsd }]) => [name, requests, costNanoUsd]);
    expect(costs(totals.byPersona)).toEqual([
      ["ada", 2, 1_300],
      ["ben", 1, 7],
    ]);
    expect(costs(totals.byModel)).toEqual([
      ["gpt-4.1", 2, 1_300],
      ["gpt-4.1-nano", 2, 9],
    ]);
    expect(costs(totals.byPurpose)).toEqual([
      ["turn", 3, 1_307],
      ["moderator", 1, 2],
    ]);
  });

  it("of nothing are 0, and that is known", () => {
    expect(totalsOf([])).toEqual({
      requests: 0,
      inputTokens: 0,
      cachedInputTokens: 0,
      outputTokens: 0,
      reasoningTokens: 0,
      costNanoUsd: 0,
      unpricedRequests: 0,
      unpricedBoundNanoUsd: 0,
      byPersona: {},
      byModel: {},
      byPurpose: {},
    });
  });

  it("say how many requests have no known cost, and sum the others", () => {
    expect(subtotalOf([entry(), unpriced, brokenOff])).toMatchObject({
      requests: 3,
      costNanoUsd: 300,
      unpricedRequests: 2,
    });
  });

  it("have no cost when there are requests and no cost of any is known", () => {
    const totals = totalsOf([unpriced, brokenOff]);
    expect(totals.costNanoUsd).toBeUndefined();
    expect(totals.byPersona.ada?.costNanoUsd).toBeUndefined();
    expect(totals).toMatchObject({ requests: 2, unpricedRequests: 2 });
    expect(addSubtotals(totals, emptySubtotal()).costNanoUsd).toBeUndefined();
  });

  it("keep a known cost of 0 apart from an unknown one", () => {
    expect(subtotalOf([entry({ costNanoUsd: 0 }), unpriced])).toMatchObject({
      costNanoUsd: 0,
      unpricedRequests: 1,
    });
  });

  it("hold personas and models whose names every object has", () => {
    const totals = totalsOf([entry({ persona: "constructor", model: "toString" })]);
    expect(totals.byPersona.constructor).toMatchObject({ requests: 1, costNanoUsd: 300 });
    expect(addTotals(totals, totals).byModel.toString).toMatchObject({ requests: 2, costNanoUsd: 600 });
  });

  it("do not change what is added", () => {
    const [a, b] = [totalsOf([entry({ persona: "ada" })]), totalsOf([entry({ persona: "ada" })])];
    const before = structuredClone([a, b]);
    addTotals(a, b);
    expect([a, b]).toEqual(before);
  });
});

describe("totals of any entries", () => {
  it("are the same however the entries are grouped, and whatever totals of nothing come between", () => {
    fc.assert(
      fc.property(fc.array(anyEntries, { maxLength: 5 }), (parts) => {
        const whole = totalsOf(parts.flat());
        const fromLeft = parts.map(totalsOf).reduce(addTotals, emptyTotals());
        const fromRight = parts.map(totalsOf).reduceRight((sum, part) => addTotals(part, sum), emptyTotals());
        expect(fromLeft).toEqual(whole);
        expect(fromRight).toEqual(whole);
        expect(totalsSchema.safeParse(whole).error).toBeUndefined();
      }),
    );
  });

  it("equal a plain sum over the entries, entry by entry", () => {
    const sum = (entries: readonly UsageEntry[], key: "inputTokens" | "outputTokens" | "costNanoUsd") =>
      entries.reduce((total, one) => total + (one[key] ?? 0), 0);
    fc.assert(
      fc.property(anyEntries, (entries) => {
        const totals = totalsOf(entries);
        expect(totals.requests).toBe(entries.length);
        expect(totals.inputTokens).toBe(sum(entries, "inputTokens"));
        expect(totals.outputTokens).toBe(sum(entries, "outputTokens"));
        expect(totals.unpricedRequests).toBe(
          entries.filter(({ costNanoUsd }) => costNanoUsd === undefined).length,
        );
        if (totals.costNanoUsd !== undefined) expect(totals.costNanoUsd).toBe(sum(entries, "costNanoUsd"));
        else expect(totals.unpricedRequests).toBe(entries.length);
      }),
    );
  });

  it("are split by model without remainder", () => {
    fc.assert(
      fc.property(anyEntries, (entries) => {
        const { byModel, byPersona, byPurpose, ...whole }: Totals = totalsOf(entries);
        expect(Object.values(byModel).reduce(addSubtotals, emptySubtotal())).toEqual(whole);
      }),
    );
  });
});
