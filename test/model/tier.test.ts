/** Price tiers over the wire: what is asked for, what it costs by the server's own bill, what is refused before it is paid. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import type { ConversationRecord } from "../../src/domain/record.ts";
import { SENT_TIERS } from "../../src/domain/usage.ts";
import { costNanoUsd } from "../../src/ledger/cost.ts";
import { createMemoryCache } from "../../src/model/memory-cache.ts";
import { cacheKey } from "../../src/model/response-cache.ts";
import { worstCaseNanoUsd } from "../../src/model/tokens/worst-case.ts";
import type { OfflineServer } from "../../src/offline/server.ts";
import { openStage } from "../conversation/stage.ts";
import { REQUEST } from "./sample-exchange.ts";

const FLEX = { models: { "*": "gpt-5-mini" }, tier: "flex" } as const;

const said = ({ turns }: ConversationRecord) => turns.map(({ message }) => message);
const tiersOf = ({ usage }: ConversationRecord) => [...new Set(usage.entries.map(({ tier }) => tier))];
const bodies = ({ requests }: OfflineServer) =>
  requests.map(({ body }) => body as { service_tier?: string; model: string });

describe("a conversation at flex", () => {
  it("says the same and costs exactly half, by its ledger and by the bill", async () => {
    const standard = await openStage();
    const full = await standard.run({ context: { models: FLEX.models } });
    const flex = await openStage();
    const half = await flex.run({ context: FLEX });
    expect(said(half)).toEqual(said(full));
    expect(half.usage.totals.costNanoUsd).toBe(flex.server.bill.costNanoUsd);
    expect(full.usage.totals.costNanoUsd).toBe(standard.server.bill.costNanoUsd);
    expect(2 * flex.server.bill.costNanoUsd).toBe(standard.server.bill.costNanoUsd);
    expect(tiersOf(half)).toEqual(["flex"]);
    expect(tiersOf(full)).toEqual(["standard"]);
    expect(new Set(bodies(flex.server).map((body) => body.service_tier))).toEqual(new Set(["flex"]));
  });

  it.each([
    ["a persona's", { models: { ben: "gpt-4.1" }, tier: "flex" }, /^gpt-4\.1.*not offered at the tier flex/],
    [
      "a chosen one",
      { tier: "flex" },
      /those that are: gpt-5, gpt-5-mini, gpt-5-nano, o4-mini, o3\. Choose another/,
    ],
  ] as const)(
    "is refused where a model, %s, is not offered at it, before anything is paid",
    async (_, context, message) => {
      const { server, run } = await openStage();
      await expect(run({ context })).rejects.toThrow(message);
      expect(server.bill.requests).toBe(0);
    },
  );

  it("is refused where the moderator's model, named by the scenario, is not offered at it", async () => {
    const { server, run } = await openStage({
      scenario: { moderator: { policy: "model", model: "gpt-4.1-mini" } },
    });
    await expect(run({ context: FLEX })).rejects.toThrow(/^gpt-4\.1-mini is not offered at the tier flex/);
    expect(server.bill.requests).toBe(0);
  });

  it("asks at standard the models that nobody named and that are not offered at it", async () => {
    const { server, run } = await openStage({ scenario: { moderator: { policy: "model" } } });
    const { usage } = await run({ context: FLEX });
    const tierOf = (purpose: string) => usage.entries.find((entry) => entry.purpose === purpose)?.tier;
    expect([tierOf("turn"), tierOf("moderator")]).toEqual(["flex", "standard"]);
    expect(usage.totals.costNanoUsd).toBe(server.bill.costNanoUsd);
    for (const { model, service_tier } of bodies(server)) {
      expect(service_tier).toBe(model === "gpt-4.1-nano" ? "default" : "flex");
    }
  });

  it("is held to a cap to the nano-dollar", async () => {
    const endless = { scenario: { endings: [{ maxTurns: 60 }] } };
    const { server, run } = await openStage(endless);
    const maxCostUsd = 0.02;
    const { status, usage } = await run({ context: { ...FLEX, budget: { maxCostUsd } } });
    expect(status).toBe("budget");
    expect(server.bill.costNanoUsd).toBeLessThanOrEqual(maxCostUsd * 1e9);
    expect(server.bill.costNanoUsd).toBe(usage.totals.costNanoUsd);
  });

  it("names no tier to a server that is not OpenAI's, unless flex is asked for", async () => {
    const { server, run } = await openStage({ gateway: { hasOpenAiOptions: false } });
    await run();
    expect(bodies(server).every((body) => !("service_tier" in body))).toBe(true);
    const asked = await openStage({ gateway: { hasOpenAiOptions: false } });
    const { usage } = await asked.run({ context: FLEX });
    expect(bodies(asked.server).every((body) => body.service_tier === "flex")).toBe(true);
    expect(usage.totals.costNanoUsd).toBe(asked.server.bill.costNanoUsd);
  });
});

describe("a conversation that its holder sends by batch", () => {
  it("is refused where nothing carries batches", async () => {
    const { server, run } = await openStage({ gateway: { tierOf: () => "batch" } });
    await expect(run()).rejects.toThrow(/nothing keeps it until then/);
    expect(server.bill.requests).toBe(0);
  });

  it("cannot be had from its context", async () => {
    const { run } = await openStage();
    await expect(run({ context: { tier: "batch" } as object })).rejects.toThrow(
      /expected one of .*standard.*flex/,
    );
  });
});

describe("the response cache", () => {
  it("keeps the answers of each tier apart, whose prices differ", async () => {
    const cache = createMemoryCache();
    const first = await openStage({ gateway: { cache } });
    await first.run({ context: { models: FLEX.models } });
    const second = await openStage({ gateway: { cache } });
    const flex = await second.run({ context: FLEX });
    expect(second.server.bill.requests).toBe(flex.usage.totals.requests);
    const again = await openStage({ gateway: { cache } });
    const free = await again.run({ context: FLEX });
    expect(again.server.bill.requests).toBe(0);
    expect(free.usage.totals.savedNanoUsd).toBe(second.server.bill.costNanoUsd);
    const flexRequest = { ...REQUEST, service_tier: "flex" as const };
    const keys = [
      cacheKey(REQUEST, { tier: "standard" }),
      cacheKey(flexRequest, { tier: "flex" }),
      cacheKey(REQUEST, { tier: "batch" }),
    ];
    expect(new Set(keys).size).toBe(3);
  });
});

describe("the worst case", () => {
  const models = [...loadCatalog().models.values()];

  it("is no less than what a request costs, at every tier it may be billed at", async () => {
    const request = fc.record({
      model: fc.constantFrom(...models),
      asked: fc.constantFrom(...SENT_TIERS),
      inputTokens: fc.nat(5_000),
      cachedShare: fc.double({ min: 0, max: 1, noNaN: true }),
      outputShare: fc.double({ min: 0, max: 1, noNaN: true }),
      maxOutputTokens: fc.integer({ min: 1, max: 30_000 }),
    });
    await fc.assert(
      fc.asyncProperty(request, async (drawn) => {
        const { model, asked, inputTokens, maxOutputTokens } = drawn;
        const worst = await worstCaseNanoUsd({
          model,
          // The provider counts no more tokens than bytes.
          messages: [],
          demands: "x".repeat(inputTokens),
          maxOutputTokens,
          tier: asked,
          enoughNanoUsd: Number.POSITIVE_INFINITY,
        });
        const counts = {
          inputTokens,
          cachedInputTokens: Math.floor(inputTokens * drawn.cachedShare),
          outputTokens: Math.floor(maxOutputTokens * drawn.outputShare),
        };
        const billed = asked === "standard" ? SENT_TIERS : ([asked] as const);
        for (const tier of billed) {
          expect(costNanoUsd(counts, model, tier)).toBeLessThanOrEqual(worst ?? Number.NaN);
        }
      }),
    );
  });
});
