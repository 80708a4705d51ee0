/** What usage costs by the catalog, beside the offline server's own bill. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { resolveCatalog } from "../../src/catalog/catalog.ts";
import { dailyCosts } from "../../src/organization/daily-costs.ts";
import {
  all,
  DAY,
  errorOf,
  errorResponse,
  interrupted,
  past,
  since,
  startOrganization,
  TODAY,
} from "./sample-organization.ts";

it("are a day's usage times the catalog's prices, by model and tier", async () => {
  const { server, access } = startOrganization();
  server.charge(past(TODAY - DAY));
  server.charge(past(TODAY - DAY + 1, { model: "gpt-4.1-2025-04-14" }));
  server.charge(past(TODAY, { tier: "flex", model: "o3" }));
  const days = await all(dailyCosts(since(2, access)));
  const tokens = { requests: 1, inputTokens: 3000, cachedInputTokens: 1024, outputTokens: 500 };
  // 1,976 uncached at 2,000 nano-dollars, 1,024 cached at 500, 500 out at 8,000.
  const costNanoUsd = 8_464_000;
  expect(days).toEqual([
    { startsAt: TODAY - 2 * DAY, endsAt: TODAY - DAY, rows: [], costNanoUsd: 0, unpricedRequests: 0 },
    {
      startsAt: TODAY - DAY,
      endsAt: TODAY,
      rows: [
        { model: "gpt-4.1", tier: "standard", ...tokens, costNanoUsd },
        { model: "gpt-4.1-2025-04-14", tier: "standard", ...tokens, costNanoUsd },
      ],
      costNanoUsd: 2 * costNanoUsd,
      unpricedRequests: 0,
    },
    {
      startsAt: TODAY,
      endsAt: TODAY + DAY,
      rows: [{ model: "o3", tier: "flex", ...tokens, costNanoUsd: costNanoUsd / 2 }],
      costNanoUsd: costNanoUsd / 2,
      unpricedRequests: 0,
    },
  ]);
});

it("are unknown, and counted, where a price or what it is for is not known", async () => {
  const { server, access } = startOrganization();
  server.charge(past(TODAY - DAY, { model: "mine" }));
  server.charge(past(TODAY, { model: "mine" }));
  server.charge(past(TODAY));
  const [yesterday, today] = await all(dailyCosts(since(1, access)));
  expect(yesterday).toMatchObject({ costNanoUsd: undefined, unpricedRequests: 1 });
  expect(today).toMatchObject({ costNanoUsd: 8_464_000, unpricedRequests: 1 });

  const row = (more: object) => ({
    num_model_requests: 5,
    input_tokens: 10,
    input_cached_tokens: 0,
    output_tokens: 1,
    model: "gpt-4.1",
    batch: false,
    service_tier: "default",
    ...more,
  });
  const results = [
    row({ service_tier: "priority" }),
    row({ service_tier: null }),
    row({ model: null }),
    row({ input_cached_tokens: null }),
    row({ input_audio_tokens: 1 }),
    row({}),
    row({ batch: true }),
  ];
  const { fetch } = interrupted(access.fetch, () =>
    Response.json({
      data: [{ start_time: TODAY / 1000, end_time: (TODAY + DAY) / 1000, results }],
      has_more: false,
    }),
  );
  const [day] = await all(dailyCosts({ ...since(0, access), fetch }));
  expect(day?.rows.map((one) => one.costNanoUsd)).toEqual([
    ...Array(5).fill(undefined),
    10 * 2000 + 8000,
    5 * 2000 + 4000,
  ]);
  expect(day).toMatchObject({ costNanoUsd: 42_000, unpricedRequests: 25 });
});

it("take another catalog's prices, and only the part that was asked for", async () => {
  const { server, access } = startOrganization();
  server.charge(past(TODAY, { project: "proj_a" }));
  server.charge(past(TODAY, { project: "proj_b" }));
  const catalog = resolveCatalog({
    models: { "gpt-4.1": { price: { input: 0, cachedInput: 0, output: 1 } } },
  });
  const [day] = await all(dailyCosts({ ...since(0, access), catalog, projects: ["proj_a"] }));
  expect(day?.costNanoUsd).toBe(500_000);
});

it("are the bill, but for what the bill rounds once a request", async () => {
  const charge = fc.record({
    at: fc.integer({ min: TODAY - 5 * DAY, max: TODAY }),
    model: fc.constantFrom("gpt-4.1", "gpt-4.1-nano", "gpt-5-nano", "o3"),
    tier: fc.constantFrom("default" as const, "flex" as const, "batch" as const),
    cachedInputTokens: fc.nat(10_000),
    outputTokens: fc.nat(10_000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(charge, { maxLength: 20 }), async (charges) => {
      const { server, access } = startOrganization();
      let rounded = 0;
      for (const one of charges) {
        server.charge({ ...one, inputTokens: one.cachedInputTokens + 1000 });
        if (one.tier !== "default") rounded += 1;
      }
      const days = await all(dailyCosts(since(5, access)));
      const sum = days.reduce((total, day) => total + (day.costNanoUsd ?? Number.NaN), 0);
      // Standard prices are whole nano-dollars a token; half of one may be half of one.
      expect(Math.abs(sum - server.bill.costNanoUsd)).toBeLessThanOrEqual(rounded / 2);
    }),
    { numRuns: 50 },
  );
});

it("end with the error of a page that did not come", async () => {
  const { access } = startOrganization();
  const { fetch } = interrupted(access.fetch, (count) =>
    count === 2 ? errorResponse(403, "No") : undefined,
  );
  const error = await errorOf(dailyCosts({ ...since(40, access), fetch }));
  expect([error.code, error.message]).toEqual(["unauthorised", expect.stringContaining("after 1 page")]);
});
