/** When the requests of a conversation were asked and answered, as its ledger keeps it. Pure. */
import { z } from "zod";
import type { UsageEntry } from "../domain/usage.ts";

/** What is kept of a request while its conversation is under way, as far as its times go. */
export const askedRequestSchema = z.object({
  turn: z.int().nullable(),
  persona: z.string().nullable(),
  purpose: z.string(),
  model: z.string(),
  requestId: z.string().nullable(),
  /** Of the answer, in seconds since 1970 by the provider's clock, as it says. */
  created: z.unknown(),
  /** When it was first made, by the store's clock. */
  firstAt: z.string(),
});
export type AskedRequest = z.output<typeof askedRequestSchema>;

export interface EntryTimes {
  asked_at: string | undefined;
  answered_at: string | undefined;
}

/** The year 2001, and the year 5138: what lies beyond is no time in seconds. */
const EARLIEST_S = 1e9;
const LATEST_S = 1e11;

/** Milliseconds since 1970; undefined for what is no time. */
export const answeredAtOf = (created: unknown): number | undefined =>
  typeof created === "number" && created >= EARLIEST_S && created < LATEST_S
    ? Math.floor(created) * 1000
    : undefined;

const placeOf = (one: {
  turn?: number | null | undefined;
  persona?: string | null | undefined;
  purpose?: string | undefined;
  model: string;
}) => JSON.stringify([one.turn ?? null, one.persona ?? null, one.purpose ?? null, one.model]);

/**
 * The times of each entry. An answer's is the one its provider gave it, found by the id of its request; where there is no such
 * id, by what the request was for, if nothing else was asked for the same. What was lost has no answer, and was asked no earlier
 * than the first request for the same.
 */
export function timesOf(entries: readonly UsageEntry[], asked: readonly AskedRequest[]): EntryTimes[] {
  const byId = new Map(
    asked.flatMap((one) => (one.requestId === null ? [] : [[one.requestId, one] as const])),
  );
  const byPlace = new Map<string, AskedRequest[]>();
  for (const one of asked) {
    const place = placeOf(one);
    byPlace.set(place, [...(byPlace.get(place) ?? []), one]);
  }
  return entries.map((entry) => {
    const near = byPlace.get(placeOf(entry)) ?? [];
    const own = entry.requestId === undefined ? undefined : byId.get(entry.requestId);
    const only = near.length === 1 && entry.inputTokens !== undefined ? near[0] : undefined;
    const answeredAt = answeredAtOf((own ?? only)?.created);
    return {
      asked_at: own?.firstAt ?? near.map(({ firstAt }) => firstAt).sort()[0],
      answered_at: answeredAt === undefined ? undefined : new Date(answeredAt).toISOString(),
    };
  });
}
