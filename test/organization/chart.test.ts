import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Chart, createChart, folded, seriesOf, withFewParts } from "../../src/organization/chart.ts";
import { createGroups, exactSum } from "../../src/organization/sums.ts";

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const SINCE = Date.UTC(2026, 10, 1);

const sumOf = ({ bars }: Chart) =>
  bars.flatMap(({ parts }) => [...parts.values()]).reduce((sum, value) => sum + value, 0);

describe("a chart", () => {
  it.each([
    [7 * DAY, DAY, 93, DAY, 7],
    [93 * DAY, DAY, 93, DAY, 93],
    [94 * DAY, DAY, 93, 7 * DAY, 14],
    [400 * DAY, DAY, 93, 7 * DAY, 58],
    [60 * MINUTE, MINUTE, 93, MINUTE, 60],
    [DAY, MINUTE, 93, 60 * MINUTE, 24],
    [31 * DAY, MINUTE, 750, 60 * MINUTE, 744],
    [31 * DAY, 60 * MINUTE, 93, DAY, 31],
    [100_000 * DAY, DAY, 93, 28 * 64 * DAY, 56],
  ])(
    "of %d ms in buckets of %d has at most %d bars: of %d ms, %d",
    (length, bucketMs, most, stepMs, bars) => {
      const chart = createChart({ since: SINCE, until: SINCE + length }, bucketMs, most).read();
      expect([chart.stepMs, chart.bars.length]).toEqual([stepMs, bars]);
      expect(chart.bars.map(({ startsAt }) => startsAt - SINCE)).toEqual(
        Array.from({ length: bars }, (_, index) => index * stepMs),
      );
    },
  );

  it("has bars of full days, hours or minutes in UTC, whenever its time begins", () => {
    const minutes = fc.integer({ min: 1, max: 120 * 1440 });
    fc.assert(
      fc.property(minutes, minutes, fc.nat(), (sinceMinute, length, place) => {
        const since = SINCE + sinceMinute * MINUTE;
        const keeper = createChart({ since, until: since + length * MINUTE }, MINUTE, 93);
        const at = since + (place % length) * MINUTE;
        keeper.add(at, "a", 1);
        const { stepMs, bars } = keeper.read();
        expect(bars.length).toBeLessThanOrEqual(93);
        for (const { startsAt } of bars) expect(startsAt % Math.min(stepMs, DAY)).toBe(0);
        const filled = bars.filter(({ parts }) => parts.size > 0).map(({ startsAt }) => startsAt);
        expect(filled).toHaveLength(1);
        expect(at - (filled[0] ?? 0)).toBeGreaterThanOrEqual(0);
        expect(at - (filled[0] ?? 0)).toBeLessThan(stepMs);
      }),
    );
  });

  it("loses nothing when bars or parts are put together", () => {
    const parts = fc.record({
      at: fc.nat(200 * 24 - 1),
      name: fc.constantFrom(..."abcdefghij"),
      value: fc.integer({ min: -1000, max: 1_000_000 }),
    });
    fc.assert(
      fc.property(
        fc.array(parts),
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 2, max: 12 }),
        (all, most, few) => {
          const keeper = createChart({ since: SINCE, until: SINCE + 200 * DAY }, 60 * MINUTE, 10_000);
          for (const { at, name, value } of all) keeper.add(SINCE + at * 60 * MINUTE, name, value);
          const chart = keeper.read();
          const sum = all.reduce((total, { value }) => total + value, 0);
          expect(sumOf(chart)).toBe(sum);
          const smaller = withFewParts(folded(chart, most), few, "rest");
          expect(sumOf(smaller)).toBe(sum);
          expect(smaller.bars.length).toBeLessThanOrEqual(most);
          const series = seriesOf(smaller);
          expect(series.length).toBeLessThanOrEqual(few);
          expect(series.reduce((total, one) => total + one.total, 0)).toBe(sum);
          for (const [index, { total }] of series.entries()) {
            expect(total).toBeLessThanOrEqual(series[index - 1]?.total ?? Number.POSITIVE_INFINITY);
          }
        },
      ),
    );
  });
});

describe("sums", () => {
  it("are exact or none", () => {
    expect(exactSum(Number.MAX_SAFE_INTEGER - 1, 1)).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => exactSum(Number.MAX_SAFE_INTEGER, 1)).toThrow(/would not be exact\. Ask about less time/);
  });

  it("tell what is unknown from what is called so, and add up to their total", () => {
    const groups = createGroups<{ a: number; b: number }>();
    expect(groups.total()).toBeUndefined();
    groups.add(["x", undefined], { a: 1, b: 10 });
    groups.add(["x", "undefined"], { a: 2, b: 20 });
    groups.add(["x", undefined], { a: 4, b: 40 });
    expect(groups.list()).toEqual([
      { place: ["x", undefined], sums: { a: 5, b: 50 } },
      { place: ["x", "undefined"], sums: { a: 2, b: 20 } },
    ]);
    expect(groups.total()).toEqual({ a: 7, b: 70 });
  });
});
