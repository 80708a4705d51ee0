/**
 * The bill by time: what was charged in each minute and on each day (UTC), by model, tier and payer. It is kept for so
 * many days and no longer: minutes for 32, days for 401. Where very many models and payers were told apart it is less; the latest day is always kept.
 */
import type { ModelInfo } from "../domain/model-info.ts";
import { type BilledTier, type Chargeable, chargeNanoUsd, type Payer } from "./bill.ts";
import type { TokenUsage } from "./protocol.ts";

/** Sums of charges. Money is whole nano-dollars, by line of the price list; requests without a price add none. */
export interface Spent {
  requests: number;
  /** With the cached ones. */
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  /** Of the uncached input. */
  inputNanoUsd: number;
  cachedInputNanoUsd: number;
  outputNanoUsd: number;
  /** Tokens and cost of requests to models without a price are on no line. */
  unpricedRequests: number;
}

/** What was charged within some time for the same model and tier to the same payer. */
export interface SpentCell extends Payer {
  readonly model: string;
  readonly tier: BilledTier;
  readonly sums: Spent;
}

export interface Spending {
  /** @param at milliseconds since 1970 */
  add(charge: Omit<Chargeable, "requestId" | "at">, at: number): void;
  /** What was charged from a minute to another, the second one excluded; whole days are read faster. Milliseconds since 1970. */
  between(from: number, until: number): SpentCell[];
  /** Since when each minute is known. */
  readonly minutesSince: number;
  /** Since when each day is known. */
  readonly daysSince: number;
  clear(): void;
}

export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;
/** A month of days and the day that is not over. */
const DAYS_OF_MINUTES = 32;
const DAYS = 401;
/** Of minutes and days together; some 100 MB. */
const MOST_CELLS = 300_000;

type Cells = Map<string, SpentCell>;

interface Day {
  readonly cells: Cells;
  /** By number of the minute since 1970; undefined once they were dropped. */
  minutes: Map<number, Cells> | undefined;
}

const emptySums = (): Spent => ({
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  inputNanoUsd: 0,
  cachedInputNanoUsd: 0,
  outputNanoUsd: 0,
  unpricedRequests: 0,
});

/**
 * A charge by lines of the price list. Each line ends where the sum so far, rounded, ends: no line is negative, and
 * together they are the charge to the nano-dollar, which is rounded once.
 */
export function chargeLines(model: ModelInfo, usage: TokenUsage, tier: BilledTier) {
  const { inputTokens, cachedInputTokens } = usage;
  const parts = [
    { ...usage, inputTokens: inputTokens - cachedInputTokens, cachedInputTokens: 0, outputTokens: 0 },
    { ...usage, outputTokens: 0 },
    usage,
  ].map((part) => chargeNanoUsd(model, part, tier));
  const [input, withCached, all] = parts;
  if (input === undefined || withCached === undefined || all === undefined) return undefined;
  return {
    inputNanoUsd: Number(input),
    cachedInputNanoUsd: Number(withCached - input),
    outputNanoUsd: Number(all - withCached),
  };
}

function sumsOf(model: ModelInfo, usage: TokenUsage, tier: BilledTier): Spent {
  const { inputTokens, cachedInputTokens, outputTokens } = usage;
  const lines = chargeLines(model, usage, tier) ?? { unpricedRequests: 1 };
  return { ...emptySums(), requests: 1, inputTokens, cachedInputTokens, outputTokens, ...lines };
}

export const addSums = (sums: Spent, more: Readonly<Spent>): void => {
  for (const field of Object.keys(sums) as (keyof Spent)[]) sums[field] += more[field];
};

export function createSpending({
  mostCells = MOST_CELLS,
}: {
  mostCells?: number | undefined;
} = {}): Spending {
  const days = new Map<number, Day>();
  let cells = 0;
  let latestDay = 0;
  /** Older ones are not kept. */
  let oldestMinutes = 0;
  let oldestDay = 0;
  /** Days after the last one of which something was dropped. */
  let minutesSince = 0;
  let daysSince = 0;

  const dropMinutes = (number: number, day: Day) => {
    for (const minute of day.minutes?.values() ?? []) cells -= minute.size;
    day.minutes = undefined;
    minutesSince = Math.max(minutesSince, number + 1);
  };
  const dropOld = () => {
    for (const [number, day] of days) {
      if (number < oldestMinutes && day.minutes !== undefined) dropMinutes(number, day);
      if (number >= oldestDay) continue;
      cells -= day.cells.size;
      days.delete(number);
      daysSince = Math.max(daysSince, number + 1);
    }
  };
  /** Where too much was told apart the oldest minutes go first, then the oldest days. */
  const makeRoom = () => {
    while (cells > mostCells && oldestDay < latestDay) {
      if (oldestMinutes < latestDay) oldestMinutes += 1;
      else oldestDay += 1;
      dropOld();
    }
  };
  const dayOf = (number: number): Day => {
    const known = days.get(number);
    if (known !== undefined) return known;
    const day: Day = { cells: new Map(), minutes: new Map() };
    days.set(number, day);
    if (number > latestDay) {
      latestDay = number;
      oldestMinutes = Math.max(oldestMinutes, number - DAYS_OF_MINUTES + 1);
      oldestDay = Math.max(oldestDay, number - DAYS + 1);
    }
    dropOld();
    return day;
  };
  const addTo = (place: Cells, key: string, { sums, ...cell }: SpentCell) => {
    const known = place.get(key);
    if (known !== undefined) return addSums(known.sums, sums);
    place.set(key, { ...cell, sums: { ...sums } });
    cells += 1;
  };

  return {
    get minutesSince() {
      return Math.max(minutesSince, daysSince) * DAY_MS;
    },
    get daysSince() {
      return daysSince * DAY_MS;
    },
    add({ model, tier, usage, payer = {} }, at) {
      const number = Math.floor(at / DAY_MS);
      const day = dayOf(number);
      const { project, user, apiKey } = payer;
      const cell = { model: model.id, tier, project, user, apiKey, sums: sumsOf(model, usage, tier) };
      const key = JSON.stringify([model.id, tier, project, user, apiKey]);
      addTo(day.cells, key, cell);
      if (day.minutes !== undefined) {
        const minute = Math.floor(at / MINUTE_MS);
        const place = day.minutes.get(minute) ?? new Map();
        day.minutes.set(minute, place);
        addTo(place, key, cell);
      }
      makeRoom();
    },
    between(from, until) {
      const found: SpentCell[] = [];
      for (let at = from; at < until; ) {
        const number = Math.floor(at / DAY_MS);
        const day = days.get(number);
        const end = Math.min(until, (number + 1) * DAY_MS);
        if (end - at === DAY_MS) found.push(...(day?.cells.values() ?? []));
        else if (day?.minutes !== undefined) {
          for (let minute = at / MINUTE_MS; minute < end / MINUTE_MS; minute += 1) {
            found.push(...(day.minutes.get(minute)?.values() ?? []));
          }
        }
        at = end;
      }
      return found;
    },
    clear() {
      days.clear();
      cells = 0;
      latestDay = 0;
      oldestMinutes = 0;
      oldestDay = 0;
      minutesSince = 0;
      daysSince = 0;
    },
  };
}
