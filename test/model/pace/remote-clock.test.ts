import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRemoteClock } from "../../../src/model/pace/remote-clock.ts";

const way = fc.double({ min: 0, max: 50, noNaN: true });

describe("a time of another clock", () => {
  it("is never sooner than it is, and off by no more than the quickest answer took", () => {
    const answers = fc.array(fc.record({ there: way, back: way }), { minLength: 1 });
    fc.assert(
      fc.property(answers, fc.integer({ min: -1e9, max: 1e9 }), (ways, apart) => {
        const clock = createRemoteClock();
        let now = 1000;
        for (const { there, back } of ways) {
          clock.observe({ sentAt: now, at: now + there + apart, receivedAt: now + there + back });
          now += there + back + 5;
        }
        const off = clock.localOf(now + apart) - now;
        expect(off).toBeGreaterThan(-0.001);
        expect(off).toBeLessThan(Math.min(...ways.map(({ back }) => back)) + 0.001);
      }),
    );
  });

  it.each([3_600_000, -3_600_000, 60, -60])(
    "is right again after the other clock was set by %i ms",
    (jump) => {
      const clock = createRemoteClock();
      clock.observe({ sentAt: 0, at: 1_000_005, receivedAt: 10 });
      clock.observe({ sentAt: 100, at: 1_000_105 + jump, receivedAt: 110 });
      expect(clock.localOf(1_000_205 + jump)).toBeCloseTo(210, 3);
    },
  );
});
