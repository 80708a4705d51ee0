import { describe, expect, it } from "vitest";
import { ApiError, type ErrorBody } from "../../src/offline/api-error.ts";
import { createRateLimiter, formatDuration, type RateLimit } from "../../src/offline/rate-limit.ts";
import { answerTo, post, requestOf, startServer } from "./fixture.ts";

function rejectionOf(action: () => unknown): ApiError {
  try {
    action();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("was not rejected");
}

const limiterOf = (limit: RateLimit, clock: () => number) => createRateLimiter({ limit, clock });

describe("durations", () => {
  it.each([
    [12, "12ms"],
    [1000, "1s"],
    [3890, "3.89s"],
    [360_000, "6m0s"],
    [61_500, "1m1.5s"],
  ])("%i ms are written %s", (milliseconds, expected) => {
    expect(formatDuration(milliseconds)).toBe(expected);
  });
});

describe("rate limits", () => {
  it("rejects with the figures of a known case", () => {
    const limiter = limiterOf({ requestsPerMinute: 100, tokensPerMinute: 30_000 }, () => 0);
    limiter.take("m", 28_039);
    const { status, body, headers } = rejectionOf(() => limiter.take("m", 3906));
    expect(status).toBe(429);
    expect(body.error).toEqual({
      message:
        "Rate limit reached for m in organization offline on tokens per min (TPM): Limit 30000, Used 28039, Requested 3906. Please try again in 3.89s.",
      type: "tokens",
      param: null,
      code: "rate_limit_exceeded",
    });
    expect(headers["retry-after-ms"]).toBe("3890");
    expect(headers["retry-after"]).toBe("4");
  });

  it("accepts the same request after the time it named, and not a moment earlier", () => {
    let now = 0;
    const limiter = limiterOf({ requestsPerMinute: 100, tokensPerMinute: 30_000 }, () => now);
    limiter.take("m", 28_039);
    now = 3889;
    expect(rejectionOf(() => limiter.take("m", 3906)).status).toBe(429);
    now = 3890;
    expect(limiter.take("m", 3906)["x-ratelimit-remaining-tokens"]).toBe("0");
  });

  it("limits requests as well, per model", () => {
    const limiter = limiterOf({ requestsPerMinute: 3, tokensPerMinute: 30_000 }, () => 0);
    for (let request = 0; request < 3; request++) limiter.take("m", 1);
    expect(rejectionOf(() => limiter.take("m", 1)).body.error).toMatchObject({
      message:
        "Rate limit reached for m in organization offline on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.",
      type: "requests",
    });
    expect(limiter.take("other", 1)["x-ratelimit-remaining-requests"]).toBe("2");
  });

  it("says so when a request can never fit", () => {
    const limiter = limiterOf({ requestsPerMinute: 3, tokensPerMinute: 100 }, () => 0);
    const { body, headers } = rejectionOf(() => limiter.take("m", 101));
    expect(body.error.message).toContain("Request too large for m");
    expect(headers["retry-after-ms"]).toBeUndefined();
  });
});

describe("rate limits in fixed windows", () => {
  const limit: RateLimit = { requestsPerMinute: 6000, tokensPerMinute: 3_000_000, windowMs: 2000 };

  it("let through 200 requests in each 2 seconds of 6,000 a minute", () => {
    let now = 700;
    const limiter = limiterOf(limit, () => now);
    now = 2600;
    for (let request = 0; request < 200; request++) limiter.take("m", 1);
    const { body, headers } = rejectionOf(() => limiter.take("m", 1));
    expect(body.error).toEqual({
      message:
        "Rate limit reached for m in organization offline on requests per min (RPM): Limit 6000, Used 200, Requested 1. Please try again in 100ms.",
      type: "requests",
      param: null,
      code: "rate_limit_exceeded",
    });
    expect(headers).toEqual({
      "x-ratelimit-limit-requests": "6000",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "100ms",
      "x-ratelimit-limit-tokens": "3000000",
      "x-ratelimit-remaining-tokens": "99800",
      "x-ratelimit-reset-tokens": "100ms",
      "retry-after-ms": "100",
      "retry-after": "1",
    });
    now = 2700;
    expect(limiter.take("m", 1)["x-ratelimit-remaining-requests"]).toBe("199");
  });

  it("let through a window's share of the tokens", () => {
    const limiter = limiterOf(limit, () => 0);
    limiter.take("m", 60_000);
    expect(rejectionOf(() => limiter.take("m", 40_001)).body.error.type).toBe("tokens");
    limiter.take("m", 40_000);
  });

  it("say that a request is larger than a window", () => {
    const limiter = limiterOf(limit, () => 0);
    const { body, headers } = rejectionOf(() => limiter.take("m", 100_001));
    expect(body.error.message).toContain("Limit 3000000 (100000 at once), Requested 100001.");
    expect(headers["retry-after"]).toBeUndefined();
  });
});

describe("rate limits by model", () => {
  const one: RateLimit = { requestsPerMinute: 1, tokensPerMinute: 1e9 };

  it("stand beside the one for all others, and a dated snapshot has its base model's", async () => {
    const server = startServer({ rateLimits: { "gpt-4.1-mini": one } });
    const status = async (model: string) => (await post(server, requestOf({ model }))).status;
    expect(await status("gpt-4.1-mini-2025-04-14")).toBe(200);
    expect(await status("gpt-4.1-mini")).toBe(429);
    expect([await status("gpt-4.1-nano"), await status("gpt-4.1-nano")]).toEqual([200, 200]);
  });

  it("are refused for models that are not served", () => {
    expect(() => startServer({ rateLimits: { "gpt-4.1-mine": one } })).toThrow(
      /rateLimits: "gpt-4\.1-mine" is not served; expected one of gpt-4\.1-nano, /,
    );
  });

  it.each([
    [
      { rateLimit: { ...one, requestsPerMinute: 0 } },
      "rateLimit.requestsPerMinute: expected a number above 0, got 0",
    ],
    [{ rateLimit: { ...one, windowMs: -1 } }, "rateLimit.windowMs: expected a number above 0, got -1"],
    [
      { rateLimits: { small: { ...one, tokensPerMinute: Number.NaN } } },
      "rateLimits.small.tokensPerMinute: expected a number above 0, got NaN",
    ],
  ])("are refused when nothing would get through", (options, message) => {
    expect(() => startServer(options)).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) }),
    );
  });
});

describe("a rejection over the wire", () => {
  const rateLimit: RateLimit = { requestsPerMinute: 2, tokensPerMinute: 1e9 };
  const rejected = async (rejectionHeaders: "all" | "retry-after" | "none" | undefined) => {
    const server = startServer({ rateLimit, rejectionHeaders });
    await answerTo(server);
    await answerTo(server);
    const response = await post(server, requestOf());
    expect(response.status).toBe(429);
    expect(((await response.json()) as ErrorBody).error.code).toBe("rate_limit_exceeded");
    expect(server.traffic).toMatchObject({ requests: 3, rejected: 1 });
    const kept = [...response.headers].filter(([name]) => /^(retry-after|x-ratelimit)/.test(name));
    return Object.fromEntries(kept);
  };

  it("carries all headers", async () => {
    expect(await rejected(undefined)).toMatchObject({
      "x-ratelimit-limit-requests": "2",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "1m0s",
      "retry-after-ms": "30000",
      "retry-after": "30",
    });
  });

  it("carries `Retry-After` only, when asked", async () => {
    expect(await rejected("retry-after")).toEqual({ "retry-after": "30" });
  });

  it("carries none at all, when asked", async () => {
    expect(await rejected("none")).toEqual({});
  });
});

describe("rate limits over the wire", () => {
  it("sends its headers with every answer", async () => {
    const response = await post(startServer(), requestOf());
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "x-ratelimit-limit-requests": "10000000",
      "x-ratelimit-remaining-requests": "9999999",
      "x-ratelimit-reset-requests": "1ms",
      "x-ratelimit-limit-tokens": "100000000000",
    });
  });

  it("counts the output a request allows", async () => {
    let now = 0;
    const server = startServer({
      clock: () => now,
      rateLimit: { requestsPerMinute: 100, tokensPerMinute: 1000 },
    });
    await answerTo(server, { max_tokens: 950 });
    const rejected = await post(server, requestOf({ max_tokens: 950 }));
    expect(rejected.status).toBe(429);
    expect(rejected.headers.get("x-ratelimit-limit-tokens")).toBe("1000");
    expect(server.bill.requests).toBe(1);
    now = 60_000;
    expect((await post(server, requestOf({ max_tokens: 950 }))).status).toBe(200);
  });
});
