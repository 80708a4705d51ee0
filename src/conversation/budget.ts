/** How much a conversation may still spend. The gateway refuses any request whose worst case is more. */
import type { EndingRecord } from "../domain/record.ts";
import type { EndingSettings } from "../domain/scenario.ts";
import type { Totals } from "../domain/usage.ts";
import { spentAtMost } from "../ledger/totals.ts";
import { limitOf } from "./endings.ts";

export interface Budget {
  capNanoUsd: number;
  spentNanoUsd: number;
  spendableNanoUsd: number;
}

/** Whole nano-dollars of an amount; 15 digits drop what binary fractions add: 1.001 * 1e9 is 1000999999.9999999. */
const nanoUsd = (usd: number): number => Math.floor(Number((usd * 1e9).toPrecision(15)));

/** Undefined when nothing caps the cost. A request of unknown cost counts with the most it can have cost. */
export function budgetOf(
  budgetUsd: number | undefined,
  endings: readonly EndingSettings[],
  totals: Totals,
): Budget | undefined {
  const caps = [budgetUsd, limitOf("maxCostUsd", endings)].filter((cap) => cap !== undefined);
  if (caps.length === 0) return undefined;
  const capNanoUsd = nanoUsd(Math.min(...caps));
  const spentNanoUsd = spentAtMost(totals);
  return { capNanoUsd, spentNanoUsd, spendableNanoUsd: Math.max(0, capNanoUsd - spentNanoUsd) };
}

const dollars = (nano: number) => `$${(nano / 1e9).toFixed(6)}`;

/** The ending of a conversation whose next request might pass the cap. */
export const budgetReached = ({ capNanoUsd, spentNanoUsd }: Budget, detail: string): EndingRecord => ({
  kind: "maxCostUsd",
  evidence: `${dollars(spentNanoUsd)} of ${dollars(capNanoUsd)} spent. ${detail}`,
});
