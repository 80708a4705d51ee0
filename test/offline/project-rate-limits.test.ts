/** The organization's endpoint, driven by the official client. */
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { pageOf, projectRateLimit } from "../../src/offline/project-rate-limits.ts";
import { MODELS, startServer } from "./fixture.ts";

const ADMIN = "sk-admin-offline";
const IDS = MODELS.map(({ id }) => id);

const startWithAdmin = () =>
  startServer({
    apiKey: "sk-test",
    adminKey: ADMIN,
    projectId: "proj_boats",
    rateLimit: { requestsPerMinute: 500, tokensPerMinute: 200_000 },
    rateLimits: { "gpt-4.1-mini": { requestsPerMinute: 6000, tokensPerMinute: 3_000_000, windowMs: 2000 } },
  });

function rateLimitsOf(server: ReturnType<typeof startServer>, adminAPIKey = ADMIN) {
  const client = new OpenAI({ apiKey: "sk-test", adminAPIKey, fetch: server.fetch, maxRetries: 0 });
  return client.admin.organization.projects.rateLimits;
}

describe("a project's rate limits", () => {
  it("are those that the server holds to, a row a model", async () => {
    const page = await rateLimitsOf(startWithAdmin()).listRateLimits("proj_boats");
    expect(page.data.map(({ model }) => model)).toEqual(IDS);
    expect(page.data.slice(0, 2)).toEqual([
      {
        object: "project.rate_limit",
        id: "rl-gpt-4.1-nano",
        model: "gpt-4.1-nano",
        max_requests_per_1_minute: 500,
        max_tokens_per_1_minute: 200_000,
      },
      {
        object: "project.rate_limit",
        id: "rl-gpt-4.1-mini",
        model: "gpt-4.1-mini",
        max_requests_per_1_minute: 6000,
        max_tokens_per_1_minute: 3_000_000,
      },
    ]);
    expect(page.has_more).toBe(false);
  });

  it("come in pages that the client walks by itself", async () => {
    const server = startWithAdmin();
    const models: string[] = [];
    for await (const row of rateLimitsOf(server).listRateLimits("proj_boats", { limit: 3 })) {
      models.push(row.model);
    }
    expect(models).toEqual(IDS);
    expect(server.requests).toHaveLength(3);
    expect(server.traffic.requests).toBe(0);
  });

  it("are for the admin key only", async () => {
    const listing = rateLimitsOf(startWithAdmin(), "sk-test").listRateLimits("proj_boats");
    await expect(listing).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(listing).rejects.toThrow("Missing scopes: api.management.read");
  });

  it("are not found for a project that is none", async () => {
    const listing = rateLimitsOf(startWithAdmin()).listRateLimits("proj_trains");
    await expect(listing).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  it.each([{ limit: 0 }, { limit: 101 }, { after: "rl-none" }, { before: "rl-none" }])(
    "are refused for %o",
    async (query) => {
      const listing = rateLimitsOf(startWithAdmin()).listRateLimits("proj_boats", query);
      await expect(listing).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    },
  );
});

describe("a page", () => {
  const limit = { requestsPerMinute: 1, tokensPerMinute: 1 };
  const rows = ["a", "b", "c", "d", "e"].map((model) => projectRateLimit(model, limit));
  const look = (query: Parameters<typeof pageOf>[1]) => {
    const { data, first_id, last_id, has_more } = pageOf(rows, query);
    return { models: data.map(({ model }) => model).join(""), first_id, last_id, has_more };
  };

  it.each([
    [{}, "abcde", false],
    [{ limit: "2" }, "ab", true],
    [{ limit: "2", after: "rl-b" }, "cd", true],
    [{ limit: "2", after: "rl-d" }, "e", false],
    [{ limit: "2", before: "rl-e" }, "cd", true],
    [{ limit: "4", before: "rl-c" }, "ab", false],
  ])("for %o", (query, models, hasMore) => {
    expect(look(query)).toEqual({
      models,
      first_id: `rl-${models.at(0)}`,
      last_id: `rl-${models.at(-1)}`,
      has_more: hasMore,
    });
  });

  it("behind the last row is empty", () => {
    expect(look({ after: "rl-e" })).toEqual({ models: "", first_id: null, last_id: null, has_more: false });
  });

  it("cannot lie in two directions", () => {
    expect(() => pageOf(rows, { after: "rl-a", before: "rl-e" })).toThrow("Only one of");
  });
});
