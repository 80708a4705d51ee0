/** Money, tokens, shares and times as people read them. Money stays exact: nano-dollars are never rounded. */
import type { Subtotal } from "../domain/usage.ts";

const NANO = 1_000_000_000;
const FEWEST_DECIMALS = 4;
const grouped = (whole: number): string => String(whole).replace(/\B(?=(\d{3})+$)/g, ",");

/** What a total says of money. */
export type Cost = Pick<Subtotal, "requests" | "costNanoUsd" | "unpricedRequests">;

const significantDecimals = (nano: number): number =>
  String(nano % NANO)
    .padStart(9, "0")
    .replace(/0+$/, "").length;

/**
 * Nano-dollars as exact decimal dollars: `$0.001234567`, `$12.3000`.
 *
 * @param nano a safe integer, at least 0; undefined means unknown.
 * @param decimals pad with zeros to this many; at least 4, and never fewer than the amount needs.
 */
export function formatUsd(nano: number | undefined, decimals = FEWEST_DECIMALS): string {
  if (nano === undefined) return "unknown";
  const shown = Math.max(FEWEST_DECIMALS, decimals, significantDecimals(nano));
  const fraction = String(nano % NANO).padStart(9, "0");
  return `$${grouped((nano - (nano % NANO)) / NANO)}.${fraction.slice(0, shown)}`;
}

/** A total's money in little room: a lower bound is marked with `≥`, its reason is left out. */
export function formatBound(cost: Cost, decimals?: number): string {
  if (cost.costNanoUsd === undefined && cost.unpricedRequests === 0) return formatUsd(0, decimals);
  const known = formatUsd(cost.costNanoUsd, decimals);
  return cost.costNanoUsd !== undefined && cost.unpricedRequests > 0 ? `≥ ${known}` : known;
}

/** A total's money; unknown parts are said: `≥ $0.0123 (2 requests without a price)`. */
export function formatCost(cost: Cost): string {
  const { unpricedRequests } = cost;
  const note = unpricedRequests === 0 ? "" : ` (${count(unpricedRequests, "request")} without a price)`;
  return formatBound(cost) + note;
}

/** Amounts for one right-aligned column: all have the same number of decimals, so that the points stand in line. */
export function costColumn(costs: readonly Cost[]): string[] {
  const decimals = Math.max(0, ...costs.map(({ costNanoUsd = 0 }) => significantDecimals(costNanoUsd)));
  return costs.map((cost) => formatBound(cost, decimals));
}

/** `1,234`; undefined is `unknown`. */
export function formatTokens(tokens: number | undefined): string {
  return tokens === undefined ? "unknown" : grouped(tokens);
}

/** `12,345 in (8,192 cached), 678 out`. */
export function formatUsage(usage: Subtotal): string {
  const cached = usage.cachedInputTokens === 0 ? "" : ` (${formatTokens(usage.cachedInputTokens)} cached)`;
  return `${formatTokens(usage.inputTokens)} in${cached}, ${formatTokens(usage.outputTokens)} out`;
}

/** A share from 0 to 1 as `12.3%`; undefined is `–`. */
export function formatShare(share: number | undefined): string {
  return share === undefined ? "–" : `${(share * 100).toFixed(1)}%`;
}

/** Confidence from 0 to 1 as `72%`. */
export function formatPercent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/** `850 ms`, `12.3 s`, `4 min 5 s`; undefined for times that are no times. */
export function formatDuration(ms: number): string | undefined {
  if (!Number.isFinite(ms) || ms < 0) return undefined;
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(Math.floor(Math.round(ms) / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `1 turn`, `3 turns`. */
export function count(quantity: number, noun: string): string {
  return `${grouped(quantity)} ${noun}${quantity === 1 ? "" : "s"}`;
}
