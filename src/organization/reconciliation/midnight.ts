/**
 * What the ledger holds by day, placed where the provider counts it. An answer that was begun before midnight may be billed
 * after it, and of some it is known only between which times they came. Such entries are moved to the day beside theirs, and only
 * where that makes the one day equal to the last token and leaves no day with less than the provider has. Pure.
 */
import { type Amounts, isNothing, isPositive, isWithin, minus, NOTHING, negated, plus } from "./amounts.ts";
import { DAY_MS, dayOf, type LedgerRow } from "./rows.ts";

const HOUR_MS = 3_600_000;
/** How long after its beginning an answer may be billed: one at flex takes 15 minutes at most, a batch a day. */
const LATE_MS = HOUR_MS;
const LATE_IN_BATCH_MS = DAY_MS;
/** By how much the provider's clocks may differ. */
const EARLY_MS = 5 * 60_000;
/** Times of rows are those of whole hours. */
const WIDTH_MS = HOUR_MS;

export interface Movable {
  /** What may belong to the day after. */
  forward: Amounts;
  /** What may belong to the day before. */
  backward: Amounts;
}

/** What of a row's day may lie in a neighbouring one. */
export function movableOf(row: LedgerRow): Movable {
  const late = row.tier === "batch" ? LATE_IN_BATCH_MS : LATE_MS;
  const isLate = dayOf(row.latest + WIDTH_MS - 1 + late) > dayOf(row.earliest);
  const isEarly = dayOf(row.earliest - EARLY_MS) < dayOf(row.earliest);
  return { forward: isLate ? row : NOTHING, backward: isEarly ? row : NOTHING };
}

export interface PlacedDay extends Movable {
  ledger: Amounts;
  provider: Amounts;
}

/**
 * What is to be added to each day's ledger, below 0 for what is taken away. Nothing is made or lost: they add up to nothing.
 * @param days one after the other
 */
export function movesOf(days: readonly PlacedDay[]): Amounts[] {
  const moves = days.map((): Amounts => NOTHING);
  const differenceOf = (index: number): Amounts | undefined => {
    const day = days[index];
    return day && minus(day.provider, plus(day.ledger, moves[index] ?? NOTHING));
  };
  for (const [index, day] of days.entries()) {
    const difference = differenceOf(index);
    const next = differenceOf(index + 1);
    if (difference === undefined || next === undefined || isNothing(difference)) continue;
    const surplus = negated(difference);
    const isLater = isPositive(surplus) && isWithin(surplus, day.forward) && isWithin(surplus, next);
    const before = days[index + 1]?.backward ?? NOTHING;
    const isEarlier =
      isPositive(difference) && isWithin(difference, before) && isWithin(next, negated(difference));
    if (!isLater && !isEarlier) continue;
    moves[index] = plus(moves[index] ?? NOTHING, difference);
    moves[index + 1] = minus(moves[index + 1] ?? NOTHING, difference);
  }
  return moves;
}
