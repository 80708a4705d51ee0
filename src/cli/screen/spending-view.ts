/** What is shown of an organization's costs or usage, in a terminal and in a browser alike. */
import { formatUsd } from "../../domain/money.ts";
import { type Chart, seriesOf } from "../../organization/chart.ts";
import { formatShare, formatTokens, usdDecimals } from "../../report/figures.ts";
import { dayText, minuteText } from "./utc.ts";

export interface SpendingColumn {
  title: string;
  isFigure?: boolean;
  /** May be left out where there is no room. */
  isOptional?: boolean;
}

export interface SpendingTable {
  title: string;
  head: readonly SpendingColumn[];
  /** `rule`: what follows is a sum. */
  rows: readonly (readonly string[] | "rule")[];
}

export interface SpendingView {
  title: string;
  /** Who told it. */
  host: string;
  /** Milliseconds since 1970. */
  since: number;
  until: number;
  /** What bars are made of: `US dollars`. */
  unit: string;
  chart: Chart;
  tables: readonly SpendingTable[];
  notes: readonly string[];
  /** Amounts as texts whose points stand in line. */
  texts(amounts: readonly number[]): string[];
}

/** Dollars may be below 0, where something was credited. */
export function usdTexts(nanoAmounts: readonly number[]): string[] {
  const decimals = usdDecimals(nanoAmounts.map(Math.abs));
  return nanoAmounts.map((nano) => `${nano < 0 ? "-" : ""}${formatUsd(Math.abs(nano), decimals)}`);
}

export const tokenTexts = (amounts: readonly number[]): string[] => amounts.map(formatTokens);

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Names of times that a bar stands for. */
const STEPS: readonly [ms: number, one: string, name: string][] = [
  [DAY_MS, "a", "day"],
  [HOUR_MS, "an", "hour"],
  [60_000, "a", "minute"],
];

/** `a bar a day`, `a bar is 7 days`. */
export function stepText({ stepMs }: Chart): string {
  const [ms, one, name] = STEPS.find(([unit]) => stepMs % unit === 0) ?? [1, "a", "millisecond"];
  return stepMs === ms ? `a bar ${one} ${name}` : `a bar is ${stepMs / ms} ${name}s`;
}

/** When a bar's time begins, as short as it can be told. */
export const barTitle = ({ stepMs }: Chart, startsAt: number): string =>
  stepMs % DAY_MS === 0 ? dayText(startsAt) : minuteText(startsAt);

/** What bars are made of, the greatest first: how much of it there is, and its share where that says something. */
export function legendOf(chart: Chart, view: Pick<SpendingView, "texts">) {
  const series = seriesOf(chart);
  const all = series.reduce((sum, { total }) => sum + total, 0);
  const amounts = view.texts(series.map(({ total }) => total));
  return series.map(({ name, total }, index) => ({
    name,
    amount: amounts[index] ?? "",
    share: all > 0 && total >= 0 ? formatShare(total / all) : undefined,
  }));
}

/** `2026-11-01 00:00 to 2026-11-20 10:30 UTC`. */
export const periodText = ({ since, until }: SpendingView): string =>
  `${minuteText(since)} to ${minuteText(until)} UTC`;
