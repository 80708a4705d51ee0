/** The organization's endpoint, driven by the official client. */
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
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

  it("of a day, and of batches, are told where they are set", async () => {
    const rateLimits = {
      "gpt-4.1-mini": {
        requestsPerMinute: 1,
        tokensPerMinute: 1,
        requestsPerDay: 200,
        batchTokensPerDay: 90_000,
      },
    };
    const { data } = await rateLimitsOf(startServer({ adminKey: ADMIN, rateLimits })).listRateLimits(
      "proj_offline",
    );
    expect(data[1]).toMatchObject({ max_requests_per_1_day: 200, batch_1_day_max_input_tokens: 90_000 });
    expect(Object.keys(data[0] ?? {})).not.toContain("max_requests_per_1_day");
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
