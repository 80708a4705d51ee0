import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDurationMs, readRateHeaders } from "../../../src/model/pace/rate-headers.ts";
import { formatDuration } from "../../../src/offline/rate-limit.ts";

describe("durations", () => {
  it.each([
    ["12ms", 12],
    ["0s", 0],
    ["1s", 1000],
    ["3.89s", 3890],
    ["6m0s", 360_000],
    ["1m1.5s", 61_500],
    ["1h2m3s", 3_723_000],
    ["7m12s", 432_000],
    ["1d", 86_400_000],
  ])("%s is read", (text, milliseconds) => {
    expect(parseDurationMs(text)).toBe(milliseconds);
  });

  it.each([
    "",
    "5",
    "-1s",
    "1e9s",
    "NaN",
    "s",
    "1s2m",
    "1 s",
    "1.5m",
    "Infinitys",
    "12ms3s",
    "1s ",
    "9".repeat(50),
  ])("%j is none", (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });

  it("are read as the offline server writes them", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3_600_000 }), (milliseconds) => {
        expect(parseDurationMs(formatDuration(milliseconds))).toBe(milliseconds);
      }),
    );
  });
});

describe("rate headers", () => {
  it("are read for each kind", () => {
    const headers = new Headers({
      "x-ratelimit-limit-requests": "500",
      "x-ratelimit-remaining-requests": "499",
      "x-ratelimit-reset-requests": "120ms",
      "x-ratelimit-limit-tokens": "30000",
      "x-ratelimit-remaining-tokens": "0",
      "x-ratelimit-reset-tokens": "1m0s",
    });
    expect(readRateHeaders(headers, "requests")).toEqual({ limit: 500, remaining: 499, resetMs: 120 });
    expect(readRateHeaders(headers, "tokens")).toEqual({ limit: 30_000, remaining: 0, resetMs: 60_000 });
  });

  it.each(["0", "-5", "NaN", "1e99", "Infinity", "", "12.5", "0x10", "9".repeat(20)])(
    "a limit of %j is none",
    (value) => {
      const headers = new Headers({ "x-ratelimit-limit-requests": value });
      expect(readRateHeaders(headers, "requests").limit).toBeUndefined();
    },
  );

  it("that are missing are unknown", () => {
    expect(readRateHeaders(new Headers(), "tokens")).toEqual({});
  });
});
