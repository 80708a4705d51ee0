import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs, DEFAULT_RETRY, retryAfterMs } from "../../src/model/retry.ts";

const NOW = Date.UTC(2026, 10, 25, 12);
const asked = (headers: Record<string, string>) => retryAfterMs(new Headers(headers), NOW);

describe("what a provider asks to wait", () => {
  it.each<[Record<string, string>, number | undefined]>([
    [{ "retry-after-ms": "1234" }, 1234],
    [{ "retry-after-ms": "12.5" }, 13],
    [{ "retry-after": "7" }, 7000],
    [{ "retry-after": "90" }, 90_000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after-ms": "20", "retry-after": "60" }, 20],
    [{ "retry-after": "Wed, 25 Nov 2026 12:02:00 GMT" }, 120_000],
    [{ "retry-after": "Wed, 25 Nov 2026 11:00:00 GMT" }, 0],
    [{}, undefined],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "-3" }, undefined],
    [{ "retry-after": "1e9" }, undefined],
    [{ "retry-after": "999999999" }, undefined],
    [{ "retry-after-ms": "Infinity", "retry-after": "2" }, 2000],
    [{ "retry-after": "not a date GMT" }, undefined],
  ])("%j is %s ms", (headers, ms) => {
    expect(asked(headers)).toBe(ms);
  });
});

describe("the wait nobody asked for", () => {
  it("doubles, with full jitter, up to a limit", () => {
    const most = [1, 2, 3, 4, 5, 6, 7, 20].map((attempt) => backoffMs(attempt, 0.999999, DEFAULT_RETRY));
    expect(most).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
    expect(backoffMs(5, 0, DEFAULT_RETRY)).toBe(0);
  });

  it("is never negative and never above the limit", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempt, share) => {
          const ms = backoffMs(attempt, share, DEFAULT_RETRY);
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeLessThanOrEqual(DEFAULT_RETRY.maxMs);
        },
      ),
    );
  });
});
