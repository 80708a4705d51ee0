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

/** @throws as `organizationCosts` does */
export async function chargeRows(source: ProviderSource): Promise<ChargeRow[]> {
  const charges: ChargeRow[] = [];
  for await (const { startsAt, rows } of organizationCosts({ ...source, groupBy: ["lineItem"] })) {
    for (const { lineItem, costNanoUsd } of rows) {
      const model = TOKEN_LINE.exec(lineItem ?? "")?.[1]?.trim();
      charges.push({
        day: startsAt,
        model: model === undefined || costNanoUsd === undefined ? undefined : source.nameOf(model),
        lineItem,
        nanoUsd: costNanoUsd,
      });
    }
  }
  return charges;
}

/** What was used in a minute, which `day` is, and by whose key. */
export interface MinuteRow extends ProviderRow {
  apiKey: string | undefined;
  project: string | undefined;
}

/** The time by the minute; memory holds all of it. @throws as `organizationUsage` does */
export async function minuteRows(source: ProviderSource): Promise<MinuteRow[]> {
  const rows: MinuteRow[] = [];
  const groupBy = ["model", "batch", "tier", "apiKey", "project"] as const;
  for await (const { startsAt, rows: told } of organizationUsage({ ...source, bucket: "1m", groupBy })) {
    rows.push(
      ...told.map((row) => ({ ...rowOf(row, startsAt, source), apiKey: row.apiKey, project: row.project })),
    );
  }
  return rows;
}
