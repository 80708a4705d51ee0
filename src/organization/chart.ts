/** Bars over time, each stacked of named parts, as many as there is room for. Pure. */
import type { Period } from "./options.ts";
import { exactSum } from "./sums.ts";

export interface Bar {
  /** Milliseconds since 1970. */
  readonly startsAt: number;
  /** By name; in the order in which they came. */
  readonly parts: ReadonlyMap<string, number>;
}

export interface Chart {
  /** How long a bar's time is, in milliseconds. */
  readonly stepMs: number;
  /** One after the other without gaps; empty ones have no parts. */
  readonly bars: readonly Bar[];
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
/** Minutes; each divides the next, so that bars can be put together. */
const STEPS = [1, 5, 15, 60, 360, DAY_MINUTES, 7 * DAY_MINUTES, 28 * DAY_MINUTES];

/** Where the first bar begins: at a full day, hour or minute, as buckets do, though that is before the first of them. */
const firstStart = (since: number, stepMs: number) => {
  const wholeMs = Math.min(stepMs, DAY_MINUTES * MINUTE_MS);
  return Math.floor(since / wholeMs) * wholeMs;
};

const barsIn = ({ since, until }: Period, stepMs: number) =>
  Math.ceil((until - firstStart(since, stepMs)) / stepMs);

/** The shortest step of at least `bucketMs` with which there are at most `most` bars. */
function stepFor(period: Period, bucketMs: number, most: number): number {
  const isEnough = (stepMs: number) => stepMs >= bucketMs && barsIn(period, stepMs) <= most;
  const known = STEPS.map((minutes) => minutes * MINUTE_MS).find(isEnough);
  if (known !== undefined) return known;
  let stepMs = (STEPS.at(-1) ?? 1) * MINUTE_MS;
  while (!isEnough(stepMs)) stepMs *= 2;
  return stepMs;
}

export interface ChartKeeper {
  /** @param startsAt of a bucket; milliseconds since 1970 */
  add(startsAt: number, name: string, value: number): void;
  read(): Chart;
}

/** @param most bars; longer times make wider ones */
export function createChart(period: Period, bucketMs: number, most: number): ChartKeeper {
  const stepMs = stepFor(period, bucketMs, most);
  const since = firstStart(period.since, stepMs);
  const bars = Array.from({ length: barsIn(period, stepMs) }, (_, index) => ({
    startsAt: since + index * stepMs,
    parts: new Map<string, number>(),
  }));
  return {
    add(startsAt, name, value) {
      const parts = bars[Math.floor((startsAt - since) / stepMs)]?.parts;
      parts?.set(name, exactSum(parts.get(name) ?? 0, value));
    },
    read: () => ({ stepMs, bars }),
  };
}

/** The same with at most `most` bars. */
export function folded({ stepMs, bars }: Chart, most: number): Chart {
  const since = bars[0]?.startsAt;
  if (since === undefined || bars.length <= most) return { stepMs, bars };
  const whole = createChart({ since, until: since + bars.length * stepMs }, stepMs, most);
  for (const { startsAt, parts } of bars) {
    for (const [name, value] of parts) whole.add(startsAt, name, value);
  }
  return whole.read();
}

export interface Series {
  readonly name: string;
  readonly total: number;
}

/** What all bars are made of, the greatest first. */
export function seriesOf({ bars }: Chart): Series[] {
  const totals = new Map<string, number>();
  for (const { parts } of bars) {
    for (const [name, value] of parts) totals.set(name, exactSum(totals.get(name) ?? 0, value));
  }
  return [...totals]
    .map(([name, total]) => ({ name, total }))
    .sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1));
}

/** The same chart with the greatest `most` parts by name and the rest as one, which is called `rest`. */
export function withFewParts(chart: Chart, most: number, rest: string): Chart {
  const series = seriesOf(chart);
  if (series.length <= most) return chart;
  const kept = new Set(series.slice(0, most - 1).map(({ name }) => name));
  const bars = chart.bars.map(({ startsAt, parts }) => {
    const few = new Map<string, number>();
    for (const [name, value] of parts) {
      const shown = kept.has(name) ? name : rest;
      few.set(shown, exactSum(few.get(shown) ?? 0, value));
    }
    return { startsAt, parts: few };
  });
  return { stepMs: chart.stepMs, bars };
}
