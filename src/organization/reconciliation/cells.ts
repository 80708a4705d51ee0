/** Rows of both sides, put together by model, tier and day. Pure. */
import type { Tier } from "../../domain/usage.ts";
import { exactSum } from "../sums.ts";
import { type Amounts, NOTHING, plus } from "./amounts.ts";
import { type Movable, movableOf } from "./midnight.ts";
import { DAY_MS, dayOf, type LedgerRow, type ProviderRow } from "./rows.ts";

export interface LedgerSide extends Movable {
  amounts: Amounts;
  /** Of those that have a price. */
  costNanoUsd: number;
  /** Without a price. */
  unpriced: number;
  /** Requests by run. */
  runs: Map<string, number>;
}

export interface ProviderSide {
  amounts: Amounts;
  /** The provider tells cached tokens of all. */
  isCachedTold: boolean;
  hasOtherTokens: boolean;
}

/** A day of one model at one tier. */
export interface Cell {
  day: number;
  ledger: LedgerSide;
  provider: ProviderSide;
}

export interface Line {
  model: string;
  /** Undefined: the provider does not tell it of this model. */
  tier: Tier | undefined;
  /** One for each day of the time, in their order. */
  cells: Cell[];
}

const emptyCell = (day: number): Cell => ({
  day,
  ledger: {
    amounts: NOTHING,
    costNanoUsd: 0,
    unpriced: 0,
    runs: new Map(),
    forward: NOTHING,
    backward: NOTHING,
  },
  provider: { amounts: NOTHING, isCachedTold: true, hasOtherTokens: false },
});

function addLedger(side: LedgerSide, row: LedgerRow): void {
  const { forward, backward } = movableOf(row);
  side.amounts = plus(side.amounts, row);
  side.forward = plus(side.forward, forward);
  side.backward = plus(side.backward, backward);
  side.costNanoUsd = exactSum(side.costNanoUsd, row.costNanoUsd);
  side.unpriced += row.unpriced;
  side.runs.set(row.run, (side.runs.get(row.run) ?? 0) + row.requests);
}

function addProvider(side: ProviderSide, row: ProviderRow): void {
  const { cachedInputTokens = 0 } = row;
  side.amounts = plus(side.amounts, { ...row, cachedInputTokens });
  side.isCachedTold &&= row.cachedInputTokens !== undefined || row.inputTokens === 0;
  side.hasOtherTokens ||= row.hasOtherTokens;
}

/** What is told of a model's tiers in all of its rows: what one row leaves out cannot be compared in any. */
function createTierNames(provider: readonly ProviderRow[]) {
  const untold = new Map<string, "tier" | "batch">();
  for (const { model, tier, isBatch } of provider) {
    if (tier !== undefined) continue;
    if (isBatch === undefined) untold.set(model, "batch");
    else if (!untold.has(model)) untold.set(model, "tier");
  }
  return (model: string, tier: Tier | undefined): Tier | undefined => {
    const without = untold.get(model);
    return without === undefined || (without === "tier" && tier === "batch") ? tier : undefined;
  };
}

/** @param period whole days */
export function linesOf(
  { ledger, provider }: { ledger: readonly LedgerRow[]; provider: readonly ProviderRow[] },
  { since, until }: { since: number; until: number },
): Line[] {
  const tierOf = createTierNames(provider);
  const days = Array.from(
    { length: Math.ceil((until - since) / DAY_MS) },
    (_, index) => since + index * DAY_MS,
  );
  const lines = new Map<string, Line>();
  const cellOf = (model: string, given: Tier | undefined, day: number): Cell | undefined => {
    const tier = tierOf(model, given);
    const key = JSON.stringify([model, tier ?? null]);
    const line = lines.get(key) ?? { model, tier, cells: days.map(emptyCell) };
    lines.set(key, line);
    return line.cells[(day - since) / DAY_MS];
  };
  for (const row of ledger) {
    // What may have come before the first day is looked for on it.
    const cell = cellOf(row.model, row.tier, Math.max(since, dayOf(row.earliest)));
    if (cell !== undefined) addLedger(cell.ledger, row);
  }
  for (const row of provider) {
    const cell = cellOf(row.model, row.tier, row.day);
    if (cell !== undefined) addProvider(cell.provider, row);
  }
  return [...lines.values()].sort((a, b) => compare(a.model, b.model) || compare(a.tier ?? "", b.tier ?? ""));
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
