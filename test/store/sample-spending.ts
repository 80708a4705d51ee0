/** Conversations whose requests and ledger a test writes as it likes, all of them at the same hour. */
import type { UsageEntry } from "../../src/domain/usage.ts";
import { totalsOf } from "../../src/ledger/totals.ts";
import { claim, finish } from "../../src/store/conversations.ts";
import { type Holder, markSent, type RequestId, settle } from "../../src/store/requests.ts";
import type { Store } from "../../src/store/store.ts";
import { sampleRecord } from "../report/sample-record.ts";

/** 2026-11-20, 10:00 UTC. */
export const TEN = Date.UTC(2026, 10, 20, 10);
export const MINUTE = 60_000;
export const DAY = { since: TEN, until: TEN + 60 * MINUTE };
export const at = (minute: number) => new Date(TEN + minute * MINUTE);

export const entry = (more: Partial<UsageEntry>): UsageEntry => ({ model: "o3", tier: "standard", ...more });
export const counted = { inputTokens: 10, cachedInputTokens: 4, outputTokens: 2 };
export const requestId = (digest: string): RequestId => ({
  digest,
  occurrence: 0,
  purpose: "turn",
  turn: 0,
  persona: "p",
  model: "o3",
});

export async function begin(store: Store, conversationId: string): Promise<Holder> {
  const holder = await claim(store.sql, { conversationId, lease: "lease", worker: "worker" });
  if (holder === undefined) throw new Error(`${conversationId} cannot be claimed`);
  await store.sql.query("update dramatis.conversations set started_at = $2 where id = $1", [
    conversationId,
    at(0),
  ]);
  return holder;
}

/** Asks, and keeps the answer that came at that minute. */
export async function answer(
  { sql }: Store,
  holder: Holder,
  id: string,
  minute: number,
  more: { isOffline?: boolean } = {},
): Promise<void> {
  await markSent(sql, holder, { ...requestId(id), attempts: [], boundNanoUsd: 50 });
  const usage = { prompt_tokens: 10, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 4 } };
  const completion = { created: at(minute).getTime() / 1000 + 30, usage, service_tier: "default" };
  const outcome = { requestId: id, completion };
  const closing = { ...requestId(id), ...more, attempts: [], outcome, spentNanoUsd: 5 };
  await settle(sql, holder, { ...closing, state: "answered" });
}

export async function complete(
  { sql }: Store,
  holder: Holder,
  entries: UsageEntry[],
  more: object = {},
): Promise<void> {
  const { conversationId } = holder;
  const usage = { entries, totals: totalsOf(entries) };
  const times = { startedAt: at(0).toISOString(), endedAt: at(20).toISOString() };
  const record = sampleRecord({
    conversationId,
    ...times,
    status: "completed",
    transport: "network",
    usage,
    ...more,
  });
  await sql.transaction((tx) => finish(tx, holder, record));
}
