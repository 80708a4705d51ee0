/** Money, tokens, shares and times as people read them. Money stays exact: nano-dollars are never rounded. */
import { formatUsd } from "../domain/money.ts";
import type { Subtotal, Totals } from "../domain/usage.ts";

/** What a total says of money. */
export type Cost = Pick<Subtotal, "requests" | "costNanoUsd" | "unpricedRequests">;
/** The same with the most its unknown part can be; by model, where models with and without a price may be mixed. */
export type BoundedCost = Cost & Pick<Subtotal, "unpricedBoundNanoUsd"> & Partial<Pick<Totals, "byModel">>;

/** A total's money in little room: a lower bound is marked with `≥`, its reason is left out. */
export function formatBound(cost: Cost, decimals?: number): string {
  if (cost.costNanoUsd === undefined && cost.unpricedRequests === 0) return formatUsd(0, decimals);
  const known = formatUsd(cost.costNanoUsd, decimals);
  return cost.costNanoUsd !== undefined && cost.unpricedRequests > 0 ? `≥ ${known}` : known;
}

/**
 * A total's money; unknown parts are said, and the most they can be: `≥ $0.0123 (2 requests of unknown cost, at most
 * $0.0030 more)`, as answers lost on the way are; `≥ $0.0123 (2 requests without a price)`.
 */
export function formatCost(cost: BoundedCost): string {
  return cost.unpricedRequests === 0 ? formatBound(cost) : `${formatBound(cost)} (${unknownPart(cost)})`;
}

function unknownPart(cost: BoundedCost): string {
  const { costNanoUsd, unpricedRequests, unpricedBoundNanoUsd, byModel = {} } = cost;
  const requests = count(unpricedRequests, "request");
  if (unpricedBoundNanoUsd === 0) return `${requests} without a price`;
  // A model either has a price, and with it a bound, or neither.
  const isOpen = Object.values(byModel).some(
    (model) => model.unpricedRequests > 0 && model.unpricedBoundNanoUsd === 0,
  );
  if (isOpen) return `${requests} of unknown cost, some of them without a price`;
  const most = formatUsd(unpricedBoundNanoUsd);
  return costNanoUsd === undefined
    ? `${requests}, at most ${most}`
    : `${requests} of unknown cost, at most ${most} more`;
}

/** `3 answers from the cache saved $0.0012`; undefined when none came from there. */
export function formatSaved({ cacheHits, savedNanoUsd }: Subtotal): string | undefined {
  if (cacheHits === undefined) return undefined;
  const saved = savedNanoUsd === undefined ? "" : ` saved ${formatUsd(savedNanoUsd)}`;
  return `${count(cacheHits, "answer")} from the cache${saved}`;
}

/** How many decimals the finest of the amounts needs; with them in all, the points of a right-aligned column stand in line. */
export function usdDecimals(nanoAmounts: readonly (number | undefined)[]): number {
  return Math.max(0, ...nanoAmounts.map((nano = 0) => formatUsd(nano).split(".")[1]?.length ?? 0));
}

/** Amounts for one right-aligned column. */
export function costColumn(costs: readonly Cost[]): string[] {
  const decimals = usdDecimals(costs.map(({ costNanoUsd }) => costNanoUsd));
  return costs.map((cost) => formatBound(cost, decimals));
}

/** `1,234`; undefined is `unknown`. */
export function formatTokens(tokens: number | undefined): string {
  return tokens === undefined ? "unknown" : tokens.toLocaleString("en-US");
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
  return `${quantity.toLocaleString("en-US")} ${noun}${quantity === 1 ? "" : "s"}`;
}
