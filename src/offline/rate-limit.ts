/**
 * Requests and tokens a minute, per model, as a bucket that refills all the time. A request asks for its prompt and
 * for all the output it allows, as the provider counts it.
 */
import { ApiError } from "./api-error.ts";

export interface RateLimit {
  requestsPerMinute: number;
  tokensPerMinute: number;
}

/** So high that only a test that sets its own limits meets one. */
export const DEFAULT_RATE_LIMIT: RateLimit = {
  requestsPerMinute: 10_000_000,
  tokensPerMinute: 100_000_000_000,
};

export type RateHeaders = Readonly<Record<string, string>>;

export interface RateLimiter {
  /** Headers for the answer; throws the provider's 429 when a limit is passed, and then takes nothing. */
  take(model: string, tokens: number): RateHeaders;
}

const MINUTE_MS = 60_000;

/** As the provider writes it: `12ms`, `3.89s`, `6m0s`. */
export function formatDuration(milliseconds: number): string {
  const rounded = Math.ceil(milliseconds);
  if (rounded < 1000) return `${rounded}ms`;
  const minutes = Math.floor(rounded / MINUTE_MS);
  const seconds = `${(rounded % MINUTE_MS) / 1000}s`;
  return minutes === 0 ? seconds : `${minutes}m${seconds}`;
}

interface Bucket {
  readonly limit: number;
  used: number;
  at: number;
}

const msFor = (amount: number, limit: number) => (amount * MINUTE_MS) / limit;

function refill(bucket: Bucket, now: number): void {
  bucket.used = Math.max(0, bucket.used - ((now - bucket.at) * bucket.limit) / MINUTE_MS);
  bucket.at = now;
}

const KINDS = {
  requests: "requests per min (RPM)",
  tokens: "tokens per min (TPM)",
} as const;
type Kind = keyof typeof KINDS;

function headersOf(buckets: Readonly<Record<Kind, Bucket>>): RateHeaders {
  const headers: Record<string, string> = {};
  for (const [kind, { limit, used }] of Object.entries(buckets)) {
    headers[`x-ratelimit-limit-${kind}`] = String(limit);
    headers[`x-ratelimit-remaining-${kind}`] = String(Math.max(0, Math.floor(limit - used)));
    headers[`x-ratelimit-reset-${kind}`] = formatDuration(msFor(used, limit));
  }
  return headers;
}

function rejection(
  model: string,
  kind: Kind,
  bucket: Bucket,
  requested: number,
  headers: RateHeaders,
): ApiError {
  const fields = { type: kind, code: "rate_limit_exceeded" };
  const where = `for ${model} in organization offline on ${KINDS[kind]}: Limit ${bucket.limit}`;
  if (requested > bucket.limit) {
    const message = `Request too large ${where}, Requested ${requested}. The input or output tokens must be reduced in order to run successfully.`;
    return new ApiError(429, message, fields, headers);
  }
  const used = Math.round(bucket.used);
  const waitMs = Math.ceil(msFor(used + requested - bucket.limit, bucket.limit));
  const message = `Rate limit reached ${where}, Used ${used}, Requested ${requested}. Please try again in ${formatDuration(waitMs)}.`;
  return new ApiError(429, message, fields, {
    ...headers,
    "retry-after-ms": String(waitMs),
    "retry-after": String(Math.ceil(waitMs / 1000)),
  });
}

export function createRateLimiter(limit: RateLimit, clock: () => number): RateLimiter {
  const byModel = new Map<string, Record<Kind, Bucket>>();
  return {
    take(model, tokens) {
      const now = clock();
      let buckets = byModel.get(model);
      if (buckets === undefined) {
        buckets = {
          requests: { limit: limit.requestsPerMinute, used: 0, at: now },
          tokens: { limit: limit.tokensPerMinute, used: 0, at: now },
        };
        byModel.set(model, buckets);
      }
      const asked: [Kind, number][] = [
        ["requests", 1],
        ["tokens", tokens],
      ];
      for (const [kind] of asked) refill(buckets[kind], now);
      for (const [kind, amount] of asked) {
        const bucket = buckets[kind];
        if (bucket.used + amount > bucket.limit) {
          throw rejection(model, kind, bucket, amount, headersOf(buckets));
        }
      }
      for (const [kind, amount] of asked) buckets[kind].used += amount;
      return headersOf(buckets);
    },
  };
}
