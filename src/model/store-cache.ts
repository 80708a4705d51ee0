/** A response cache in a store, shared by all of its workers. */
import { DramatisError } from "../domain/errors.ts";
import {
  type CacheBounds,
  findOrClaim,
  giveUpClaim,
  keepAnswer,
  sweepCache,
} from "../store/response-cache.ts";
import type { Sql } from "../store/sql.ts";
import type { Completion } from "./exchange.ts";
import type { ResponseCache } from "./response-cache.ts";
import { wait } from "./wait.ts";

export interface StoreCacheOptions extends Partial<CacheBounds> {
  sql: Sql;
  /** Rejects with the signal's reason. */
  wait?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
}

const TTL_MS = 300_000;
const MAX_BYTES = 64 * 2 ** 20;
/** A worker that is silent for that long is not waited for any longer. */
const CLAIM_MS = 60_000;
const FIRST_LOOK_MS = 100;
const LONGEST_LOOK_MS = 1000;
/** The bound is looked after whenever a worker has added this part of it, or so many answers. */
const SWEEP_PART = 1 / 16;
const SWEEP_ANSWERS = 500;

const checked = (name: string, value: number): number => {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new DramatisError("invalid-argument", `${name}: expected a whole number above 0, got ${value}.`);
};

/**
 * Makes a cache over a store. Between two sweeps each worker may add a sixteenth of `maxBytes` above it.
 * Two workers that ask the same at the same time pay once: the second looks for the first one's answer, at most every
 * second, until it is there, was given up, or the first has been silent for a minute.
 * @param options `ttlMs` (default 300,000) and `maxBytes` (default 64 MiB)
 * @throws DramatisError `invalid-argument` when a bound is no whole number above 0.
 */
export function createStoreCache(options: StoreCacheOptions): Required<ResponseCache> {
  const { sql, wait: pause = wait } = options;
  const ttlMs = checked("ttlMs", options.ttlMs ?? TTL_MS);
  const maxBytes = checked("maxBytes", options.maxBytes ?? MAX_BYTES);
  /** Of what is found out here just now, by its key. */
  const claims = new Map<string, string>();
  let added = 0;
  let answers = 0;
  let sweeping: Promise<void> | undefined;

  async function sweepWhenDue(bytes: number): Promise<void> {
    added += bytes;
    answers += 1;
    if (added < maxBytes * SWEEP_PART && answers < SWEEP_ANSWERS) return;
    added = 0;
    answers = 0;
    sweeping ??= sweepCache(sql, maxBytes).finally(() => {
      sweeping = undefined;
    });
    await sweeping;
  }

  return {
    async get(key, signal) {
      const claim = crypto.randomUUID();
      for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(LONGEST_LOOK_MS, lookMs * 2)) {
        signal?.throwIfAborted();
        const found = await findOrClaim(sql, { key, claim, claimMs: CLAIM_MS });
        if (found.kind === "answer") return found.completion as Completion;
        if (found.kind === "claimed") {
          if (signal?.aborted) {
            // Whoever asked is gone, and will tell nobody.
            await giveUpClaim(sql, { key, claim });
            throw signal.reason;
          }
          claims.set(key, claim);
          return undefined;
        }
        await pause(lookMs, signal);
      }
    },
    async set(key, completion) {
      claims.delete(key);
      await sweepWhenDue(await keepAnswer(sql, { key, completion: JSON.stringify(completion), ttlMs }));
    },
    async giveUp(key) {
      const claim = claims.get(key);
      claims.delete(key);
      if (claim !== undefined) await giveUpClaim(sql, { key, claim });
    },
  };
}
