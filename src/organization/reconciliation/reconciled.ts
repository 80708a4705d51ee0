/** The ledger beside what the provider counts and charges: what agrees, what is on one side alone, and why. Pure. */
import { exactSum } from "../sums.ts";
import {
  type Amounts,
  hasNoTokens,
  isNothing,
  isPositive,
  minus,
  NOTHING,
  negated,
  plus,
} from "./amounts.ts";
import { type Cell, type Line, linesOf } from "./cells.ts";
import { type ChargedRow, chargedRows } from "./charged.ts";
import { createLostAnswers, type Lost, type LostAnswers } from "./lost-answers.ts";
import { movesOf } from "./midnight.ts";
import type { Counted, ReconciledRow, Verdict } from "./reconciled-row.ts";
import {
  type ChargeRow,
  DAY_MS,
  type LedgerRow,
  type LostRow,
  type PriceOf,
  type ProviderRow,
} from "./rows.ts";

export interface Reconciled {
  rows: ReconciledRow[];
  /** What was charged for each day and model, beside what both sides lead one to expect. */
  charged: ChargedRow[];
  /** Charges that are not for tokens of a model. */
  otherCharges: { lineItem: string | undefined; nanoUsd: number }[];
  totals: { ledger: Counted; provider: Counted; difference: Counted; chargedNanoUsd: number | undefined };
  /** Lost answers of this time that nothing was billed for. */
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

/** Whole days. Rows of a day before and after are wanted as well, where an answer may have been billed. */
export interface Days {
  since: number;
  until: number;
}

function verdictOn(difference: Amounts): Exclude<Verdict, "lost"> {
  if (hasNoTokens(difference)) return "matched";
  if (isPositive(difference)) return "only-at-provider";
  return isPositive(negated(difference)) ? "only-in-ledger" : "differs";
}

/** The provider's amounts; what it does not tell is taken to be the ledger's. */
function toldAmounts({ provider }: Cell, ledger: Amounts): Amounts {
  const { cachedInputTokens } = provider.isCachedTold ? provider.amounts : ledger;
  return { ...provider.amounts, cachedInputTokens };
}

interface Work {
  lost: LostAnswers;
  priceOf: PriceOf;
}

/** Costs by the catalog: exact for tokens of one kind, else to half a nano-dollar. */
function costOf({ model, tier }: Line, { provider }: Cell, amounts: Amounts, priceOf: PriceOf) {
  return provider.hasOtherTokens || !provider.isCachedTold ? undefined : priceOf(model, tier, amounts);
}

function rowOf(line: Line, cell: Cell, move: Amounts, { lost, priceOf }: Work): ReconciledRow {
  const { day, ledger } = cell;
  const { model, tier } = line;
  const counted = plus(ledger.amounts, move);
  const amounts = toldAmounts(cell, counted);
  const difference = minus(amounts, counted);
  const verdict = verdictOn(difference);
  const cost = (some: Amounts) => costOf(line, cell, some, priceOf);
  const surplusNanoUsd = verdict === "matched" ? 0 : differenceCost(difference, cost);
  const surplus = { day, model, requests: difference.requests, costNanoUsd: surplusNanoUsd };
  const taken = verdict === "only-at-provider" ? lost.take(surplus) : undefined;
  const movedNanoUsd = isNothing(move) ? 0 : differenceCost(move, cost);
  const ownNanoUsd =
    ledger.unpriced > 0 || movedNanoUsd === undefined ? undefined : ledger.costNanoUsd + movedNanoUsd;
  return {
    day,
    model,
    tier,
    ledger: { ...counted, costNanoUsd: ownNanoUsd },
    provider: { ...amounts, costNanoUsd: isNothing(amounts) ? 0 : cost(amounts) },
    difference: { ...difference, costNanoUsd: surplusNanoUsd },
    verdict: taken === undefined ? verdict : "lost",
    lost: taken ?? (verdict === "only-at-provider" ? lost.near(surplus) : { requests: 0, boundNanoUsd: 0 }),
    moved: move,
    runs: [...ledger.runs]
      .map(([run, requests]) => ({ run, requests }))
      .sort((a, b) => b.requests - a.requests || (a.run < b.run ? -1 : 1)),
  };
}

/** What an amount costs that may be below 0. */
function differenceCost(
  amounts: Amounts,
  cost: (amounts: Amounts) => number | undefined,
): number | undefined {
  if (isPositive(amounts)) return cost(amounts);
  const negative = negated(amounts);
  if (!isPositive(negative)) return undefined;
  const known = cost(negative);
  return known === undefined ? undefined : -known;
}

const sum = (rows: readonly Counted[]): Counted => {
  const amounts = rows.reduce<Amounts>(plus, NOTHING);
  const costs = rows.map(({ costNanoUsd }) => costNanoUsd);
  return { ...amounts, costNanoUsd: knownSum(costs) };
};

const knownSum = (costs: readonly (number | undefined)[]): number | undefined =>
  costs.reduce<number | undefined>(
    (all, cost) => (all === undefined || cost === undefined ? undefined : exactSum(all, cost)),
    0,
  );

function otherChargesOf(charges: readonly ChargeRow[]): Reconciled["otherCharges"] {
  const byLine = new Map<string | undefined, number>();
  for (const { model, lineItem, nanoUsd } of charges) {
    if (model === undefined) byLine.set(lineItem, exactSum(byLine.get(lineItem) ?? 0, nanoUsd));
  }
  return [...byLine].map(([lineItem, nanoUsd]) => ({ lineItem, nanoUsd }));
}

/** @throws DramatisError `invalid-argument` where a sum would not be exact */
export function reconciled(sides: Sides, { since, until }: Days, priceOf: PriceOf): Reconciled {
  const lost = createLostAnswers(sides.lost);
  // A day more on either side: what is billed beyond midnight belongs to what was asked before it.
  const lines = linesOf(sides, { since: since - DAY_MS, until: until + DAY_MS });
  const isAsked = ({ day }: { day: number }) => day >= since && day < until;
  const rows = lines
    .flatMap((line) => {
      const moves = movesOf(
        line.cells.map(({ ledger, provider }) => ({
          ...ledger,
          ledger: ledger.amounts,
          provider: provider.isCachedTold ? provider.amounts : { ...provider.amounts, cachedInputTokens: 0 },
        })),
      );
      return line.cells.map((cell, index) => ({ line, cell, move: moves[index] ?? NOTHING }));
    })
    .filter(
      ({ cell, move }) => !isNothing(plus(cell.ledger.amounts, move)) || !isNothing(cell.provider.amounts),
    )
    .sort((a, b) => a.cell.day - b.cell.day)
    .map(({ line, cell, move }) => rowOf(line, cell, move, { lost, priceOf }))
    .filter(isAsked);
  const charges = sides.charges.filter(isAsked);
  const charged = chargedRows(rows, charges);
  const chargedSums = charged.map(({ chargedNanoUsd }) => chargedNanoUsd);
  return {
    rows,
    charged,
    otherCharges: otherChargesOf(charges),
    totals: {
      ledger: sum(rows.map((row) => row.ledger)),
      provider: sum(rows.map((row) => row.provider)),
      difference: sum(rows.map((row) => row.difference)),
      chargedNanoUsd: knownSum(chargedSums),
    },
    unbilled: lost.rest({ since, until }),
    isExplained:
      rows.every(({ verdict }) => verdict === "matched" || verdict === "lost") &&
      charged.every(({ isExplained }) => isExplained),
  };
}
