/**
 * Requests and tokens a minute, per model. A request asks for its prompt and for all the output it allows, as the
 * provider counts it, and gets nothing of it back.
 */
import { DramatisError } from "../domain/errors.ts";
import { ApiError } from "./api-error.ts";
import { createBucket, createWindow, type Meter } from "./rate-meter.ts";

/** Requests and tokens a minute. */
export interface RateLimit {
  /** More than 0. */
  requestsPerMinute: number;
  /** More than 0; prompt and allowed output together. */
  tokensPerMinute: number;
  /**
   * Fixed windows of so many milliseconds, counted from the server's start, each with its share of the minute's limits,
   * rounded down: 6,000 requests a minute and 2,000 ms are 200 requests a window. Without it, a bucket of one minute's
   * limits that refills all the time.
   */
  windowMs?: number | undefined;
  /** Told in the project's limits, where it is set; not held to. */
  requestsPerDay?: number | undefined;
  /** The most prompt tokens in batches that are not over; told in the project's limits, where it is set. */
  batchTokensPerDay?: number | undefined;
}

/** So high that only a test that sets its own limits meets one. */
export const DEFAULT_RATE_LIMIT: RateLimit = {
  requestsPerMinute: 10_000_000,
  tokensPerMinute: 100_000_000_000,
};

export type RateHeaders = Readonly<Record<string, string>>;

/** What a 429 tells of the limit: everything, `Retry-After` in seconds alone, or nothing; the provider's do all three. */
export type RejectionHeaders = "all" | "retry-after" | "none";

export interface RateLimiter {
  /** Headers for the answer; throws the provider's 429 when a limit is passed, and then takes nothing. */
  take(model: string, tokens: number): RateHeaders;
  /** The 429 of a request that the limits would have let through, `waitMs` before it may come back. */
  pretendRejection(model: string, waitMs: number, dress: RejectionHeaders): ApiError;
  limitOf(model: string): RateLimit;
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

const KINDS = { requests: "requests per min (RPM)", tokens: "tokens per min (TPM)" } as const;
type Kind = keyof typeof KINDS;

/** The limit of one model for one kind of thing. */
interface Gauge {
  readonly kind: Kind;
  readonly perMinute: number;
  readonly meter: Meter;
}

function rateHeaders(gauges: readonly Gauge[], now: number): RateHeaders {
  const headers: Record<string, string> = {};
  for (const { kind, perMinute, meter } of gauges) {
    const { used, resetMs } = meter.read(now);
    headers[`x-ratelimit-limit-${kind}`] = String(perMinute);
    headers[`x-ratelimit-remaining-${kind}`] = String(Math.max(0, Math.floor(meter.capacity - used)));
    headers[`x-ratelimit-reset-${kind}`] = formatDuration(resetMs);
  }
  return headers;
}

/** @param waitMs undefined: waiting does not help. */
function dressed(dress: RejectionHeaders, all: RateHeaders, waitMs: number | undefined): RateHeaders {
  const retryAfter: RateHeaders =
    waitMs === undefined ? {} : { "retry-after": String(Math.ceil(waitMs / 1000)) };
  switch (dress) {
    case "all":
      return { ...all, ...retryAfter, ...(waitMs === undefined ? {} : { "retry-after-ms": String(waitMs) }) };
    case "retry-after":
      return retryAfter;
    case "none":
      return {};
  }
}

interface Rejection {
  model: string;
  gauge: Gauge;
  requested: number;
  /** Undefined: it can never fit. */
  waitMs: number | undefined;
  now: number;
}

function rejectionBody({ model, gauge, requested, waitMs, now }: Rejection) {
  const { kind, perMinute, meter } = gauge;
  const where = `for ${model} in organization offline on ${KINDS[kind]}: Limit ${perMinute}`;
  if (waitMs === undefined) {
    const share = meter.capacity === perMinute ? "" : ` (${meter.capacity} at once)`;
    return `Request too large ${where}${share}, Requested ${requested}. The input or output tokens must be reduced in order to run successfully.`;
  }
  const used = Math.round(meter.read(now).used);
  return `Rate limit reached ${where}, Used ${used}, Requested ${requested}. Please try again in ${formatDuration(waitMs)}.`;
}

function checkLimit(limit: RateLimit, place: string): void {
  for (const [name, value] of Object.entries(limit)) {
    if (value === undefined || value > 0) continue;
    const message = `${place}.${name}: expected a number above 0, got ${value}.`;
    throw new DramatisError("invalid-argument", message);
  }
}

export interface RateLimiterOptions {
  /** For every model that `byModel` does not name. */
  limit: RateLimit;
  byModel?: Readonly<Record<string, RateLimit>> | undefined;
  clock: () => number;
  /** Default `all`. */
  dress?: RejectionHeaders | undefined;
  /** Called for each rejection, but not for those that are pretended. */
  onReject?: (() => void) | undefined;
}

/** Windows are counted from this call. Throws DramatisError `invalid-argument` for a limit that lets nothing through. */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { limit, byModel = {}, clock, dress = "all", onReject } = options;
  checkLimit(limit, "rateLimit");
  for (const [model, own] of Object.entries(byModel)) checkLimit(own, `rateLimits.${model}`);
  const startedAt = clock();
  const gaugesByModel = new Map<string, { requests: Gauge; tokens: Gauge }>();

  const limitOf = (model: string) => (Object.hasOwn(byModel, model) ? byModel[model] : undefined) ?? limit;

  const gaugesOf = (model: string) => {
    let gauges = gaugesByModel.get(model);
    if (gauges === undefined) {
      const { requestsPerMinute, tokensPerMinute, windowMs } = limitOf(model);
      const gauge = (kind: Kind, perMinute: number): Gauge => ({
        kind,
        perMinute,
        meter:
          windowMs === undefined
            ? createBucket(perMinute, startedAt)
            : createWindow(perMinute, windowMs, startedAt),
      });
      gauges = { requests: gauge("requests", requestsPerMinute), tokens: gauge("tokens", tokensPerMinute) };
      gaugesByModel.set(model, gauges);
    }
    return gauges;
  };

  const reject = (rejection: Rejection, how: RejectionHeaders) => {
    const { requests, tokens } = gaugesOf(rejection.model);
    const fields = { type: rejection.gauge.kind, code: "rate_limit_exceeded" };
    const headers = dressed(how, rateHeaders([requests, tokens], rejection.now), rejection.waitMs);
    return new ApiError(429, rejectionBody(rejection), fields, headers);
  };

  return {
    limitOf,
    take(model, tokens) {
      const now = clock();
      const gauges = gaugesOf(model);
      const asked: [Gauge, number][] = [
        [gauges.requests, 1],
        [gauges.tokens, tokens],
      ];
      for (const [gauge, requested] of asked) {
        const exact = gauge.meter.waitMs(requested, now);
        if (exact === 0) continue;
        const waitMs = exact === undefined ? undefined : Math.ceil(exact);
        onReject?.();
        throw reject({ model, gauge, requested, waitMs, now }, dress);
      }
      for (const [{ meter }, requested] of asked) meter.use(requested, now);
      return rateHeaders([gauges.requests, gauges.tokens], now);
    },
    pretendRejection(model, waitMs, how) {
      const gauge = gaugesOf(model).requests;
      return reject({ model, gauge, requested: 1, waitMs, now: clock() }, how);
    },
  };
}
