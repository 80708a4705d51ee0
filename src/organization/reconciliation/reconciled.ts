/** The ledger beside what the provider counts and charges: what agrees, what is on one side alone, and why. Pure. */
import type { Tier } from "../../domain/usage.ts";
import { knownSum } from "../sums.ts";
import { type Amounts, hasNoTokens, isNothing, isPositive, NOTHING, negated, plus } from "./amounts.ts";
import { type Cell, cellsOf, differenceOf, toldOf } from "./cells.ts";
import { type ChargedRow, chargedRows } from "./charged.ts";
import { createLostAnswers, type Lost, type LostAnswers } from "./lost-answers.ts";
import {
  type ChargeRow,
  DAY_MS,
  differenceCost,
  type LedgerRow,
  type LostRow,
  type PriceOf,
  type ProviderRow,
} from "./rows.ts";

/**
 * matched: equal to the last token. lost: what the provider has more is within what answers may have cost that were lost on
 * their way. only-at-provider: it has more, and nothing explains it. only-in-ledger: it has less. differs: more of the one kind
 * of tokens, and less of another.
 */
export type Verdict = "matched" | "lost" | "only-at-provider" | "only-in-ledger" | "differs";

/** Requests, tokens and their cost. */
export interface Counted extends Amounts {
  /** Undefined: of some it is not known. */
  costNanoUsd: number | undefined;
}

/** A day of one model at one tier. */
export interface ReconciledRow {
  /** When the day begins; milliseconds since 1970. */
  day: number;
  model: string;
  /** Undefined: the provider does not tell it of this model. */
  tier: Tier | undefined;
  /** What the ledger counts; costs as its entries have them. */
  ledger: Counted;
  /** What the provider counts; costs by the catalog's prices. */
  provider: Counted;
  /** The provider's less the ledger's. */
  difference: Counted;
  verdict: Verdict;
  /** Those that explain the difference; undefined: none do. */
  lost: Lost | undefined;
  /** Of the ledger's, what was answered on the day before and counted on this one; below 0: counted on the day after. */
  moved: Amounts;
}

export interface Reconciled {
  rows: ReconciledRow[];
  /** What was charged for each day and model, beside what both sides lead one to expect. */
  charged: ChargedRow[];
  /** Charges that are not for tokens of a model, in no sum; of amounts that are undefined where they were not told, or in another currency. */
  otherCharges: Pick<ChargeRow, "lineItem" | "nanoUsd">[];
  totals: Pick<ReconciledRow, "ledger" | "provider" | "difference">;
  /** Lost answers of this time that explain nothing here. */
  unbilled: Lost;
  /** Whether nothing differs but what lost answers explain. */
  isExplained: boolean;
}

export interface Sides {
  ledger: readonly LedgerRow[];
  lost: readonly LostRow[];
  provider: readonly ProviderRow[];
  charges: readonly ChargeRow[];
}

function verdictOn(difference: Amounts): Exclude<Verdict, "lost"> {
  if (hasNoTokens(difference)) return "matched";
  if (isPositive(difference)) return "only-at-provider";
  return isPositive(negated(difference)) ? "only-in-ledger" : "differs";
}

function rowOf(cell: Cell, lostAnswers: LostAnswers, priceOf: PriceOf): ReconciledRow {
  const { day, model, tier, ledger, moved } = cell;
  /** Exact for tokens of one kind, else to half a nano-dollar for each request. */
  const price = (amounts: Amounts) => {
    if (isNothing(amounts)) return 0;
    return cell.hasOtherTokens || !cell.isCachedTold ? undefined : priceOf(model, tier, amounts);
  };
  const difference = differenceOf(cell);
  const verdict = verdictOn(difference);
  const costNanoUsd = verdict === "matched" ? 0 : differenceCost(price, difference);
  const lost =
    verdict === "only-at-provider"
      ? lostAnswers.take({ day, model, tier, requests: difference.requests, costNanoUsd })
      : undefined;
  const movedNanoUsd = cell.unpriced > 0 ? undefined : differenceCost(price, moved);
  const told = toldOf(cell);
  return {
    day,
    model,
    tier,
    ledger: {
      ...ledger,
      costNanoUsd: movedNanoUsd === undefined ? undefined : cell.costNanoUsd + movedNanoUsd,
    },
    provider: { ...told, costNanoUsd: price(told) },
    difference: { ...difference, costNanoUsd },
    verdict: lost === undefined ? verdict : "lost",
    lost,
    moved,
  };
}

const sum = (all: readonly Counted[]): Counted => ({
  ...all.reduce<Amounts>(plus, NOTHING),
  costNanoUsd: knownSum(all.map(({ costNanoUsd }) => costNanoUsd)),
});

/**
 * @param sides with a day more before and after the period: what is billed beyond midnight belongs to what was asked before it
 * @param period whole days
 * @throws DramatisError `invalid-argument` where a sum would not be exact
 */
export function reconciled(
  sides: Sides,
  { since, until }: { since: number; until: number },
  priceOf: PriceOf,
): Reconciled {
  const lost = createLostAnswers(sides.lost);
  const isAsked = ({ day }: { day: number }) => day >= since && day < until;
  const rows = cellsOf(sides, since - DAY_MS)
    .filter(({ ledger, provider }) => !isNothing(ledger) || !isNothing(provider))
    .map((cell) => rowOf(cell, lost, priceOf))
    .filter(isAsked);
  const charges = sides.charges.filter(isAsked);
  const charged = chargedRows(rows, charges);
  const isExplained =
    rows.every(({ verdict }) => verdict === "matched" || verdict === "lost") &&
    charged.every((row) => row.isExplained);
  return {
    rows,
    charged,
    otherCharges: charges
      .filter(({ model }) => model === undefined)
      .map(({ lineItem, nanoUsd }) => ({ lineItem, nanoUsd })),
    totals: {
      ledger: sum(rows.map((row) => row.ledger)),
      provider: sum(rows.map((row) => row.provider)),
      difference: sum(rows.map((row) => row.difference)),
    },
    unbilled: lost.rest({ since, until }),
    isExplained,
  };
}
