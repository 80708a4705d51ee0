/** What a day of a model comes to, beside what the provider counts. */
import type { Tier } from "../../domain/usage.ts";
import type { Amounts } from "./amounts.ts";
import type { Lost } from "./lost-answers.ts";

/**
 * matched: equal to the last token. lost: what the provider has more is within what answers may have cost that were lost on
 * their way. only-at-provider: it has more, and nothing explains it. only-in-ledger: it has less. differs: more of the one kind
 * of tokens, and less of another.
 */
export const VERDICTS = ["matched", "lost", "only-at-provider", "only-in-ledger", "differs"] as const;
export type Verdict = (typeof VERDICTS)[number];

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
  /** Those that explain the difference; where nothing does, those that may be part of it. */
  lost: Lost;
  /** Of the ledger's requests: counted at the provider on the day after, or before; below 0: on this day, and not on that. */
  moved: Amounts;
  /** Requests of the ledger's runs on this day, of this model and tier; the most first. */
  runs: { run: string; requests: number }[];
}
