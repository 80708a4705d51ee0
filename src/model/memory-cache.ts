/** A response cache in memory, bounded in time and size. */
import { LRUCache } from "lru-cache";
import { DramatisError } from "../domain/errors.ts";
import type { ResponseCache } from "./response-cache.ts";

/** How long and how much is kept. */
export interface MemoryCacheOptions {
  /** How long an answer is good, in milliseconds. Default 300,000. */
  ttlMs?: number | undefined;
  /** Of all answers and their keys together. The least recently used go first. Default 64 MiB. */
  maxBytes?: number | undefined;
  /** Milliseconds; only differences count. Default: Date.now. */
  clock?: (() => number) | undefined;
}

const TTL_MS = 300_000;
const MAX_BYTES = 64 * 2 ** 20;
/** What an entry takes beside its text; an empty answer is not free. */
const ENTRY_BYTES = 256;

const checked = (name: string, value: number): number => {
  if (Number.isSafeInteger(value) && value > 0) return value;
  const message = `${name}: expected a whole number above 0, got ${value}.`;
  throw new DramatisError("invalid-argument", message);
};

/**
 * Makes a cache that many gateways may share; it is gone with the process.
 * @throws DramatisError `invalid-argument` when a bound is no whole number above 0.
 */
export function createMemoryCache(options: MemoryCacheOptions = {}): ResponseCache {
  const { ttlMs = TTL_MS, maxBytes = MAX_BYTES, clock = Date.now } = options;
  const answers = new LRUCache<string, string>({
    ttl: checked("ttlMs", ttlMs),
    ttlResolution: 0,
    maxSize: checked("maxBytes", maxBytes),
    sizeCalculation: (answer, key) => Buffer.byteLength(answer) + key.length + ENTRY_BYTES,
    // lru-cache takes a time of 0 for no time.
    perf: { now: () => clock() + 1 },
  });
  return {
    async get(key) {
      const answer = answers.get(key);
      return answer === undefined ? undefined : JSON.parse(answer);
    },
    async set(key, completion) {
      answers.set(key, JSON.stringify(completion));
    },
  };
}
