/** How much a conversation may still spend. The gateway refuses any request whose worst case is more. */
import { formatUsd, nanoUsd } from "../domain/money.ts";
import type { EndingRecord } from "../domain/record.ts";
import type { Totals } from "../domain/usage.ts";
import { spentAtMost } from "../ledger/totals.ts";

export interface ConversationBudget {
  capNanoUsd: number;
  /** A request of unknown cost counts with the most it can have cost. */
  spentNanoUsd: number;
  spendableNanoUsd: number;
}

/** Undefined when nothing caps the cost. `reservedNanoUsd` is what requests in flight can still cost. */
export function budgetOf(
  maxCostUsd: number | undefined,
  totals: Totals,
  reservedNanoUsd = 0,
): ConversationBudget | undefined {
  if (maxCostUsd === undefined) return undefined;
  const capNanoUsd = nanoUsd(maxCostUsd);
  const spentNanoUsd = spentAtMost(totals);
  return {
    capNanoUsd,
    spentNanoUsd,
    spendableNanoUsd: Math.max(0, capNanoUsd - spentNanoUsd - reservedNanoUsd),
  };
}

/** The ending of a conversation whose next request might pass its cap, or one that it shares with others. */
export const budgetReached = (budget: ConversationBudget | undefined, detail: string): EndingRecord => ({
  kind: "maxCostUsd",
  evidence:
    budget === undefined
      ? detail
      : `${formatUsd(budget.spentNanoUsd)} of ${formatUsd(budget.capNanoUsd)} spent. ${detail}`,
});
