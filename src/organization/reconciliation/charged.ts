/** What was charged for a day of a model, beside what the tokens of both sides lead one to expect. Pure. */
import { knownSum } from "../sums.ts";
import type { ChargeRow } from "./rows.ts";

/** Of a compared row, what is needed here. */
interface Expected {
  day: number;
  model: string;
  ledger: { costNanoUsd: number | undefined };
  difference: { costNanoUsd: number | undefined };
  provider: { requests: number };
}

/** A day of one model, charged and expected. */
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

function chargedRow(
  { day, model }: Pick<ChargedRow, "day" | "model">,
  rows: readonly Expected[],
  lines: readonly ChargeRow[],
): ChargedRow {
  const expectedNanoUsd = knownSum(
    rows.flatMap(({ ledger, difference }) => [ledger.costNanoUsd, difference.costNanoUsd]),
  );
  const chargedNanoUsd = lines.length === 0 ? undefined : knownSum(lines.map(({ nanoUsd }) => nanoUsd));
  const differenceNanoUsd =
    chargedNanoUsd === undefined || expectedNanoUsd === undefined
      ? undefined
      : chargedNanoUsd - expectedNanoUsd;
  const requests = rows.reduce((sum, { provider }) => sum + provider.requests, 0);
  const roundingNanoUsd = Math.ceil((requests + lines.length) / 2);
  const isExplained = Math.abs(differenceNanoUsd ?? 0) <= roundingNanoUsd;
  return { day, model, expectedNanoUsd, chargedNanoUsd, differenceNanoUsd, roundingNanoUsd, isExplained };
}

/** Ordered by day and model. Charges for what neither side counts are for nothing that is expected. */
export function chargedRows(rows: readonly Expected[], charges: readonly ChargeRow[]): ChargedRow[] {
  const keyOf = ({ day, model }: Pick<ChargedRow, "day" | "model">) => `${day} ${model}`;
  const lines = charges.flatMap(({ model, ...line }) => (model === undefined ? [] : [{ ...line, model }]));
  const [rowsBy, linesBy] = [Map.groupBy(rows, keyOf), Map.groupBy(lines, keyOf)];
  const places = new Map([...rows, ...lines].map((one) => [keyOf(one), one]));
  return [...places]
    .map(([key, place]) => chargedRow(place, rowsBy.get(key) ?? [], linesBy.get(key) ?? []))
    .sort((a, b) => a.day - b.day || (a.model < b.model ? -1 : 1));
}
