/** What the bill by time keeps, and for how long. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { ModelInfo } from "../../src/domain/model-info.ts";
import { chargeNanoUsd } from "../../src/offline/bill.ts";
import { chargeLines, createSpending, DAY_MS, MINUTE_MS } from "../../src/offline/spending.ts";
import { MODELS, startServer } from "./fixture.ts";

const nano = MODELS[0] as ModelInfo;
const usage = { inputTokens: 10, cachedInputTokens: 0, outputTokens: 1, reasoningTokens: 0 };
const TODAY = 20_000 * DAY_MS;
const charge = (model: string = nano.id) => ({
  model: { ...nano, id: model },
  usage,
  tier: "default" as const,
});
const requestsIn = (cells: ReturnType<ReturnType<typeof createSpending>["between"]>) =>
  cells.reduce((sum, cell) => sum + cell.sums.requests, 0);

it("forgets minutes after 32 days and days after 401, and says since when it knows them", () => {
  const spending = createSpending();
  for (const day of [401, 400, 32, 31]) spending.add(charge(), TODAY - day * DAY_MS);
  expect(spending.daysSince).toBe(0);
  expect(spending.minutesSince).toBe(TODAY - 399 * DAY_MS);
  spending.add(charge(), TODAY);
  expect(spending.daysSince).toBe(TODAY - 400 * DAY_MS);
  expect(spending.minutesSince).toBe(TODAY - 31 * DAY_MS);
  const dayOf = (day: number) =>
    requestsIn(spending.between(TODAY - day * DAY_MS, TODAY - (day - 1) * DAY_MS));
  expect([401, 400, 32, 31, 0].map(dayOf)).toEqual([0, 1, 1, 1, 1]);
  const minuteOf = (day: number) =>
    requestsIn(spending.between(TODAY - day * DAY_MS, TODAY - day * DAY_MS + MINUTE_MS));
  expect([32, 31, 0].map(minuteOf)).toEqual([0, 1, 1]);
});

it("says so too of what came too late to be kept", () => {
  const spending = createSpending();
  spending.add(charge(), TODAY);
  spending.add(charge(), TODAY - 40 * DAY_MS);
  expect([spending.daysSince, spending.minutesSince]).toEqual([0, TODAY - 39 * DAY_MS]);
  spending.add(charge(), TODAY - 500 * DAY_MS);
  expect(spending.daysSince).toBe(TODAY - 499 * DAY_MS);
});

it("is bounded where very much is told apart: the oldest go first, the latest day stays", () => {
  const spending = createSpending({ mostCells: 100 });
  const models = Array.from({ length: 30 }, (_, index) => `model-${index}`);
  for (const day of [3, 2, 1, 0]) {
    for (const model of models) spending.add(charge(model), TODAY - day * DAY_MS);
  }
  expect(spending.minutesSince).toBe(TODAY);
  expect(spending.daysSince).toBe(TODAY - DAY_MS);
  expect(requestsIn(spending.between(TODAY - 3 * DAY_MS, TODAY + DAY_MS))).toBe(60);
});

it("refuses reports of what was forgotten instead of showing it empty", async () => {
  const server = startServer({ adminKey: "sk-admin-x", clock: () => TODAY });
  const ask = async (query: string) => {
    const url = `http://offline.test/v1/organization/usage/completions?${query}`;
    const response = await server.fetch(url, { headers: { authorization: "Bearer sk-admin-x" } });
    return `${response.status} ${await response.text()}`;
  };
  for (const day of [500, 40, 0]) {
    server.charge({ at: TODAY - day * DAY_MS, model: "small", inputTokens: 1 });
  }
  const since = (day: number) => TODAY / 1000 - day * 86_400;
  const last = new Date(TODAY - 39 * DAY_MS).toISOString();
  expect(await ask(`start_time=${since(40)}&bucket_width=1m`)).toMatch(
    `400 {"error":{"message":"The offline server keeps buckets of 1m since ${last}`,
  );
  expect(await ask(`start_time=${since(40)}`)).toMatch(/^200/);
  expect(await ask(`start_time=${since(39)}&bucket_width=1m`)).toMatch(/^200/);
  expect(await ask(`start_time=${since(500)}`)).toMatch(/^400/);
});

it("splits a charge into lines that are never negative and add up to it", () => {
  const price = fc.double({ min: 0, max: 20, noNaN: true }).map((dollars) => Math.round(dollars * 1e6) / 1e6);
  const prices = fc.record({ input: price, cachedInput: price, output: price });
  const tokens = fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(1000));
  const factor = fc.constantFrom(0.5, 1, 0.333);
  fc.assert(
    fc.property(prices, tokens, factor, ({ ...price }, [cached, uncached, outputTokens], batchFactor) => {
      const model = { ...nano, price, batchFactor };
      const used = {
        inputTokens: cached + uncached,
        cachedInputTokens: cached,
        outputTokens,
        reasoningTokens: 0,
      };
      for (const tier of ["default", "flex"] as const) {
        const lines = Object.values(chargeLines(model, used, tier) ?? {});
        expect(lines).toHaveLength(3);
        expect(lines.reduce((sum, line) => sum + line, 0)).toBe(Number(chargeNanoUsd(model, used, tier)));
        for (const line of lines) expect(line).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});
