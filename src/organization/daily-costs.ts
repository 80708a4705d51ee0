/** What an organization's usage costs by the catalog's prices, by day, model and tier. */
import { type Catalog, loadCatalog } from "../catalog/catalog.ts";
import type { Tier } from "../domain/usage.ts";
import { costNanoUsd } from "../ledger/cost.ts";
import type { Bucket } from "./pages.ts";
import { type OrganizationUsageOptions, organizationUsage, type UsageRow } from "./usage.ts";

/** The time, which part alone, and the prices. */
export interface DailyCostsOptions extends Omit<OrganizationUsageOptions, "bucket" | "groupBy"> {
  /** Default: the models that come with the package. */
  catalog?: Pick<Catalog, "find"> | undefined;
}

/** A day's usage of one model at one price tier. */
export interface DailyCostRow {
  model: string | undefined;
  /** Undefined for tiers that have no price in the catalog, and where the provider does not tell. */
  tier: Tier | undefined;
  requests: number;
  inputTokens: number;
  cachedInputTokens: number | undefined;
  outputTokens: number;
  /**
   * Whole nano-dollars. Prices are whole or half nano-dollars a token, and a bill is rounded once a request, so it may
   * differ from a bill of the same requests by half a nano-dollar each. Undefined where a price is not known.
   */
  costNanoUsd: number | undefined;
}

/** A day with the sum of what is known. */
export interface DailyCosts extends Bucket<DailyCostRow> {
  /** A lower bound where `unpricedRequests` is above 0; undefined where there were requests and no cost is known. */
  costNanoUsd: number | undefined;
  /** Requests whose cost is not known. */
  unpricedRequests: number;
}

function costOf(row: UsageRow, catalog: Pick<Catalog, "find">): number | undefined {
  const { model, tier, inputTokens, cachedInputTokens, outputTokens, otherTokens } = row;
  if (model === undefined || tier === undefined || otherTokens > 0) return undefined;
  // What is cached is cheaper, so the cost of input of which that is not told is not known.
  if (cachedInputTokens === undefined && inputTokens > 0) return undefined;
  return costNanoUsd({ inputTokens, cachedInputTokens, outputTokens }, catalog.find(model), tier);
}

function dayOf({ rows, ...time }: Bucket<UsageRow>, catalog: Pick<Catalog, "find">): DailyCosts {
  const priced = rows.map(
    (row): DailyCostRow => ({
      model: row.model,
      tier: row.tier,
      requests: row.requests,
      inputTokens: row.inputTokens,
      cachedInputTokens: row.cachedInputTokens,
      outputTokens: row.outputTokens,
      costNanoUsd: costOf(row, catalog),
    }),
  );
  const known = priced.flatMap((row) => row.costNanoUsd ?? []);
  const unpriced = priced.filter((row) => row.costNanoUsd === undefined);
  return {
    ...time,
    rows: priced,
    costNanoUsd:
      known.length === 0 && unpriced.length > 0 ? undefined : known.reduce((sum, cost) => sum + cost, 0),
    unpricedRequests: unpriced.reduce((sum, { requests }) => sum + requests, 0),
  };
}

/**
 * What each day's usage costs by the catalog, for each model and tier: the provider's tokens times our prices, beside
 * which `organizationCosts` says what was charged.
 *
 * @throws as `organizationCosts` does.
 */
export async function* dailyCosts(options: DailyCostsOptions): AsyncGenerator<DailyCosts, void> {
  const { catalog = loadCatalog(), ...rest } = options;
  const usage = organizationUsage({ ...rest, bucket: "1d", groupBy: ["model", "batch", "tier"] });
  for await (const bucket of usage) yield dayOf(bucket, catalog);
}
