/** Which tokens an organization used, read by the official client from the offline server's own bill. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { organizationUsage, type UsageDimension } from "../../src/organization/usage.ts";
import {
  all,
  DAY,
  errorOf,
  interrupted,
  MINUTE,
  NOW,
  past,
  since,
  startOrganization,
  TODAY,
} from "./sample-organization.ts";

const result = (more: object) => ({ num_model_requests: 1, input_tokens: 10, output_tokens: 2, ...more });
/** A report whose only bucket holds these results. */
async function rowsOf(results: object[], groupBy: UsageDimension[] = []) {
  const { access } = startOrganization();
  const { fetch } = interrupted(access.fetch, () =>
    Response.json({
      data: [{ start_time: TODAY / 1000, end_time: (TODAY + DAY) / 1000, results }],
      has_more: false,
    }),
  );
  const [bucket] = await all(organizationUsage({ ...since(0, access), fetch, groupBy }));
  return bucket?.rows ?? [];
}

describe("usage", () => {
  it("is told apart as asked, with the price tier where batch and tier are", async () => {
    const { server, access } = startOrganization();
    server.charge(past(TODAY, { project: "proj_a", user: "user_a", apiKey: "key_a", tier: "flex" }));
    const [whole] = await all(organizationUsage(since(0, access)));
    const figures = {
      requests: 1,
      inputTokens: 3000,
      cachedInputTokens: 1024,
      outputTokens: 500,
      otherTokens: 0,
    };
    expect(whole?.rows).toEqual([figures]);
    const groupBy: UsageDimension[] = ["model", "project", "user", "apiKey", "batch", "tier"];
    const [told] = await all(organizationUsage({ ...since(0, access), groupBy }));
    expect(told?.rows).toEqual([
      {
        model: "gpt-4.1",
        project: "proj_a",
        user: "user_a",
        apiKey: "key_a",
        batch: false,
        serviceTier: "flex",
        tier: "flex",
        ...figures,
      },
    ]);
    const none = { ...since(0, access), batch: true };
    expect((await all(organizationUsage(none))).map(({ rows }) => rows)).toEqual([[]]);
  });

  it.each([
    [{ models: ["o3"] }, 1],
    [{ models: ["o3", "gpt-4.1"] }, 3],
    [{ projects: ["proj_a"] }, 1],
    [{ users: ["user_a"] }, 1],
    [{ apiKeys: ["key_a"] }, 1],
    [{ batch: false }, 3],
  ])("keeps to %o", async (filter, requests) => {
    const { server, access } = startOrganization();
    server.charge(past(TODAY, { model: "o3", project: "proj_a" }));
    server.charge(past(TODAY, { user: "user_a" }));
    server.charge(past(TODAY, { apiKey: "key_a" }));
    const buckets = await all(organizationUsage({ ...since(0, access), ...filter }));
    expect(buckets.flatMap(({ rows }) => rows).reduce((sum, row) => sum + row.requests, 0)).toBe(requests);
  });

  it("is what live requests used", async () => {
    const { server, access } = startOrganization();
    await server.fetch("http://offline.test/v1/chat/completions", {
      method: "POST",
      body: JSON.stringify({ model: "o3", messages: [{ role: "user", content: "When?" }] }),
    });
    const [bucket] = await all(
      organizationUsage({ ...access, since: NOW - 1, bucket: "1m", groupBy: ["model"] }),
    );
    const { inputTokens, outputTokens } = server.bill;
    expect(bucket?.startsAt).toBe(NOW - 20_000);
    expect(bucket?.rows).toMatchObject([{ model: "o3", requests: 1, inputTokens, outputTokens }]);
  });

  it.each([
    [{ batch: true, service_tier: "default" }, "batch"],
    [{ batch: false, service_tier: "default" }, "standard"],
    [{ batch: false, service_tier: "priority" }, "priority"],
    [{ batch: false, service_tier: "scale" }, undefined],
    [{ batch: false, service_tier: null }, undefined],
    [{ batch: null, service_tier: "default" }, undefined],
  ])("of %o is at the price of %s", async (place, tier) => {
    expect(await rowsOf([result(place)])).toMatchObject([{ tier }]);
  });

  it("leaves unknown what the provider does not tell, and counts sound and images apart", async () => {
    const [row] = await rowsOf([result({ input_audio_tokens: 3, output_image_tokens: 4, model: null })]);
    expect(row).toMatchObject({ cachedInputTokens: undefined, model: undefined, otherTokens: 7 });
  });

  it.each([
    { input_tokens: -1 },
    { output_tokens: 1.5 },
    { num_model_requests: "3" },
    { input_cached_tokens: 11 },
  ])("cannot be %o", async (wrong) => {
    const { access } = startOrganization();
    const { fetch } = interrupted(access.fetch, () =>
      Response.json({
        data: [{ start_time: TODAY / 1000, end_time: (TODAY + DAY) / 1000, results: [result(wrong)] }],
        has_more: false,
      }),
    );
    const error = await errorOf(organizationUsage({ ...since(0, access), fetch }));
    expect(error.code).toBe("server-error");
    expect(error.message).toMatch(/^Reading the organization's usage from provider\.test failed: /);
  });
});

it("has every token once, whatever it is grouped by and however wide the buckets are", async () => {
  const charge = fc.record({
    at: fc.integer({ min: NOW - 2 * DAY, max: NOW }),
    model: fc.constantFrom("gpt-4.1", "o3"),
    tier: fc.constantFrom("default" as const, "flex" as const, "batch" as const),
    inputTokens: fc.nat(10_000),
    outputTokens: fc.nat(10_000),
    project: fc.constantFrom("proj_a", undefined),
    apiKey: fc.constantFrom("key_a", undefined),
  });
  const groups = fc.subarray<UsageDimension>(["model", "project", "user", "apiKey", "batch", "tier"]);
  const bucket = fc.constantFrom("1h" as const, "1d" as const);
  await fc.assert(
    fc.asyncProperty(
      fc.array(charge, { maxLength: 20 }),
      groups,
      bucket,
      async (charges, groupBy, bucket) => {
        const { server, access } = startOrganization();
        for (const one of charges)
          server.charge({ ...one, cachedInputTokens: Math.floor(one.inputTokens / 2) });
        const report = organizationUsage({ ...access, since: NOW - 2 * DAY, bucket, groupBy });
        const rows = (await all(report)).flatMap((one) => one.rows);
        const sum = (field: "requests" | "inputTokens" | "outputTokens" | "cachedInputTokens") =>
          rows.reduce((total, row) => total + (row[field] ?? Number.NaN), 0);
        const { requests, inputTokens, outputTokens, cachedInputTokens } = server.bill;
        expect([sum("requests"), sum("inputTokens"), sum("outputTokens"), sum("cachedInputTokens")]).toEqual([
          requests,
          inputTokens,
          outputTokens,
          cachedInputTokens,
        ]);
      },
    ),
    { numRuns: 50 },
  );
});

it("over 31 days by the minute is every minute, in 31 pages, in the memory of one", {
  timeout: 120_000,
}, async () => {
  const file = join(import.meta.dirname, "usage-process.ts");
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", file]);
  const { pages, minutes, requests, billed, keptMb, pageMb } = JSON.parse(stdout);
  expect({ pages, minutes, requests }).toEqual({ pages: 31, minutes: 31 * 1440, requests: billed });
  expect(billed).toBe(4 * 31 * 1440);
  // Kept, all of it would be 31 times a page; the answer that is read and the server's own work are some pages too.
  expect(pageMb).toBeGreaterThan(0);
  expect(keptMb).toBeLessThan(10 * pageMb);
});

it("of an hour before now is sixty minutes and the one that is not over", async () => {
  const { access } = startOrganization();
  const buckets = await all(organizationUsage({ ...access, since: NOW - 60 * MINUTE, bucket: "1m" }));
  expect(buckets).toHaveLength(61);
});
