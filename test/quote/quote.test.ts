/** What a quote expects is what the offline server bills; what it says of budgets is what capped runs do. */
import { describe, expect, it } from "vitest";
import { openDramatis } from "../../src/app.ts";
import { resolveCatalog } from "../../src/catalog/catalog.ts";
import { chargeNanoUsd } from "../../src/offline/bill.ts";
import { findScenario } from "../../src/scenario/find-scenario.ts";
import { openStage, persona } from "../conversation/stage.ts";
import { quoted } from "./stage.ts";

const LONG = { endings: [{ maxTurns: 9 }], complexity: "auto" as const };
const COMPACT = {
  ...LONG,
  endings: [{ maxTurns: 20 }],
  context: { strategy: "compact" as const, afterTurns: 4, blockTurns: 2, keepTurns: 2 },
};
const WITH_MODERATOR = { ...LONG, moderator: { policy: "model" as const } };

describe("what is expected", () => {
  it.each([
    ["a round robin", LONG],
    ["a moderator that is a model", WITH_MODERATOR],
  ])("of one sample is the server's bill, to the nano-dollar: %s", async (_, scenario) => {
    const { quote, servers } = await quoted({ scenario, samples: 1 });
    const bill = servers[0]?.bill;
    expect(servers).toHaveLength(1);
    expect(quote.expected.total).toMatchObject({
      requests: bill?.requests,
      inputTokens: bill?.inputTokens,
      cachedInputTokens: bill?.cachedInputTokens,
      outputTokens: bill?.outputTokens,
      costNanoUsd: bill?.costNanoUsd,
    });
    const costs = Object.entries(quote.expected.byModel).map(([id, { costNanoUsd }]) => [id, costNanoUsd]);
    const billed = Object.entries(bill?.byModel ?? {}).map(([id, line]) => [id, line.costNanoUsd]);
    expect(Object.fromEntries(costs)).toEqual(Object.fromEntries(billed));
    expect(quote.samples[0]?.costNanoUsd).toBe(bill?.costNanoUsd);
  });

  it.each([
    ["moderator", WITH_MODERATOR, {}],
    ["turn", LONG, { models: { "*": "o4-mini" } }],
    ["summary", COMPACT, {}],
  ])("counts the tokens of a %s as the server's limits do", async (purpose, scenario, context) => {
    const { quote, servers } = await quoted({ scenario, context, samples: 1 });
    expect(quote.expected.byPurpose[purpose]?.requests).toBeGreaterThan(0);
    expect(quote.expected.total.countedTokens).toBe(servers[0]?.traffic.countedTokens);
    for (const [model, { countedTokens }] of Object.entries(servers[0]?.traffic.byModel ?? {}))
      expect(quote.expected.byModel[model]?.countedTokens).toBe(countedTokens);
  });

  it("is the mean over the samples, each of them a bill of its own", async () => {
    const { quote, servers } = await quoted({ scenario: WITH_MODERATOR, samples: 3, seed: 20 });
    const bills = servers.map(({ bill }) => bill.costNanoUsd);
    expect(quote.samples.map(({ seed, costNanoUsd }) => [seed, costNanoUsd])).toEqual(
      bills.map((cost, index) => [20 + index, cost]),
    );
    const sum = bills.reduce((a, b) => a + b, 0);
    expect(quote.expected.total.costNanoUsd).toBe(Math.round(sum / 3));
    const { byPersona, others, byPurpose } = quote.expected;
    expect(Object.keys(byPersona)).toEqual(["ada", "ben", "cleo"]);
    expect(others).toEqual(byPurpose.moderator);
  });

  it("without a cache and in batch is what another hand works out, request by request", async () => {
    const catalog = resolveCatalog({ models: { "gpt-4.1-nano": { batchFactor: 0.37 } } });
    const { quote, servers } = await quoted({
      scenario: { ...WITH_MODERATOR, topic: "exports ".repeat(900) },
      catalog,
      samples: 1,
    });
    const charges = [...(servers[0]?.charges.values() ?? [])];
    const sum = (tier: "default" | "flex", isCached: boolean) =>
      charges.reduce((total, { model, inputTokens, cachedInputTokens, outputTokens, reasoningTokens }) => {
        const cached = isCached ? cachedInputTokens : 0;
        const usage = { inputTokens, cachedInputTokens: cached, outputTokens, reasoningTokens };
        return total + Number(chargeNanoUsd(catalog.model(model), usage, tier));
      }, 0);
    const { total } = quote.expected;
    expect(total.cachedInputTokens).toBeGreaterThan(0);
    expect(total.uncachedNanoUsd).toBe(sum("default", false));
    expect(total.batchNanoUsd).toBe(sum("flex", true));
    expect(total.batchUncachedNanoUsd).toBe(sum("flex", false));
  });

  it("of many conversations is so many times that of one, as is the worst case", async () => {
    const [one, many] = await Promise.all([quoted({ samples: 1 }), quoted({ samples: 1, runs: 50 })]);
    const times = (value = Number.NaN) => 50 * value;
    expect(many.quote.expected.total.costNanoUsd).toBe(times(one.quote.expected.total.costNanoUsd));
    expect(many.quote.worst.bound?.total.costNanoUsd).toBe(times(one.quote.worst.bound?.total.costNanoUsd));
    expect(many.quote.worst.bound?.requests).toBe(times(one.quote.worst.bound?.requests));
    expect(many.quote.samples).toEqual(one.quote.samples);
  });

  it("counts what reasoning models think", async () => {
    const { quote } = await quoted({ samples: 1, context: { models: { "*": "gpt-5-mini" } } });
    expect(quote.expected.total.reasoningTokens).toBeGreaterThan(0);
    expect(Object.keys(quote.expected.byModel)).toEqual(["gpt-5-mini"]);
  });

  it("is the same twice, and costs nothing where there is a key", async () => {
    const fetch = () => {
      throw new Error("nothing may be sent");
    };
    const env = { OPENAI_API_KEY: "sk-proj-MARKED0123456789" };
    const dramatis = await openDramatis({ env, fetch });
    const scenario = findScenario("design-debate");
    const options = { samples: 1, context: { maxTurns: 4 } };
    const first = await dramatis.quote(scenario, options);
    expect(await dramatis.quote(scenario, options)).toEqual(first);
    expect(first.expected.total.costNanoUsd).toBeGreaterThan(0);
    expect(JSON.stringify(first)).not.toContain("MARKED");
  });

  it("leaves the bill of the offline server alone", async () => {
    const dramatis = await openDramatis({ env: {}, offline: true });
    await dramatis.quote(findScenario("design-debate"), { samples: 1, context: { maxTurns: 2 } });
    expect(dramatis.offline?.bill.requests).toBe(0);
  });
});

describe("a budget", () => {
  it("is reached after as many turns as in a run with it, and the expected cost is that without it", async () => {
    const free = await quoted({ scenario: LONG, samples: 1, seed: 7 });
    const cost = free.quote.samples[0]?.costNanoUsd ?? 0;
    // The limit is a budget of the scenario, or an ending, or the run's own.
    const maxCostUsd = cost / 2e9;
    const stage = await openStage({ scenario: { ...LONG, budget: { maxCostUsd } } });
    const record = await stage.run({ input: { seed: 7 } });
    expect(record.status).toBe("budget");
    for (const limited of [
      { scenario: { ...LONG, budget: { maxCostUsd } } },
      { scenario: { ...LONG, endings: [{ maxCostUsd }, { maxTurns: 9 }] } },
      { scenario: LONG, context: { budget: { maxCostUsd } } },
    ]) {
      const { quote } = await quoted({ ...limited, samples: 1, seed: 7 });
      expect(quote.budget).toMatchObject({ canHold: true, reachedBy: 1 });
      expect(quote.samples[0]).toMatchObject({ turnsInBudget: record.turns.length, costNanoUsd: cost });
      expect(quote.expected).toEqual(free.quote.expected);
    }
  });

  it("that is enough changes nothing", async () => {
    const { quote } = await quoted({ scenario: { budget: { maxCostUsd: 5 } }, samples: 2 });
    expect(quote.budget).toEqual({ capNanoUsd: 5_000_000_000, canHold: true, reachedBy: 0 });
    expect(quote.expected).toEqual((await quoted({ samples: 2 })).quote.expected);
  });
});

describe("what cannot be known", () => {
  const local = { contextWindow: 100_000, maxOutput: 4000 };
  const catalog = resolveCatalog({ models: { local } });

  it("is named: models without a price leave totals open and no budget holds", async () => {
    const cast = [persona("ada", { model: "local" }), persona("ben")];
    const { quote } = await quoted({
      scenario: { cast, budget: { maxCostUsd: 1 } },
      catalog,
      samples: 1,
    });
    const { expected, worst } = quote;
    expect(quote.unpricedModels).toEqual(["local"]);
    expect(quote.assumptions.join("\n")).toMatch(/local has no price/);
    expect(expected.byPersona.ada).toMatchObject({ costNanoUsd: undefined, batchNanoUsd: undefined });
    expect(expected.total.costNanoUsd).toBe(expected.byPersona.ben?.costNanoUsd);
    expect(expected.total.unpricedRequests).toBe(expected.byPersona.ada?.requests);
    expect(worst.bound?.total.costNanoUsd).toBeUndefined();
    expect(worst.bound?.byPersona.ben?.costNanoUsd).toBeGreaterThan(0);
    expect(quote.budget).toEqual({ capNanoUsd: 1_000_000_000, canHold: false, reachedBy: 0 });
  });

  it("has no bound where nothing limits the turns, and long samples are stopped", async () => {
    const { quote } = await quoted({ scenario: { endings: [{ phrase: "xyzzy" }] }, samples: 1 });
    expect(quote.worst).toEqual({ maxTurns: undefined, bound: undefined });
    expect(quote.samples[0]).toMatchObject({ turns: 200, isCutShort: true });
    expect(quote.assumptions.join("\n")).toMatch(/nothing limits the turns/);
    expect(quote.assumptions.join("\n")).toMatch(/stopped after 200 turns/);
  }, 60_000);
});

it.each([
  [{ runs: 0 }, /runs: expected a whole number from 1 to 1,000,000, got 0/],
  [{ samples: 1.5 }, /samples/],
  [{ context: { budgets: {} } as never }, /no key "budgets"/],
  [{ context: { models: { "*": "gpt-9" } } }, /gpt-9/],
])("%j is refused", async (options, message) => {
  await expect(quoted(options)).rejects.toThrow(message);
});

it("can be broken off", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(quoted({ signal })).rejects.toThrow("enough");
});
