/** What is compared: rows of the ledger, of the provider's usage and of its charges. Times are milliseconds since 1970, days are UTC's. */
import type { Tier } from "../../domain/usage.ts";
import { type Amounts, isPositive, negated } from "./amounts.ts";

export const DAY_MS = 86_400_000;
export const dayOf = (time: number): number => Math.floor(time / DAY_MS) * DAY_MS;

interface LedgerPlace {
  /** Between these it was answered; the same hour or minute where that is known. */
  earliest: number;
  latest: number;
  model: string;
  tier: Tier;
  run: string;
}

/** Answers that the ledger counts, of one run, model and tier. */
export interface LedgerRow extends LedgerPlace, Amounts {
  /** Of those that have a price. */
  costNanoUsd: number;
  /** Without a price. */
  unpriced: number;
}

/** One answer that may have been given and billed, and was not stored. */
export interface LostRow extends LedgerPlace {
  /** The most it can have cost; undefined: its model has no price. */
  boundNanoUsd: number | undefined;
}

/** A day's usage of one model at one tier, as the provider tells it. */
export interface ProviderRow extends Omit<Amounts, "cachedInputTokens"> {
  day: number;
  model: string;
  /** Undefined where the provider does not tell, or for one that is not known. */
  tier: Tier | undefined;
  /** Undefined where the provider does not tell. */
  cachedInputTokens: number | undefined;
  /** There were tokens of sound or images, which have prices of their own. */
  hasOtherTokens: boolean;
}

/** A line of a day's invoice. */
export interface ChargeRow {
  day: number;
  /** Undefined: the line is not one of a model's tokens. */
  model: string | undefined;
  lineItem: string | undefined;
  /** Undefined: not told, or in another currency. */
  nanoUsd: number | undefined;
}

/** What tokens cost by the catalog, in nano-dollars; undefined: unknown. */
export type PriceOf = (model: string, tier: Tier | undefined, amounts: Amounts) => number | undefined;

/** The same of a difference; also unknown where it has more of the one kind of tokens and less of another. */
export function differenceCost(
  price: (amounts: Amounts) => number | undefined,
  difference: Amounts,
): number | undefined {
  if (isPositive(difference)) return price(difference);
  const less = negated(difference);
  const cost = isPositive(less) ? price(less) : undefined;
  return cost === undefined ? undefined : -cost;
}
