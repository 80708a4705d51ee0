/** Money is a whole number of nano-dollars: from dollars as people write them, and back, without losing one. */

const NANO = 1_000_000_000;
const FEWEST_DECIMALS = 4;

/**
 * The whole nano-dollars in an amount of dollars, never rounded up; at most the greatest safe integer, some
 * 9 million dollars. 1.001 is 1,001,000,000 although its binary fraction times 10^9 is 1,000,999,999.9999999.
 */
export function nanoUsd(usd: number): number {
  const nearest = Math.min(Math.round(usd * NANO), Number.MAX_SAFE_INTEGER);
  return nearest / NANO <= usd ? nearest : nearest - 1;
}

/**
 * Nano-dollars as exact decimal dollars: `$0.001234567`, `$12.3000`.
 *
 * @param nano a safe integer, at least 0; undefined means unknown.
 * @param decimals pad with zeros to this many; at least 4, and never fewer than the amount needs.
 */
export function formatUsd(nano: number | undefined, decimals = FEWEST_DECIMALS): string {
  if (nano === undefined) return "unknown";
  const fraction = String(nano % NANO).padStart(9, "0");
  const shown = Math.max(FEWEST_DECIMALS, decimals, fraction.replace(/0+$/, "").length);
  return `$${((nano - (nano % NANO)) / NANO).toLocaleString("en-US")}.${fraction.slice(0, shown)}`;
}

/** Nano-dollars as an exact decimal for other programs: `0.001234500`, always with nine decimals and without a sign. */
export const usdText = (nano: number): string =>
  `${(nano - (nano % NANO)) / NANO}.${String(nano % NANO).padStart(9, "0")}`;
