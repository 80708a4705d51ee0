import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBucket, createWindow, type Meter } from "../../src/offline/rate-meter.ts";

/** Asks for amounts after pauses; what was let through, when. */
function drive(meter: Meter, asks: readonly { pauseMs: number; amount: number }[]) {
  const passed: { at: number; amount: number }[] = [];
  let now = 0;
  for (const { pauseMs, amount } of asks) {
    now += pauseMs;
    if (meter.waitMs(amount, now) !== 0) continue;
    meter.use(amount, now);
    passed.push({ at: now, amount });
  }
  return passed;
}

const asks = fc.array(
  fc.record({ pauseMs: fc.integer({ min: 0, max: 900 }), amount: fc.integer({ min: 1, max: 60 }) }),
  { minLength: 1, maxLength: 200 },
);
const sum = (amounts: readonly { amount: number }[]) =>
  amounts.reduce((total, { amount }) => total + amount, 0);

describe("fixed windows", () => {
  it("let through no more than their share, in every window from the start", () => {
    fc.assert(
      fc.property(asks, (asked) => {
        const passed = drive(createWindow(3000, 2000, 0), asked);
        const byWindow = Map.groupBy(passed, ({ at }) => Math.floor(at / 2000));
        for (const inWindow of byWindow.values()) expect(sum(inWindow)).toBeLessThanOrEqual(100);
      }),
    );
  });

  it("begin at the start and not at the first use", () => {
    const meter = createWindow(6000, 2000, 500);
    meter.use(200, 2400);
    expect(meter.waitMs(1, 2400)).toBe(100);
    expect(meter.waitMs(1, 2499)).toBe(1);
    expect(meter.waitMs(200, 2500)).toBe(0);
    expect(meter.read(2500)).toEqual({ used: 0, resetMs: 0 });
  });

  it("never hold what is larger than a window", () => {
    expect(createWindow(3000, 2000, 0).waitMs(101, 0)).toBeUndefined();
  });

  it("round their share down", () => {
    expect(createWindow(100, 1000, 0).capacity).toBe(1);
  });
});

describe("a bucket", () => {
  it("lets through a minute's limit at once, and in any stretch of time no more than that and what refilled", () => {
    fc.assert(
      fc.property(asks, (asked) => {
        const passed = drive(createBucket(300, 0), asked);
        for (const [first, { at: from }] of passed.entries()) {
          for (let last = first; last < passed.length; last++) {
            const until = passed[last]?.at ?? from;
            const most = 300 + ((until - from) * 300) / 60_000;
            expect(sum(passed.slice(first, last + 1))).toBeLessThanOrEqual(most + 1e-3);
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  it("lets through whoever waits as long as it says, and nobody a millisecond sooner", () => {
    fc.assert(
      fc.property(asks, fc.integer({ min: 1, max: 300 }), (asked, amount) => {
        const meter = createBucket(300, 0);
        const now = drive(meter, asked).at(-1)?.at ?? 0;
        const waitMs = Math.ceil(meter.waitMs(amount, now) ?? Number.NaN);
        if (waitMs > 1) expect(meter.waitMs(amount, now + waitMs - 1)).toBeGreaterThan(0);
        expect(meter.waitMs(amount, now + waitMs)).toBe(0);
      }),
    );
  });
});
