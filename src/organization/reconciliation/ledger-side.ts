/** The ledger of a store as rows to compare: what is kept of conversations that did not complete, and the entries of those that did. */
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
  if (inputTokens === undefined || outputTokens === undefined) {
    const { boundNanoUsd } = answer;
    return { ledger: [], lost: [...lost, { ...between, model, run, tier, boundNanoUsd }] };
  }
  const time = answer.at === undefined ? between : { earliest: whole(answer.at), latest: whole(answer.at) };
  const tokens = { inputTokens, cachedInputTokens, outputTokens };
  const cost = { costNanoUsd: costNanoUsd ?? 0, unpriced: costNanoUsd === undefined ? 1 : 0 };
  return { ledger: [{ ...time, model, tier, run, requests: 1, ...tokens, ...cost }], lost };
}

/** Everything of a time, and what may be of it; times are told by the hour, or by the minute. */
export type Ledger = (time: SpendingTime, width?: keyof typeof WIDTH_MS) => Promise<LedgerRows>;

const isOf =
  ({ since, until }: SpendingTime) =>
  ({ earliest, latest }: { earliest: number; latest: number }) =>
    latest >= since && earliest < until;

/**
 * Reads what is kept, once; entries are read whenever they are asked for, and are not those of conversations whose requests were
 * kept then. Memory holds what may be of the time.
 * @param whole the times that are asked for lie in it
 */
export async function openLedger(source: LedgerSource, whole: SpendingTime): Promise<Ledger> {
  const conversations = new Set<string>();
  const own: KeptSpending[] = [];
  for await (const page of keptSpending(source.sql)) {
    for (const kept of page) {
      conversations.add(kept.conversation);
      const { ledger, lost } = rowsOfKept(kept, source, WIDTH_MS.hour);
      if ([...ledger, ...lost].some(isOf(whole))) own.push(kept);
    }
  }
  const without = [...conversations];
  return (time, width = "hour") => ledgerRows(source, { time, width, kept: own, without });
}

interface LedgerAsked {
  time: SpendingTime;
  width: keyof typeof WIDTH_MS;
  kept: readonly KeptSpending[];
  without: readonly string[];
}

async function ledgerRows(
  source: LedgerSource,
  { time, width, kept, without }: LedgerAsked,
): Promise<LedgerRows> {
  const { sql, nameOf } = source;
  const rows: LedgerRows = { ledger: [], lost: [], underWay: 0 };
  for (const { bounds, isCounted, ...sums } of await spentSums(sql, time, { width, without })) {
    const { run, tier } = sums;
    const place = { earliest: sums.earliest.getTime(), latest: sums.latest.getTime(), run, tier };
    const model = nameOf(sums.model);
    if (isCounted) rows.ledger.push({ ...sums, ...place, model });
    rows.lost.push(...bounds.map((bound) => ({ ...place, model, boundNanoUsd: bound ?? undefined })));
  }
  for (const one of kept) {
    const { ledger, lost } = rowsOfKept(one, source, WIDTH_MS[width]);
    const [counted, unknown] = [ledger.filter(isOf(time)), lost.filter(isOf(time))];
    rows.ledger.push(...counted);
    rows.lost.push(...unknown);
    if (one.endedAt === undefined) rows.underWay += counted.length + unknown.length;
  }
  return rows;
}
