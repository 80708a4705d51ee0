/** A store's ledger beside what the provider counted and charged: read from both, compared, and looked into where they differ. */
import { type Catalog, loadCatalog } from "../catalog/catalog.ts";
import { DramatisError } from "../domain/errors.ts";
import { costNanoUsd } from "../ledger/cost.ts";
import { type LedgerGap, ledgerGaps } from "../store/spending.ts";
import type { Store } from "../store/store.ts";
import { periodOf, type ReportOptions } from "./options.ts";
import { openLedger } from "./reconciliation/ledger-side.ts";
import { type Place, placesOf } from "./reconciliation/places.ts";
import { chargeRows, minuteRows, providerRows } from "./reconciliation/provider-side.ts";
import { type Reconciled, type ReconciledRow, reconciled } from "./reconciliation/reconciled.ts";
import { DAY_MS, type PriceOf } from "./reconciliation/rows.ts";

/** The store, the time in whole days of UTC, and which part of the organization alone. */
export interface ReconcileOptions extends ReportOptions {
  store: Pick<Store, "sql">;
  /** Ids of projects; default: all. Name those that the store's runs were asked for. */
  projects?: readonly string[] | undefined;
  /** Ids of keys, not keys; default: all. */
  apiKeys?: readonly string[] | undefined;
  /** Default: the models that come with the package. */
  catalog?: Pick<Catalog, "find" | "models"> | undefined;
}

/** A row, and where in its day both sides differ. */
export interface TracedRow extends ReconciledRow {
  /**
   * Undefined where it was not looked into: nothing differs, its day is none of the latest 14 that differ, or the provider keeps
   * its minutes no longer. Empty: both sides were looked into, and it cannot be told.
   */
  places: Place[] | undefined;
}

/** What came of it. Times are milliseconds since 1970. */
export interface Reconciliation extends Omit<Reconciled, "rows"> {
  since: number;
  until: number;
  rows: TracedRow[];
  /** Conversations of that time that count more than their ledger holds; looked for where something differs. */
  gaps: LedgerGap[];
  /** Requests of conversations that have not ended yet. */
  underWay: number;
}

/** A page of 1,440 minutes for each. */
export const MOST_TRACED_DAYS = 14;

const isDiffering = ({ verdict }: Pick<ReconciledRow, "verdict">) => verdict !== "matched";

/** The days that are looked into by the minute: the latest of those that differ. */
export const tracedDays = (rows: readonly Pick<ReconciledRow, "day" | "verdict">[]): number[] =>
  [...new Set(rows.filter(isDiffering).map(({ day }) => day))].slice(-MOST_TRACED_DAYS);

/** A dated snapshot's name without its day. */
const SNAPSHOT = /-\d{4}-\d{2}-\d{2}$/;

/** Providers count snapshots apart that were asked for by one name. */
const nameIn =
  ({ models }: Pick<Catalog, "models">) =>
  (model: string): string => {
    const base = model.replace(SNAPSHOT, "");
    return !models.has(model) && models.has(base) ? base : model;
  };

/** Each tier has a price of its own. */
const priceIn =
  ({ find }: Pick<Catalog, "find">): PriceOf =>
  (model, tier, amounts) =>
    tier === undefined ? undefined : costNanoUsd(amounts, find(model), tier);

/** Minutes are kept for less long than days; whoever has none any more refuses to tell. */
async function unlessForgotten<T>(minutes: Promise<T>): Promise<T | undefined> {
  try {
    return await minutes;
  } catch (error) {
    if (error instanceof DramatisError && error.code === "bad-request") return undefined;
    throw error;
  }
}

/**
 * Compares what all runs of a store asked a provider for with what it counted and charged, by UTC day, model and tier; and names
 * what differs: the minute and the key, as far as the provider tells, and the conversation whose ledger lacks it. What was lost
 * on its way explains what it can have cost.
 *
 * The tokens of both sides are compared as they are. Costs are the ledger's, those of differences are the catalog's prices for
 * their tokens, and beside them stands what was charged, exact to the nano-dollar as far as the provider's decimals go.
 *
 * Knows nothing of conversations and batches of prompts that were held without a store, nor of those that the offline server in
 * the process answered.
 *
 * @throws as `organizationCosts` does, and as the store does.
 */
export async function reconcileLedger(options: ReconcileOptions): Promise<Reconciliation> {
  const { store, projects, apiKeys, catalog = loadCatalog(), clock = Date.now } = options;
  const { since, until } = periodOf(options, "1d");
  const nameOf = nameIn(catalog);
  const priceOf = priceIn(catalog);
  const source = { ...options, projects, apiKeys, nameOf };
  // A day more on either side: what was asked before midnight may be billed after it.
  const wide = { since: Math.max(0, since - DAY_MS), until: until + DAY_MS };
  const provider = await providerRows({ ...source, ...wide });
  const charges = await chargeRows({ ...source, since, until });
  const ledgerOf = await openLedger({ sql: store.sql, catalog, nameOf, clock }, wide);
  const { ledger, lost, underWay } = await ledgerOf(wide);
  const result = reconciled({ ledger, lost, provider, charges }, { since, until }, priceOf);
  const differing = result.rows.filter(isDiffering);
  const places = new Map<ReconciledRow, Place[]>();
  for (const day of tracedDays(differing)) {
    const time = { since: day, until: day + DAY_MS };
    const minutes = await unlessForgotten(minuteRows({ ...source, ...time }));
    if (minutes === undefined) continue;
    const own = await ledgerOf(time, "minute");
    for (const row of differing) {
      if (row.day === day) places.set(row, placesOf(row, { provider: minutes, ledger: own.ledger }, priceOf));
    }
  }
  const gaps = differing.length === 0 ? [] : await ledgerGaps(store.sql, { since, until });
  return {
    ...result,
    since,
    until,
    rows: result.rows.map((row) => ({ ...row, places: places.get(row) })),
    gaps,
    underWay,
    // A lost answer may have cost as much as an entry that is missing, and is no reason for that.
    isExplained: result.isExplained && gaps.length === 0,
  };
}
