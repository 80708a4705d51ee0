/** Rows of both sides, put together by day, model and tier. Pure. */
import type { Tier } from "../../domain/usage.ts";
import { exactSum } from "../sums.ts";
import { type Amounts, isNothing, isPositive, isWithin, minus, NOTHING, negated, plus } from "./amounts.ts";
import { DAY_MS, dayOf, type LedgerRow, type ProviderRow } from "./rows.ts";

/** A day of one model at one tier. */
export interface Cell {
  day: number;
  model: string;
  /** Undefined: the provider does not tell it of this model. */
  tier: Tier | undefined;
  /** Without those that the provider counts on the day after, and with those of the day before. */
  ledger: Amounts;
  /** Of these, such as were counted on the day before; below 0: on the day after. */
  moved: Amounts;
  /** Of the ledger's own day: may be counted on the day after. */
  late: Amounts;
  /** Of the ledger's own day, as far as they have a price. */
  costNanoUsd: number;
  unpriced: number;
  provider: Amounts;
  /** The provider tells cached tokens of all. */
  isCachedTold: boolean;
  hasOtherTokens: boolean;
}

const HOUR_MS = 3_600_000;

/** How long after its beginning an answer may be billed: one at flex takes 15 minutes at most; times of rows are those of whole hours. */
const isLate = ({ latest, earliest, tier }: LedgerRow) =>
  dayOf(latest + HOUR_MS + (tier === "batch" ? DAY_MS : HOUR_MS)) > dayOf(earliest);

function addLedger(cell: Cell, row: LedgerRow): void {
  cell.ledger = plus(cell.ledger, row);
  if (isLate(row)) cell.late = plus(cell.late, row);
  cell.costNanoUsd = exactSum(cell.costNanoUsd, row.costNanoUsd);
  cell.unpriced += row.unpriced;
}

function addProvider(cell: Cell, row: ProviderRow): void {
  const { cachedInputTokens = 0 } = row;
  cell.provider = plus(cell.provider, { ...row, cachedInputTokens });
  cell.isCachedTold &&= row.cachedInputTokens !== undefined || row.inputTokens === 0;
  cell.hasOtherTokens ||= row.hasOtherTokens;
}

/** The provider's amounts; what it does not tell is taken to be the ledger's. */
export const toldOf = ({ provider, ledger, isCachedTold }: Cell): Amounts =>
  isCachedTold ? provider : { ...provider, cachedInputTokens: ledger.cachedInputTokens };

/** The provider's less the ledger's. */
export const differenceOf = (cell: Cell): Amounts => minus(toldOf(cell), cell.ledger);

/**
 * What was answered before midnight may be billed after it, and of some it is known only between which times they came. It is
 * moved to the day after where that makes the one day equal to the last token and gives the next no more than the provider has.
 */
function moveLate(cell: Cell, next: Cell): void {
  const surplus = negated(differenceOf(cell));
  if (isNothing(surplus) || !isPositive(surplus)) return;
  if (!isWithin(surplus, cell.late) || !isWithin(surplus, differenceOf(next))) return;
  cell.moved = minus(cell.moved, surplus);
  cell.ledger = minus(cell.ledger, surplus);
  next.moved = plus(next.moved, surplus);
  next.ledger = plus(next.ledger, surplus);
}

/** Ordered by day, model and tier. @param since what came before, or may have, is looked for on this day */
export function cellsOf(
  { ledger, provider }: { ledger: readonly LedgerRow[]; provider: readonly ProviderRow[] },
  since: number,
): Cell[] {
  // What one row leaves out cannot be compared in any row of its model.
  const untold = new Set(provider.filter(({ tier }) => tier === undefined).map(({ model }) => model));
  const cells = new Map<string, Cell>();
  const keyOf = (day: number, model: string, tier: Tier | undefined) =>
    JSON.stringify([day, model, tier ?? null]);
  const cellOf = (day: number, { model, tier: own }: Pick<ProviderRow, "model" | "tier">): Cell => {
    const tier = untold.has(model) ? undefined : own;
    const key = keyOf(day, model, tier);
    const known = cells.get(key);
    if (known !== undefined) return known;
    const none = { ledger: NOTHING, moved: NOTHING, late: NOTHING, costNanoUsd: 0, unpriced: 0 };
    const cell = { day, model, tier, ...none, provider: NOTHING, isCachedTold: true, hasOtherTokens: false };
    cells.set(key, cell);
    return cell;
  };
  for (const row of ledger) addLedger(cellOf(Math.max(since, dayOf(row.earliest)), row), row);
  for (const row of provider) addProvider(cellOf(row.day, row), row);
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  const sorted = [...cells.values()].sort(
    (a, b) => a.day - b.day || compare(a.model, b.model) || compare(a.tier ?? "", b.tier ?? ""),
  );
  for (const cell of sorted) {
    const next = cells.get(keyOf(cell.day + DAY_MS, cell.model, cell.tier));
    if (next !== undefined) moveLate(cell, next);
  }
  return sorted;
}
