/** What was charged for a day of a model, beside what the tokens of both sides lead one to expect. Pure. */
import { exactSum } from "../sums.ts";
import type { ReconciledRow } from "./reconciled-row.ts";
import type { ChargeRow } from "./rows.ts";

export interface ChargedRow {
  /** When the day begins; milliseconds since 1970. */
  day: number;
  model: string;
  /** The ledger's cost and what the difference in tokens costs by the catalog; undefined: of some it is not known. */
  expectedNanoUsd: number | undefined;
  /** Undefined: no line of that day's invoice names the model, or none does yet. */
  chargedNanoUsd: number | undefined;
  /** Charged less expected; undefined: one of them is not known. */
  differenceNanoUsd: number | undefined;
  /** Half a nano-dollar for each request and each line of the invoice: both are rounded, to whole ones. */
  roundingNanoUsd: number;
  isExplained: boolean;
}

const keyOf = ({ day, model }: { day: number; model: string }) => `${day} ${model}`;

function expectedOf({ verdict, ledger, difference }: ReconciledRow): number | undefined {
  if (verdict === "matched") return ledger.costNanoUsd;
  return ledger.costNanoUsd === undefined || difference.costNanoUsd === undefined
    ? undefined
    : exactSum(ledger.costNanoUsd, difference.costNanoUsd);
}

export function chargedRows(rows: readonly ReconciledRow[], charges: readonly ChargeRow[]): ChargedRow[] {
  const lines = new Map<string, { nanoUsd: number; count: number; day: number; model: string }>();
  for (const { day, model, nanoUsd } of charges) {
    if (model === undefined) continue;
    const key = keyOf({ day, model });
    const known = lines.get(key) ?? { nanoUsd: 0, count: 0, day, model };
    lines.set(key, { ...known, nanoUsd: exactSum(known.nanoUsd, nanoUsd), count: known.count + 1 });
  }
  const expected = new Map<
    string,
    { day: number; model: string; nanoUsd: number | undefined; requests: number }
  >();
  for (const row of rows) {
    const { day, model, provider } = row;
    const before = expected.get(keyOf(row)) ?? { day, model, nanoUsd: 0, requests: 0 };
    const more = expectedOf(row);
    const nanoUsd =
      before.nanoUsd === undefined || more === undefined ? undefined : exactSum(before.nanoUsd, more);
    expected.set(keyOf(row), { ...before, nanoUsd, requests: before.requests + provider.requests });
  }
  const places = new Map([...lines, ...expected].map(([key, { day, model }]) => [key, { day, model }]));
  return [...places]
    .map(([key, place]) => {
      const line = lines.get(key);
      // Charges for what neither side counts are for nothing that is expected.
      const { nanoUsd: expectedNanoUsd, requests } = expected.get(key) ?? { nanoUsd: 0, requests: 0 };
      const differenceNanoUsd =
        line === undefined || expectedNanoUsd === undefined ? undefined : line.nanoUsd - expectedNanoUsd;
      const roundingNanoUsd = Math.ceil((requests + (line?.count ?? 0)) / 2);
      return {
        ...place,
        expectedNanoUsd,
        chargedNanoUsd: line?.nanoUsd,
        differenceNanoUsd,
        roundingNanoUsd,
        isExplained: Math.abs(differenceNanoUsd ?? 0) <= roundingNanoUsd,
      };
    })
    .sort((a, b) => a.day - b.day || (a.model < b.model ? -1 : 1));
}
