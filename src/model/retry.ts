/** How long to wait before a request is sent again: what the provider asked for, else exponential with full jitter. */

export interface RetrySettings {
  /** Further attempts after the first. */
  maxRetries: number;
  /** Of the first wait at most; doubles with every attempt. */
  baseMs: number;
  /** Of any wait that the provider did not ask for. */
  maxMs: number;
}

export const DEFAULT_RETRY: RetrySettings = { maxRetries: 6, baseMs: 500, maxMs: 20_000 };

/** Between attempts at a tier without room: that is a matter of minutes rather than of seconds, and costs nothing. */
export const NO_ROOM_RETRY: Pick<RetrySettings, "baseMs" | "maxMs"> = { baseMs: 2_000, maxMs: 60_000 };

/** A wait that asks for more than a day is no wait. */
const LONGEST_MS = 86_400_000;

const bounded = (ms: number): number | undefined =>
  Number.isFinite(ms) && ms >= 0 && ms <= LONGEST_MS ? Math.ceil(ms) : undefined;

const decimal = (text: string | null): number | undefined =>
  text !== null && /^\d{1,12}(\.\d{1,9})?$/.test(text.trim()) ? Number(text) : undefined;

/**
 * What a provider's headers ask to wait, in milliseconds: `retry-after-ms`, else `Retry-After` in seconds or as a date
 * (RFC 9110, 10.2.3). Undefined when neither can be read.
 */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const exact = decimal(headers.get("retry-after-ms"));
  if (exact !== undefined) return bounded(exact);
  const text = headers.get("retry-after");
  const seconds = decimal(text);
  if (seconds !== undefined) return bounded(seconds * 1000);
  if (text === null || !/GMT$/.test(text)) return undefined;
  return bounded(Math.max(0, Date.parse(text) - now));
}

/** The wait after failed attempt `attempt`, counted from 1. `share` is drawn from [0, 1). */
export function backoffMs(
  attempt: number,
  share: number,
  { baseMs, maxMs }: Pick<RetrySettings, "baseMs" | "maxMs">,
): number {
  return Math.round(share * Math.min(maxMs, baseMs * 2 ** (attempt - 1)));
}
