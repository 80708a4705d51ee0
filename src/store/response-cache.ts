/**
 * Answers that all workers of a store may use again, for a while and up to a size. Whoever finds none claims the key in the
 * same statement, so that others who ask for the same meanwhile wait for that answer instead of paying for one of their own.
 */
import type { Sql } from "./sql.ts";

export interface CacheBounds {
  /** How long an answer is good, in milliseconds. */
  ttlMs: number;
  /** Of all answers and keys together. The least recently used go first. */
  maxBytes: number;
}

export type Found =
  | { kind: "answer"; completion: unknown }
  /** It is ours to find out: until `claimMs` are over, others wait for it. */
  | { kind: "claimed" }
  /** Somebody else is about to know. */
  | { kind: "awaited" };

/** What an entry takes beside its text. */
const ENTRY_BYTES = 256;
const ROWS_AT_ONCE = 500;
/** Uses are noted this coarsely: a read is to be no write. */
const USE_GRAIN = "30 seconds";

/** An answer, or a claim to make one. Asked again under the same claim, whose answer got lost, it is still ours. */
export async function findOrClaim(
  sql: Sql,
  { key, claim, claimMs }: { key: string; claim: string; claimMs: number },
): Promise<Found> {
  const [found] = await sql.query<{ completion: unknown; is_ours: boolean }>(
    `with touched as (
       update dramatis.response_cache set used_at = clock_timestamp()
       where key = $1 and completion is not null and used_at < clock_timestamp() - interval '${USE_GRAIN}'
     )
     select completion from dramatis.response_cache
     where key = $1 and completion is not null and expires_at > clock_timestamp()`,
    [key],
  );
  if (found !== undefined) return { kind: "answer", completion: found.completion };
  const claimed = await sql.query(
    `insert into dramatis.response_cache (key, claim, bytes, expires_at)
     values ($1, $2, 0, clock_timestamp() + $3 * interval '1 millisecond')
     on conflict (key) do update set claim = $2, completion = null, bytes = 0, expires_at = excluded.expires_at
       where response_cache.expires_at <= clock_timestamp() or response_cache.claim = $2
     returning key`,
    [key, claim, claimMs],
  );
  return { kind: claimed.length === 1 ? "claimed" : "awaited" };
}

/** Keeps an answer, whoever has the claim. Returns the bytes it takes. */
export async function keepAnswer(
  sql: Sql,
  { key, completion, ttlMs }: { key: string; completion: string; ttlMs: number },
): Promise<number> {
  const bytes = Buffer.byteLength(completion) + key.length + ENTRY_BYTES;
  await sql.query(
    `insert into dramatis.response_cache (key, completion, bytes, expires_at)
     values ($1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond')
     on conflict (key) do update set completion = excluded.completion, claim = null, bytes = excluded.bytes,
       expires_at = excluded.expires_at, used_at = clock_timestamp()`,
    [key, completion, bytes, ttlMs],
  );
  return bytes;
}

/** There will be no answer from this claim: somebody else may try. */
export async function giveUpClaim(sql: Sql, { key, claim }: { key: string; claim: string }): Promise<void> {
  await sql.query("delete from dramatis.response_cache where key = $1 and claim = $2", [key, claim]);
}

/** Removes what has expired, and what was used least recently beyond the bound; a few hundred rows a statement. */
export async function sweepCache(sql: Sql, maxBytes: number): Promise<void> {
  const remove = async (which: string, values: readonly unknown[]) => {
    for (;;) {
      const rows = await sql.query(
        `delete from dramatis.response_cache where key in (
           select key from dramatis.response_cache
           where key in (select key from (${which}) as old limit ${ROWS_AT_ONCE}) for update skip locked)
         returning key`,
        values,
      );
      if (rows.length < ROWS_AT_ONCE) return;
    }
  };
  await remove("select key from dramatis.response_cache where expires_at <= clock_timestamp()", []);
  await remove(
    `select key from (
       select key, completion, sum(bytes) over (order by used_at desc, key) as total from dramatis.response_cache
     ) as kept where total > $1 and completion is not null`,
    [maxBytes],
  );
}
