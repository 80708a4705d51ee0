import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRecentTotal, SLOT_MS } from "../../../src/model/pace/recent-total.ts";

describe("what was sent lately", () => {
  it("is never less than what was sent in the window, and no more than in one a slot longer", () => {
    const steps = fc.array(
      fc.record({
        pauseMs: fc.double({ min: 0, max: 5000, noNaN: true }),
        amount: fc.integer({ min: 1, max: 999 }),
      }),
      { minLength: 1, maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, fc.double({ min: 20, max: 60_000, noNaN: true }), (all, windowMs) => {
        const recent = createRecentTotal();
        const sent: { at: number; amount: number }[] = [];
        const exact = (from: number) =>
          sent.filter(({ at }) => at >= from).reduce((sum, { amount }) => sum + amount, 0);
        let now = 12.3;
        for (const { pauseMs, amount } of all) {
          now += pauseMs;
          recent.add(amount, now);
          sent.push({ at: now, amount });
          const total = recent.since(now - windowMs, now);
          expect(total).toBeGreaterThanOrEqual(exact(now - windowMs));
          expect(total).toBeLessThanOrEqual(exact(now - windowMs - SLOT_MS));
        }
      }),
    );
  });

  it("has room at the time it names, and not a slot before", () => {
    const amounts = fc.array(fc.tuple(fc.nat({ max: 900 }), fc.integer({ min: 1, max: 50 })), {
      minLength: 1,
    });
    fc.assert(
      fc.property(amounts, fc.integer({ min: 1, max: 100 }), (all, cost) => {
        const recent = createRecentTotal();
        let now = 0;
        for (const [pauseMs, amount] of all) {
          now += pauseMs;
          recent.add(amount, now);
        }
        const [windowMs, capacity] = [2000, 100];
        const fits = (time: number) => recent.since(time - windowMs, now) + cost <= capacity;
        const roomAt = recent.roomAt({ windowMs, capacity, cost, now });
        if (roomAt === Number.NEGATIVE_INFINITY) expect(fits(now)).toBe(true);
        else {
          expect(roomAt).toBeGreaterThan(now);
          expect(fits(roomAt)).toBe(true);
          expect(fits(roomAt - SLOT_MS)).toBe(false);
        }
      }),
    );
  });

  it("gives back where it was sent, so that it is not given back twice", () => {
    const recent = createRecentTotal();
    recent.add(100, 0);
    recent.add(50, 1000);
    recent.correct(-60, 0, 1000);
    expect(recent.since(0, 1000)).toBe(90);
    expect(recent.since(500, 1000)).toBe(50);
  });

  it("makes a cost above the capacity wait for an empty window", () => {
    const recent = createRecentTotal();
    recent.add(1, 0);
    recent.add(1, 700);
    expect(recent.roomAt({ windowMs: 2000, capacity: 10, cost: 11, now: 800 })).toBe(2710);
  });

  it("forgets after a long silence", () => {
    const recent = createRecentTotal();
    recent.add(100, 0);
    recent.correct(5, 0, 86_400_000);
    expect(recent.since(86_340_000, 86_400_000)).toBe(0);
  });
});
