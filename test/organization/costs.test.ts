/** What an organization was charged, read by the official client from the offline server's own bill. */
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { type CostDimension, organizationCosts } from "../../src/organization/costs.ts";
import {
  ADMIN_KEY,
  all,
  DAY,
  errorOf,
  errorResponse,
  interrupted,
  NOW,
  past,
  since,
  startOrganization,
  TODAY,
} from "./sample-organization.ts";

const nanoOf = (buckets: readonly { rows: readonly { costNanoUsd?: number | undefined }[] }[]) =>
  buckets.flatMap(({ rows }) => rows).reduce((sum, row) => sum + (row.costNanoUsd ?? Number.NaN), 0);

describe("costs", () => {
  it("over 400 days are all days, in three pages, and the bill to the nano-dollar", async () => {
    const { server, access } = startOrganization();
    for (let day = 0; day < 400; day += 2) server.charge(past(TODAY - day * DAY));
    const buckets = await all(organizationCosts({ ...access, since: NOW - 399 * DAY }));
    expect(server.requests.map(({ path }) => path)).toEqual(Array(3).fill("/v1/organization/costs"));
    expect(buckets).toHaveLength(400);
    expect(buckets[0]).toEqual({ startsAt: TODAY - 399 * DAY, endsAt: TODAY - 398 * DAY, rows: [] });
    expect(buckets.filter(({ rows }) => rows.length > 0)).toHaveLength(200);
    expect(nanoOf(buckets)).toBe(server.bill.costNanoUsd);
  });

  it("are told apart as asked, and only then", async () => {
    const { server, access } = startOrganization();
    server.charge(past(TODAY, { project: "proj_a", apiKey: "key_a", user: "user_a" }));
    server.charge(past(TODAY, { project: "proj_b" }));
    const [whole] = await all(organizationCosts(since(0, access)));
    expect(whole?.rows).toEqual([{ costNanoUsd: 2 * (1976 * 2000 + 1024 * 500 + 500 * 8000) }]);
    const groupBy: CostDimension[] = ["project", "user", "apiKey", "lineItem"];
    const [told] = await all(organizationCosts({ ...since(0, access), groupBy }));
    expect(told?.rows).toContainEqual({
      project: "proj_a",
      user: "user_a",
      apiKey: "key_a",
      lineItem: "gpt-4.1, output_tokens",
      costNanoUsd: 4_000_000,
    });
    expect(told?.rows).toContainEqual({
      project: "proj_b",
      lineItem: "gpt-4.1, cached_input_tokens",
      costNanoUsd: 512_000,
    });
    const [one] = await all(organizationCosts({ ...since(0, access), projects: ["proj_b"], groupBy }));
    expect(one?.rows.map(({ project }) => project)).toEqual(Array(3).fill("proj_b"));
    const [key] = await all(organizationCosts({ ...since(0, access), apiKeys: ["key_a"] }));
    expect(key?.rows).toHaveLength(1);
  });

  it("take texts for amounts as well, other currencies apart, and what is unknown for unknown", async () => {
    const { server, access } = startOrganization();
    server.charge(past(TODAY));
    const amounts = [
      { value: "0.1308043834033752600000", currency: "usd" },
      { value: -2, currency: "USD" },
      { value: 1.5, currency: "eur" },
      { value: null, currency: "usd" },
      null,
    ];
    const { fetch } = interrupted(access.fetch, async () => {
      const page = { object: "page", data: [] as unknown[], has_more: false, next_page: null };
      const results = amounts.map((amount) => ({ object: "organization.costs.result", amount }));
      page.data.push({ object: "bucket", start_time: TODAY / 1000, end_time: (TODAY + DAY) / 1000, results });
      return Response.json(page);
    });
    const [bucket] = await all(organizationCosts({ ...since(0, access), fetch }));
    expect(bucket?.rows).toEqual([
      { costNanoUsd: 130_804_383 },
      { costNanoUsd: -2_000_000_000 },
      { other: { currency: "eur", nano: 1_500_000_000 } },
      {},
      {},
    ]);
  });

  it("ask for whole days of UTC, whatever the times are", async () => {
    const { access } = startOrganization();
    const { fetch, urls } = interrupted(access.fetch, () => undefined);
    await all(organizationCosts({ ...access, fetch, since: TODAY - DAY - 1, until: TODAY - DAY + 1 }));
    expect(decodeURIComponent(urls[0]?.search ?? "")).toBe(
      `?start_time=${(TODAY - 2 * DAY) / 1000}&end_time=${TODAY / 1000}&limit=180&bucket_width=1d`,
    );
  });

  it.each([
    [{ since: NOW }, /since.* before .*until/],
    [{ since: Number.NaN }, /since/],
    [{ since: -1 }, /since/],
    [{ since: 0, until: Number.POSITIVE_INFINITY }, /until/],
    [{ since: 0, adminKey: " " }, /expected an admin key \(OPENAI_ADMIN_KEY\), got nothing/],
  ])("cannot be had for %o", async (options, message) => {
    const { access } = startOrganization();
    const error = await errorOf(organizationCosts({ ...access, ...options }));
    expect([error.code, error.message]).toEqual(["invalid-argument", expect.stringMatching(message)]);
  });

  it("are asked for at OpenAI where nothing else is named, whatever server answers the prompts", async () => {
    vi.stubEnv("OPENAI_BASE_URL", "http://proxy.invalid/v1");
    const { access } = startOrganization();
    const { fetch, urls } = interrupted(access.fetch, () => undefined);
    await all(organizationCosts({ ...since(1, access), baseUrl: undefined, fetch }));
    vi.unstubAllEnvs();
    expect(urls.map(({ origin, pathname }) => origin + pathname)).toEqual([
      "https://api.openai.com/v1/organization/costs",
    ]);
  });

  it("end with the signal's reason, also between pages", async () => {
    const { access } = startOrganization();
    const controller = new AbortController();
    const reason = new Error("enough");
    const { fetch, urls } = interrupted(access.fetch, (count) => {
      if (count === 2) controller.abort(reason);
      return undefined;
    });
    const report = organizationCosts({ ...since(400, access), fetch, signal: controller.signal });
    await expect(all(report)).rejects.toBe(reason);
    expect(urls).toHaveLength(2);
    await expect(all(organizationCosts({ ...since(1, access), signal: controller.signal }))).rejects.toBe(
      reason,
    );
  });
});

it("agree with the bill to the nano-dollar, whatever was charged and however it is grouped", async () => {
  const charge = fc.record({
    at: fc.integer({ min: TODAY - 30 * DAY, max: NOW }),
    model: fc.constantFrom("gpt-4.1", "gpt-4.1-nano", "gpt-5-mini", "o4-mini-2025-04-16", "mine"),
    tier: fc.constantFrom("default" as const, "flex" as const, "batch" as const),
    tokens: fc.tuple(fc.nat(100_000), fc.nat(100_000), fc.nat(100_000_000)),
    project: fc.constantFrom("proj_a", "proj_b", undefined),
    apiKey: fc.constantFrom("key_a", "key_b", undefined),
  });
  const groups = fc.subarray<CostDimension>(["project", "user", "apiKey", "lineItem"]);
  await fc.assert(
    fc.asyncProperty(fc.array(charge, { maxLength: 20 }), groups, async (charges, groupBy) => {
      const { server, access } = startOrganization();
      for (const { tokens, ...rest } of charges) {
        const [cachedInputTokens, fresh, outputTokens] = tokens;
        const inputTokens = cachedInputTokens + fresh;
        server.charge({ ...rest, inputTokens, cachedInputTokens, outputTokens });
      }
      const buckets = await all(organizationCosts({ ...since(30, access), groupBy }));
      expect(nanoOf(buckets)).toBe(server.bill.costNanoUsd);
    }),
    { numRuns: 50 },
  );
});

describe("a report that cannot be read to its end", () => {
  const page = (data: unknown[], more: object = {}) =>
    Response.json({ object: "page", data, has_more: false, next_page: null, ...more });
  const bucket = (day: number, more: object = {}) => ({
    object: "bucket",
    start_time: (TODAY - day * DAY) / 1000,
    end_time: (TODAY - (day - 1) * DAY) / 1000,
    results: [],
    ...more,
  });
  /** The second page of three is this, however often it is asked for. */
  const failing = async (answer: (count: number, url: URL) => Response | undefined, more: object = {}) => {
    const { access, server } = startOrganization();
    server.charge(past(TODAY - 399 * DAY));
    const { fetch, urls } = interrupted(access.fetch, (count, url) =>
      url.searchParams.has("page") ? answer(count, url) : undefined,
    );
    const error = await errorOf(organizationCosts({ ...since(399, access), fetch, ...more }));
    return { error, urls };
  };

  it.each([
    [401, "unauthorised", /Expected an admin key \(sk-admin-…\)/, 1],
    [403, "unauthorised", /needs the permission to read usage/, 1],
    [404, "bad-request", /OPENAI_ADMIN_BASE_URL/, 1],
    [429, "rate-limited", /It was asked several times in vain/, 5],
    [500, "server-error", /Try again later/, 5],
    [503, "server-error", /Try again later/, 5],
    [307, "server-error", /a redirect, which is not followed/, 1],
  ])("with %d says what to do, and never the key", async (status, code, advice, attempts) => {
    const { error, urls } = await failing(() => errorResponse(status, `No ${ADMIN_KEY} here`));
    expect(error.code).toBe(code);
    expect(error.isRetryable).toBe(attempts > 1);
    expect(error.message).toMatch(advice);
    expect(error.message).toMatch(
      /^Reading the organization's costs from provider\.test failed after 1 page, which are not the whole: /,
    );
    expect(JSON.stringify([error.message, error.stack, error.cause])).not.toContain(ADMIN_KEY);
    expect(urls).toHaveLength(1 + attempts);
  });

  it("is tried again, at the time that the server says, and then is whole", async () => {
    const { access, server } = startOrganization();
    server.charge(past(TODAY - 399 * DAY));
    const { fetch, urls } = interrupted(access.fetch, (count) => {
      if (count === 2) return errorResponse(429, "Slow down");
      return count === 3 ? errorResponse(500, "Oh") : undefined;
    });
    const buckets = await all(organizationCosts({ ...since(399, access), fetch }));
    expect(nanoOf(buckets)).toBe(server.bill.costNanoUsd);
    expect(buckets).toHaveLength(400);
    expect(urls).toHaveLength(5);
  });

  it("says how long the server asked to wait", async () => {
    const { error } = await failing(() =>
      errorResponse(429, "Slow down", { "retry-after": "90", "x-should-retry": "false" }),
    );
    expect(error.message).toContain("It asked to wait 90 s.");
  });

  const json = { headers: { "content-type": "application/json" } };
  it.each([
    ["breaks off", () => new Response('{"object":"page","data":[{"obj', json), "no JSON, or broke off"],
    ["is a web page", () => new Response("<html>"), "not what is documented"],
    ["is null", () => new Response("null", json), "not what is documented"],
    ["has no data", () => Response.json({ has_more: false }), "(data: "],
    ["has no results", () => page([{ start_time: 1, end_time: 2 }]), "(data.0.results: "],
    [
      "has an amount that is none",
      () => page([bucket(100, { results: [{ amount: { value: "much", currency: "usd" } }] })]),
      "an amount is no decimal number",
    ],
    ["does not say how to go on", () => page([bucket(100)], { has_more: true }), "no `next_page`"],
    ["comes twice", () => page([bucket(399)]), "came twice, or out of order"],
    ["holds a day twice", () => page([bucket(100), bucket(100)]), "came twice, or out of order"],
    ["is of another time", () => page([bucket(-2)]), "is none that was asked for"],
    [
      "is wider than asked",
      () => page([bucket(100, { end_time: TODAY / 1000 })]),
      "is none that was asked for",
    ],
  ])("because a page %s", async (_, answer, message) => {
    const { error } = await failing(answer);
    expect([error.code, error.message]).toEqual(["server-error", expect.stringContaining(message)]);
  });

  it("because nothing comes, or no more of it", async () => {
    const stalled = () =>
      new Response(new ReadableStream({ pull: () => new Promise(() => undefined) }), json);
    const { error } = await failing(stalled, { timeoutMs: 50 });
    expect([error.code, error.message]).toEqual([
      "timed-out",
      expect.stringContaining("no page within 0.05 s"),
    ]);
  });

  it("because the connection broke", async () => {
    const { access } = startOrganization();
    const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    const fetch = () => Promise.reject(new TypeError("fetch failed", { cause }));
    const error = await errorOf(organizationCosts({ ...since(1, access), fetch, maxRetries: 0 }));
    expect([error.code, error.isRetryable]).toEqual(["unreachable", true]);
    expect(error.message).toMatch(
      /^Reading the organization's costs from provider\.test failed: .*ECONNREFUSED/,
    );
  });

  it("because the key is no admin key, in the provider's words", async () => {
    const { access } = startOrganization();
    const error = await errorOf(organizationCosts({ ...since(1, access), adminKey: "sk-proj-0123456789" }));
    expect(error.code).toBe("unauthorised");
    expect(error.message).toContain("Missing scopes: api.management.read");
  });
});
