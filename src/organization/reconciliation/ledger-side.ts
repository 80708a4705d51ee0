/** The ledger of a store as rows to compare. */
import type { Catalog } from "../../catalog/catalog.ts";
import type { UsageEntry } from "../../domain/usage.ts";
import { usageEntryOf } from "../../ledger/usage-handler.ts";
import { type KeptSpending, keptSpending, type SpendingTime, spentSums } from "../../store/spending.ts";
import type { Sql } from "../../store/sql.ts";
import type { LedgerRow, LostRow } from "./rows.ts";

export interface LedgerSource {
  sql: Sql;
  catalog: Pick<Catalog, "find">;
  /** The name under which snapshots of a model are compared. */
  nameOf(model: string): string;
  /** Milliseconds since 1970. */
  clock(): number;
}

export interface LedgerRows {
  ledger: LedgerRow[];
  lost: LostRow[];
  /** Of the rows, those of conversations that have not ended. */
  underWay: number;
}

const WIDTH_MS = { hour: 3_600_000, minute: 60_000 };

interface ReportedUsage {
  prompt_tokens?: number;
  completion_tokens?: number;
  total_tokens?: number;
  prompt_tokens_details?: { cached_tokens?: number } | null;
}

/** An answer that is kept, counted as its ledger will count it. */
function entryOf({ answer, model, tier }: KeptSpending, catalog: LedgerSource["catalog"]): UsageEntry {
  const usage = (answer?.usage ?? {}) as ReportedUsage;
  const { prompt_tokens: input_tokens, completion_tokens: output_tokens, total_tokens } = usage;
  const cached = usage.prompt_tokens_details?.cached_tokens;
  const usage_metadata = {
    input_tokens,
    output_tokens,
    total_tokens,
    ...(cached === undefined ? {} : { input_token_details: { cache_read: cached } }),
  } as NonNullable<Parameters<typeof usageEntryOf>[0]>["usage_metadata"];
  const response_metadata = { service_tier: answer?.serviceTier };
  return usageEntryOf({ response_metadata, usage_metadata }, { model, tier }, { catalog, labels: {} });
}

function rowsOfKept(kept: KeptSpending, { catalog, nameOf, clock }: LedgerSource, widthMs: number) {
  const { run, answer, firstAt } = kept;
  const model = nameOf(kept.model);
  const whole = (time: number) => Math.floor(time / widthMs) * widthMs;
  const between = { earliest: whole(firstAt), latest: whole(Math.max(firstAt, kept.endedAt ?? clock())) };
  const lost: LostRow[] = kept.lost.map((one) => ({ ...between, ...one, model, run }));
  if (answer === undefined) return { ledger: [], lost };
  const { tier, inputTokens, cachedInputTokens = 0, outputTokens, costNanoUsd } = entryOf(kept, catalog);
  if (inputTokens === undefined || outputTokens === undefined)
    return { ledger: [], lost: [...lost, { ...between, model, run, tier, boundNanoUsd: undefined }] };
  const time = answer.at === undefined ? between : { earliest: whole(answer.at), latest: whole(answer.at) };
  const tokens = { inputTokens, cachedInputTokens, outputTokens };
  const cost = { costNanoUsd: costNanoUsd ?? 0, unpriced: costNanoUsd === undefined ? 1 : 0 };
  return { ledger: [{ ...time, model, tier, run, requests: 1, ...tokens, ...cost }], lost };
}

/** Everything of a time, and what may be of it. */
export async function ledgerRows(
  source: LedgerSource,
  time: SpendingTime,
  width: keyof typeof WIDTH_MS = "hour",
): Promise<LedgerRows> {
  const { sql, nameOf } = source;
  const rows: LedgerRows = { ledger: [], lost: [], underWay: 0 };
  for (const { bounds, isCounted, ...sums } of await spentSums(sql, time, width)) {
    const { run, tier } = sums;
    const place = { earliest: sums.earliest.getTime(), latest: sums.latest.getTime(), run, tier };
    const model = nameOf(sums.model);
    if (isCounted) rows.ledger.push({ ...sums, ...place, model });
    rows.lost.push(...bounds.map((bound) => ({ ...place, model, boundNanoUsd: bound ?? undefined })));
  }
  const isMeant = ({ earliest, latest }: { earliest: number; latest: number }) =>
    latest >= time.since && earliest < time.until;
  for await (const page of keptSpending(sql)) {
    for (const kept of page) {
      const { ledger, lost } = rowsOfKept(kept, source, WIDTH_MS[width]);
      const [counted, unknown] = [ledger.filter(isMeant), lost.filter(isMeant)];
      rows.ledger.push(...counted);
      rows.lost.push(...unknown);
      if (kept.endedAt === undefined) rows.underWay += counted.length + unknown.length;
    }
  }
  return rows;
}
