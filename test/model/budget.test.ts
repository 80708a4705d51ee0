import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBudget, type Reservation } from "../../src/model/budget.ts";

const CAP = { maxCostUsd: 1e-6 }; // 1000 nano-dollars

describe("a shared cap", () => {
  it("holds the worst case until the cost is known", async () => {
    const budget = createBudget(CAP);
    const held = await budget.reserve(600);
    expect([budget.heldNanoUsd, budget.spentNanoUsd]).toEqual([600, 0]);
    held?.settle(150);
    expect([budget.heldNanoUsd, budget.spentNanoUsd]).toEqual([0, 150]);
  });

  it("counts a settled amount once", async () => {
    const budget = createBudget(CAP);
    const held = await budget.reserve(600);
    held?.settle(150);
    held?.settle(150);
    expect(budget.spentNanoUsd).toBe(150);
  });

  it("refuses what cannot fit any more, and lets wait what may", async () => {
    const budget = createBudget({ ...CAP, spentNanoUsd: 300 });
    expect(await budget.reserve(701)).toBeUndefined();
    const first = await budget.reserve(500);
    let second: Reservation | undefined | null = null;
    const waiting = budget.reserve(500).then((reservation) => {
      second = reservation;
    });
    await Promise.resolve();
    expect(second).toBeNull();
    first?.settle(100);
    await waiting;
    expect(second).toBeDefined();
    expect(budget.heldNanoUsd).toBe(500);
  });

  it("refuses those who wait as soon as they cannot fit", async () => {
    const budget = createBudget(CAP);
    const first = await budget.reserve(700);
    const waiting = budget.reserve(500);
    first?.settle(600);
    expect(await waiting).toBeUndefined();
  });

  it("serves in the order of asking, so that a large request is not overtaken for ever", async () => {
    const budget = createBudget(CAP);
    const first = await budget.reserve(600);
    const order: string[] = [];
    const large = budget.reserve(900).then(() => order.push("large"));
    const small = budget.reserve(50).then(() => order.push("small"));
    first?.settle(0);
    await Promise.all([large, small]);
    expect(order).toEqual(["large", "small"]);
  });

  it("lets an aborted one leave at once, and those behind it go on", async () => {
    const budget = createBudget(CAP);
    await budget.reserve(600);
    const abort = new AbortController();
    const large = budget.reserve(900, abort.signal);
    const small = budget.reserve(50);
    abort.abort(new Error("enough"));
    await expect(large).rejects.toThrow("enough");
    expect(await small).toBeDefined();
    await expect(budget.reserve(1, abort.signal)).rejects.toThrow("enough");
  });

  it.each([0, -1, Number.NaN])("refuses a cap of %s dollars", (maxCostUsd) => {
    expect(() => createBudget({ maxCostUsd })).toThrow(/expected dollars above 0/);
  });

  it("is never passed, whatever costs up to their worst case come in whatever order", async () => {
    const request = fc.record({
      worst: fc.integer({ min: 0, max: 700 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { maxLength: 40 }),
        fc.infiniteStream(fc.nat(1000)),
        async (requests, order) => {
          const budget = createBudget(CAP);
          const open: { reservation: Reservation; cost: number }[] = [];
          const settleOne = () => {
            const [chosen] = open.splice((order.next().value ?? 0) % open.length, 1);
            chosen?.reservation.settle(chosen.cost);
            expect(budget.spentNanoUsd + budget.heldNanoUsd).toBeLessThanOrEqual(budget.capNanoUsd);
          };
          const all = requests.map(async ({ worst, share }) => {
            const reservation = await budget.reserve(worst);
            if (reservation !== undefined) open.push({ reservation, cost: Math.floor(worst * share) });
          });
          for (let left = requests.length; left > 0; ) {
            await new Promise(setImmediate);
            if (open.length > 0) settleOne();
            else left -= 1;
          }
          await Promise.all(all);
          expect(budget.heldNanoUsd).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });
});
