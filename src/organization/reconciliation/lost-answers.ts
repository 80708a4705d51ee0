/** Answers that were lost on their way, given to what the provider counts and the ledger does not. Pure. */
import type { Tier } from "../../domain/usage.ts";
import { knownSum } from "../sums.ts";
import { dayOf, type LostRow } from "./rows.ts";

/** What is only at the provider: so many requests, which cost so much; undefined: not known. */
export interface Surplus {
  day: number;
  model: string;
  /** Undefined: not told. */
  tier: Tier | undefined;
  requests: number;
  costNanoUsd: number | undefined;
}

/** Lost answers, as they are told of. */
export interface Lost {
  requests: number;
  /** The most they can have cost together; undefined: of some it is not known. */
  boundNanoUsd: number | undefined;
}

const LATE_MS = 3_600_000;

const lostOf = (rows: readonly LostRow[]): Lost => ({
  requests: rows.length,
  boundNanoUsd: knownSum(rows.map(({ boundNanoUsd }) => boundNanoUsd)),
});

const canBeOn = ({ earliest, latest }: LostRow, day: number) =>
  dayOf(earliest) <= day && day <= dayOf(latest + LATE_MS);

/** Whether so many lost answers can have cost that much. */
function canCost(rows: readonly LostRow[], costNanoUsd: number | undefined): boolean {
  const { boundNanoUsd } = lostOf(rows);
  return costNanoUsd === undefined || boundNanoUsd === undefined || costNanoUsd <= boundNanoUsd;
}

export interface LostAnswers {
  /** Those that explain a surplus, which explain nothing else from then on; undefined: they cannot explain all of it. */
  take(surplus: Surplus): Lost | undefined;
  /** Those that explain nothing: nothing was billed for them, or not yet. */
  rest(period: { since: number; until: number }): Lost;
}

export function createLostAnswers(rows: readonly LostRow[]): LostAnswers {
  const left = new Set([...rows].sort((a, b) => a.latest - b.latest));
  const most = ({ boundNanoUsd = Number.MAX_VALUE }: LostRow) => boundNanoUsd;
  return {
    take({ day, model, tier, requests, costNanoUsd }) {
      const possible = [...left].filter(
        (row) => row.model === model && (tier === undefined || row.tier === tier) && canBeOn(row, day),
      );
      if (requests < 1 || possible.length < requests) return undefined;
      // Those that can be nowhere later first; where they cannot cost that much, those that may cost the most.
      const taken = [possible, possible.toSorted((a, b) => most(b) - most(a))]
        .map((order) => order.slice(0, requests))
        .find((some) => canCost(some, costNanoUsd));
      for (const row of taken ?? []) left.delete(row);
      return taken && lostOf(taken);
    },
    rest: ({ since, until }) =>
      lostOf([...left].filter(({ earliest, latest }) => latest >= since && earliest < until)),
  };
}
