import { describe, expect, it } from "vitest";
import { ApiError } from "../../src/offline/api-error.ts";
import { createRateLimiter, formatDuration } from "../../src/offline/rate-limit.ts";
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
    const limiter = createRateLimiter({ requestsPerMinute: 100, tokensPerMinute: 30_000 }, () => 0);
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
    const limiter = createRateLimiter({ requestsPerMinute: 100, tokensPerMinute: 30_000 }, () => now);
    limiter.take("m", 28_039);
    now = 3889;
    expect(rejectionOf(() => limiter.take("m", 3906)).status).toBe(429);
    now = 3890;
    expect(limiter.take("m", 3906)["x-ratelimit-remaining-tokens"]).toBe("0");
  });

  it("limits requests as well, per model", () => {
    const limiter = createRateLimiter({ requestsPerMinute: 3, tokensPerMinute: 30_000 }, () => 0);
    for (let request = 0; request < 3; request++) limiter.take("m", 1);
    expect(rejectionOf(() => limiter.take("m", 1)).body.error).toMatchObject({
      message:
        "Rate limit reached for m in organization offline on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.",
      type: "requests",
    });
    expect(limiter.take("other", 1)["x-ratelimit-remaining-requests"]).toBe("2");
  });

  it("says so when a request can never fit", () => {
    const limiter = createRateLimiter({ requestsPerMinute: 3, tokensPerMinute: 100 }, () => 0);
    const { body, headers } = rejectionOf(() => limiter.take("m", 101));
    expect(body.error.message).toContain("Request too large for m");
    expect(headers["retry-after-ms"]).toBeUndefined();
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
