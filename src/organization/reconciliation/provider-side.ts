/** What the provider tells of usage and charges as rows to compare. */
import { organizationCosts } from "../costs.ts";
import type { ReportOptions } from "../options.ts";
import { organizationUsage, type UsageRow } from "../usage.ts";
import type { ChargeRow, ProviderRow } from "./rows.ts";

export interface ProviderSource extends ReportOptions {
  /** Ids; undefined: all. */
  projects: readonly string[] | undefined;
  apiKeys: readonly string[] | undefined;
  /** The name under which snapshots of a model are compared. */
  nameOf(model: string): string;
}

const UNKNOWN_MODEL = "(none)";

const rowOf = (row: UsageRow, day: number, { nameOf }: ProviderSource): ProviderRow => ({
  day,
  model: row.model === undefined ? UNKNOWN_MODEL : nameOf(row.model),
  tier: row.tier,
  isBatch: row.batch,
  requests: row.requests,
  inputTokens: row.inputTokens,
  cachedInputTokens: row.cachedInputTokens,
  outputTokens: row.outputTokens,
  hasOtherTokens: row.otherTokens > 0,
});

/** @throws as `organizationUsage` does */
export async function providerRows(source: ProviderSource): Promise<ProviderRow[]> {
  const rows: ProviderRow[] = [];
  const usage = organizationUsage({ ...source, bucket: "1d", groupBy: ["model", "batch", "tier"] });
  for await (const { startsAt, rows: told } of usage)
    rows.push(...told.map((row) => rowOf(row, startsAt, source)));
  return rows;
}

/** Lines of an invoice read like `gpt-4.1, cached_input_tokens`; those of tools and storage name no tokens in or out. */
const TOKEN_LINE = /^([^,]+),.*(?:input|output)/i;

/** The model of a line that is for tokens. */
export const modelOfLine = (lineItem: string | undefined): string | undefined =>
  TOKEN_LINE.exec(lineItem ?? "")?.[1]?.trim();

export interface Charges {
  rows: ChargeRow[];
  /** Amounts that are in none: not told, or in another currency. */
  left: number;
}

/** @throws as `organizationCosts` does */
export async function chargeRows(source: ProviderSource): Promise<Charges> {
  const charges: Charges = { rows: [], left: 0 };
  for await (const { startsAt, rows } of organizationCosts({ ...source, groupBy: ["lineItem"] })) {
    for (const { lineItem, costNanoUsd } of rows) {
      const model = modelOfLine(lineItem);
      if (costNanoUsd === undefined) charges.left += 1;
      else
        charges.rows.push({
          day: startsAt,
          model: model === undefined ? undefined : source.nameOf(model),
          lineItem,
          nanoUsd: costNanoUsd,
        });
    }
  }
  return charges;
}

/** What was used in a minute, and by whose key. */
export interface MinuteRow extends ProviderRow {
  apiKey: string | undefined;
  project: string | undefined;
}

/** One day of some models by the minute; `day` is the minute. @throws as `organizationUsage` does */
export async function minuteRows(
  source: ProviderSource,
  { day, dayMs }: { day: number; dayMs: number },
): Promise<MinuteRow[]> {
  const rows: MinuteRow[] = [];
  const usage = organizationUsage({
    ...source,
    since: day,
    until: day + dayMs,
    bucket: "1m",
    groupBy: ["model", "batch", "tier", "apiKey", "project"],
  });
  for await (const { startsAt, rows: told } of usage) {
    rows.push(
      ...told.map((row) => ({ ...rowOf(row, startsAt, source), apiKey: row.apiKey, project: row.project })),
    );
  }
  return rows;
}
