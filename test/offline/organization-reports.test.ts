/** Usage and costs by the organization's endpoints, driven by the official client. */
import fc from "fast-check";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import type { CostsResult, ReportPage, UsageResult } from "../../src/offline/organization-reports.ts";
import type { PastCharge } from "../../src/offline/past-charge.ts";
import { answerTo, MODELS, post, requestOf, startServer } from "./fixture.ts";

const ADMIN = "sk-admin-offline";
/** 2026-11-20, 10:30:20 UTC. */
const NOW = Date.UTC(2026, 10, 20, 10, 30, 20);
const MINUTE = 60;
const DAY = 86_400;
const TODAY = Date.UTC(2026, 10, 20) / 1000;

const start = (more: Parameters<typeof startServer>[0] = {}) =>
  startServer({ adminKey: ADMIN, clock: () => NOW, ...more });
type Server = ReturnType<typeof start>;

const usageOf = (server: Server, adminAPIKey = ADMIN) => {
  const client = new OpenAI({ apiKey: "sk-test", adminAPIKey, fetch: server.fetch, maxRetries: 0 });
  return client.admin.organization.usage;
};
const past = (at: number, more: Partial<PastCharge> = {}): PastCharge => ({
  at: at * 1000,
  model: "gpt-4.1-nano",
  inputTokens: 3024,
  cachedInputTokens: 1024,
  outputTokens: 500,
  ...more,
});

// What the server sends is what the SDK says that it gets; this does not compile where it is not.
type SdkUsage = OpenAI.Admin.Organization.UsageCompletionsResponse;
type SdkCosts = OpenAI.Admin.Organization.UsageCostsResponse;
const asUsage = (page: ReportPage<UsageResult>) => page satisfies SdkUsage;
const asCosts = (page: ReportPage<CostsResult>) => page satisfies SdkCosts;
const usagePage = (page: SdkUsage) => page as ReturnType<typeof asUsage>;
const costsPage = (page: SdkCosts) => page as ReturnType<typeof asCosts>;

describe("usage", () => {
  it("is what was asked, in whole buckets, empty ones among them, ungrouped dimensions null", async () => {
    const server = start();
    const { usage } = await answerTo(server);
    const page = await usageOf(server).completions({ start_time: TODAY - DAY + 5 });
    expect(page).toEqual({
      object: "page",
      data: [
        { object: "bucket", start_time: TODAY - DAY, end_time: TODAY, results: [] },
        {
          object: "bucket",
          start_time: TODAY,
          end_time: TODAY + DAY,
          results: [
            {
              object: "organization.usage.completions.result",
              input_tokens: usage.prompt_tokens,
              input_cached_tokens: 0,
              input_uncached_tokens: usage.prompt_tokens,
              output_tokens: usage.completion_tokens,
              input_audio_tokens: 0,
              output_audio_tokens: 0,
              num_model_requests: 1,
              project_id: null,
              user_id: null,
              api_key_id: null,
              model: null,
              batch: null,
              service_tier: null,
            },
          ],
        },
      ],
      has_more: false,
      next_page: null,
    });
  });

  it("knows project and key of a request, and never the key itself", async () => {
    const server = start();
    const headers = { authorization: "Bearer sk-first-marked", "openai-project": "proj_boats" };
    await post(server, requestOf(), { headers });
    await post(server, requestOf(), { headers: { authorization: "Bearer sk-second" } });
    await post(server, requestOf({ model: "gpt-5-mini", service_tier: "flex" }));
    const page = usagePage(
      await usageOf(server).completions({
        start_time: TODAY,
        group_by: ["project_id", "user_id", "api_key_id", "model", "batch", "service_tier"],
      }),
    );
    const rows = page.data.flatMap(({ results }) => results);
    expect(
      rows.map(({ project_id, user_id, model, batch, service_tier }) => [
        project_id,
        user_id,
        model,
        batch,
        service_tier,
      ]),
    ).toEqual([
      ["proj_boats", null, "gpt-4.1-nano", false, "default"],
      ["proj_offline", null, "gpt-4.1-nano", false, "default"],
      ["proj_offline", null, "gpt-5-mini", false, "flex"],
    ]);
    const keys = rows.map(({ api_key_id }) => api_key_id);
    expect(keys).toEqual([
      expect.stringMatching(/^key_[0-9a-f]{16}$/),
      expect.stringMatching(/^key_[0-9a-f]{16}$/),
      null,
    ]);
    expect(new Set(keys).size).toBe(3);
    expect(JSON.stringify(page)).not.toContain("marked");
  });

  it.each([
    [{ models: ["gpt-4.1-mini"] }, 1],
    [{ models: ["gpt-4.1-mini", "o4-mini"] }, 3],
    [{ project_ids: ["proj_a"] }, 2],
    [{ project_ids: ["proj_a"], user_ids: ["user_a"] }, 1],
    [{ api_key_ids: ["key_a"] }, 1],
    [{ api_key_ids: ["key_none"] }, 0],
    [{ batch: false }, 4],
    [{ batch: true }, 1],
    [{}, 5],
  ])("keeps to the filter %o", async (filter, requests) => {
    const server = start();
    server.charge(past(TODAY, { model: "gpt-4.1-mini", project: "proj_a", user: "user_a" }));
    server.charge(past(TODAY, { model: "o4-mini", project: "proj_a" }));
    server.charge(past(TODAY, { model: "o4-mini", project: "proj_b", apiKey: "key_a" }));
    server.charge(past(TODAY, { user: "user_a", tier: "flex" }));
    server.charge(past(TODAY, { tier: "batch" }));
    const page = usagePage(await usageOf(server).completions({ start_time: TODAY, ...filter }));
    const [bucket] = page.data;
    expect(bucket?.results.reduce((sum, row) => sum + row.num_model_requests, 0)).toBe(requests);
  });

  it("counts the first moment in and the last one out", async () => {
    const server = start();
    const [from, until] = [TODAY + 600 * MINUTE, TODAY + 602 * MINUTE];
    for (const at of [from - 1, from, until - 1, until]) server.charge(past(at));
    const page = usagePage(
      await usageOf(server).completions({ start_time: from, end_time: until, bucket_width: "1m" }),
    );
    expect(page.data.map((bucket) => [bucket.start_time - from, bucket.results.length])).toEqual([
      [0, 1],
      [60, 1],
    ]);
    const hours = await usageOf(server).completions({ start_time: from, bucket_width: "1h" });
    expect(hours.data.map(({ results }) => results.length)).toEqual([1]);
  });

  it("ends with the bucket that now is in, whatever end was asked for", async () => {
    const page = await usageOf(start()).completions({
      start_time: TODAY,
      end_time: TODAY + 400 * DAY,
      bucket_width: "1h",
    });
    expect(page.data).toHaveLength(11);
    expect(page.has_more).toBe(false);
    expect((await usageOf(start()).completions({ start_time: TODAY + 2 * DAY })).data).toEqual([]);
  });

  it.each([
    ["1d", undefined, 7],
    ["1d", 31, 31],
    ["1h", undefined, 24],
    ["1h", 168, 168],
    ["1m", undefined, 60],
    ["1m", 1440, 1440],
  ] as const)("comes in pages: %s, limit %s", async (bucket_width, limit, buckets) => {
    const query = { start_time: TODAY - 300 * DAY, bucket_width, ...(limit === undefined ? {} : { limit }) };
    const page = await usageOf(start()).completions(query);
    expect(page.data).toHaveLength(buckets);
    expect(page.has_more).toBe(true);
    const next = await usageOf(start()).completions({ ...query, page: page.next_page ?? "" });
    expect(next.data[0]?.start_time).toBe(page.data.at(-1)?.end_time);
  });

  it.each([
    [{}, "Missing required parameter: 'start_time'."],
    [{ start_time: "yesterday" }, "Invalid type for 'start_time'"],
    [{ start_time: TODAY, end_time: TODAY }, "Invalid 'end_time'"],
    [{ start_time: TODAY, bucket_width: "1w" }, "Supported values are: '1m', '1h', and '1d'."],
    [{ start_time: TODAY, limit: 32 }, "Expected a value <= 31"],
    [{ start_time: TODAY, bucket_width: "1h", limit: 169 }, "Expected a value <= 168"],
    [{ start_time: TODAY, bucket_width: "1m", limit: 1441 }, "Expected a value <= 1440"],
    [{ start_time: TODAY, limit: 0 }, "Expected a value >= 1"],
    [{ start_time: TODAY, group_by: ["line_item"] }, "Invalid value: 'line_item'"],
    [{ start_time: TODAY, batch: "yes" }, "Invalid value: 'yes'"],
    [{ start_time: TODAY, modells: ["o3"] }, "Unknown parameter: 'modells[]'."],
    [{ start_time: TODAY, page: "page_2" }, "Invalid 'page'"],
  ])("is refused for %o", async (query, message) => {
    const asking = usageOf(start()).completions(query as never);
    await expect(asking).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(asking).rejects.toThrow(message);
  });

  it("takes a page's token for the same query only", async () => {
    const usage = usageOf(start());
    const query = { start_time: TODAY - 20 * DAY };
    const { next_page } = await usage.completions(query);
    const page = next_page ?? "";
    expect((await usage.completions({ ...query, page })).data).toHaveLength(7);
    await expect(usage.completions({ ...query, group_by: ["model"], page })).rejects.toThrow("'page'");
  });
});

describe("costs", () => {
  it("are the lines of an invoice", async () => {
    const server = start();
    server.charge(past(TODAY));
    server.charge(past(TODAY, { tier: "flex" }));
    server.charge(past(TODAY, { model: "unpriced" }));
    const page = costsPage(await usageOf(server).costs({ start_time: TODAY, group_by: ["line_item"] }));
    const line = (line_item: string, value: number, quantity: number) => ({
      object: "organization.costs.result",
      amount: { value, currency: "usd" },
      line_item,
      project_id: null,
      user_id: null,
      api_key_id: null,
      quantity,
      quantity_unit: "tokens",
    });
    // 2,000 uncached at 100 nano-dollars, 1,024 cached at 25, 500 out at 400; half of it on the flex tier.
    expect(page.data[0]?.results).toEqual([
      line("gpt-4.1-nano, cached_input_tokens", 0.0000256, 1024),
      line("gpt-4.1-nano, flex cached_input_tokens", 0.0000128, 1024),
      line("gpt-4.1-nano, flex input_tokens", 0.0001, 2000),
      line("gpt-4.1-nano, flex output_tokens", 0.0001, 500),
      line("gpt-4.1-nano, input_tokens", 0.0002, 2000),
      line("gpt-4.1-nano, output_tokens", 0.0002, 500),
    ]);
  });

  it("of 400 days come in three pages", async () => {
    const server = start();
    for (let day = 0; day < 400; day += 1) server.charge(past(TODAY - day * DAY));
    const query = { start_time: TODAY - 399 * DAY, limit: 180 };
    const buckets: SdkCosts["data"] = [];
    let page: string | undefined;
    do {
      const answer = await usageOf(server).costs({ ...query, ...(page === undefined ? {} : { page }) });
      buckets.push(...answer.data);
      page = answer.next_page ?? undefined;
    } while (page !== undefined);
    expect(server.requests).toHaveLength(3);
    expect(buckets).toHaveLength(400);
    expect(buckets.every(({ results }) => results.length === 1)).toBe(true);
  });

  it.each([
    [{ bucket_width: "1h" }, "Supported values are: '1d'."],
    [{ limit: 181 }, "Expected a value <= 180"],
    [{ group_by: ["model"] }, "Invalid value: 'model'"],
    [{ models: ["o3"] }, "Unknown parameter: 'models[]'."],
    [{ batch: true }, "Unknown parameter: 'batch'."],
  ])("are refused for %o", async (query, message) => {
    const asking = usageOf(start()).costs({ start_time: TODAY, ...query } as never);
    await expect(asking).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(asking).rejects.toThrow(message);
  });

  it("and usage are for the admin key only", async () => {
    const { costs, completions } = {
      costs: usageOf(start(), "sk-test").costs({ start_time: TODAY }),
      completions: usageOf(start(), "sk-test").completions({ start_time: TODAY }),
    };
    for (const asking of [costs, completions]) {
      await expect(asking).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
      await expect(asking).rejects.toThrow("Missing scopes: api.management.read");
    }
  });

  it("and usage are empty after a reset", async () => {
    const server = start();
    server.charge(past(TODAY));
    server.reset();
    const [costs, usage] = [
      await usageOf(server).costs({ start_time: TODAY }),
      await usageOf(server).completions({ start_time: TODAY }),
    ];
    expect([costs, usage].flatMap(({ data }) => data.map(({ results }) => results))).toEqual([[], []]);
  });
});

describe("a batch's requests", () => {
  it("are told apart, at their own price, when they were answered, and charged to whoever made the batch", async () => {
    let now = NOW;
    const server = start({ clock: () => now, batch: { processingMs: 60 * 60_000 } });
    const client = new OpenAI({
      apiKey: "sk-test",
      project: "proj_boats",
      fetch: server.fetch,
      maxRetries: 0,
    });
    const line = (custom_id: string) =>
      JSON.stringify({ custom_id, method: "POST", url: "/v1/chat/completions", body: requestOf() });
    const file = new File([`${line("a")}\n${line("b")}\n`], "batch.jsonl");
    const { id } = await client.files.create({ purpose: "batch", file });
    await client.batches.create({
      input_file_id: id,
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
    });
    // Both are done, and nobody has looked since.
    now = NOW + 10 * 60 * 60_000;
    const usage = usagePage(
      await usageOf(server).completions({
        start_time: TODAY,
        bucket_width: "1m",
        limit: 1440,
        group_by: ["project_id", "batch", "service_tier"],
      }),
    );
    const rows = usage.data.flatMap(({ start_time, results }) =>
      results.map(({ project_id, batch, service_tier, num_model_requests }) => [
        new Date(start_time * 1000).toISOString().slice(11, 16),
        project_id,
        batch,
        service_tier,
        num_model_requests,
      ]),
    );
    expect(rows).toEqual([
      ["11:00", "proj_boats", true, "default", 1],
      ["11:30", "proj_boats", true, "default", 1],
    ]);
    const costs = costsPage(await usageOf(server).costs({ start_time: TODAY, group_by: ["line_item"] }));
    const lines = costs.data.flatMap(({ results }) => results);
    expect(lines.map(({ line_item }) => line_item)).toEqual([
      "gpt-4.1-nano, batch input_tokens",
      "gpt-4.1-nano, batch output_tokens",
    ]);
    const nano = lines.reduce((sum, { amount }) => sum + Math.round(amount.value * 1e9), 0);
    expect(nano).toBe(server.bill.costNanoUsd);
    expect(nano).toBeGreaterThan(0);
  });
});

describe("a past charge", () => {
  it("is on the bill like any other", () => {
    const server = start();
    const charge = server.charge(past(TODAY - 3 * DAY, { model: "gpt-4.1-nano-2025-04-14" }));
    expect(charge).toMatchObject({ model: "gpt-4.1-nano-2025-04-14", costNanoUsd: 425_600, tier: "default" });
    expect(server.bill.costNanoUsd).toBe(425_600);
    expect(server.charges.get(charge.requestId)).toEqual(charge);
  });

  it.each([
    { model: "gpt-9" },
    { inputTokens: 1, cachedInputTokens: 2 },
    { outputTokens: -1 },
    { outputTokens: 0.5 },
    { at: Number.NaN },
  ])("cannot be %o", (wrong) => {
    expect(() => start().charge(past(TODAY, wrong))).toThrow(/A past charge: expected one of the models/);
  });
});

it("agrees with the bill to the nano-dollar, however it is grouped", async () => {
  const charge = fc.record({
    at: fc.integer({ min: TODAY - 40 * DAY, max: TODAY }),
    model: fc.constantFrom(...MODELS.map(({ id }) => id)),
    tier: fc.constantFrom("default" as const, "flex" as const, "batch" as const),
    tokens: fc.tuple(fc.nat(3_000_000), fc.nat(3_000_000), fc.nat(1_000_000_000)),
    project: fc.constantFrom("proj_a", "proj_b", undefined),
    user: fc.constantFrom("user_a", undefined),
    apiKey: fc.constantFrom("key_a", "key_b"),
  });
  type Group = NonNullable<OpenAI.Admin.Organization.UsageCostsParams["group_by"]>[number];
  const groups = fc.subarray<Group>(["project_id", "user_id", "line_item", "api_key_id"]);
  await fc.assert(
    fc.asyncProperty(fc.array(charge, { maxLength: 30 }), groups, async (charges, group_by) => {
      const server = start();
      for (const {
        tokens: [cached, uncached, out],
        ...rest
      } of charges) {
        server.charge({
          ...rest,
          at: rest.at * 1000,
          inputTokens: cached + uncached,
          cachedInputTokens: cached,
          outputTokens: out,
        });
      }
      const costs = costsPage(
        await usageOf(server).costs({ start_time: TODAY - 40 * DAY, limit: 180, group_by }),
      );
      const rows = costs.data.flatMap(({ results }) => results);
      const nano = rows.reduce((sum, { amount }) => sum + Math.round(amount.value * 1e9), 0);
      expect(nano).toBe(server.bill.costNanoUsd);
      for (const { amount } of rows) expect(amount.value).toBe(Math.round(amount.value * 1e9) / 1e9);
    }),
    { numRuns: 60 },
  );
});
