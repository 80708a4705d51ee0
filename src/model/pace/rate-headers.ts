/** Reads `x-ratelimit-*` of an answer. What is not exactly as documented is as if it were not there. */

export interface RateHeaders {
  limit?: number | undefined;
  remaining?: number | undefined;
  resetMs?: number | undefined;
}

const WHOLE = /^\d{1,13}$/;
const DURATION = /^(?:(\d{1,4})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?$/;
const MILLISECONDS = /^(\d{1,9}(?:\.\d{1,9})?)ms$/;
const LONGEST = 40;

const wholeNumber = (text: string | null) => (text !== null && WHOLE.test(text) ? Number(text) : undefined);

/** Durations as the provider writes them: `12ms`, `1s`, `3.89s`, `6m0s`, `1h2m3s`. Undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  if (text.length === 0 || text.length > LONGEST) return undefined;
  const milliseconds = MILLISECONDS.exec(text);
  if (milliseconds !== null) return Number(milliseconds[1]);
  const parts = DURATION.exec(text);
  if (parts === null) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0));
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
}

/** @param kind one of the two limits every answer may speak of. */
export function readRateHeaders(headers: Headers, kind: "requests" | "tokens"): RateHeaders {
  const limit = wholeNumber(headers.get(`x-ratelimit-limit-${kind}`));
  const reset = headers.get(`x-ratelimit-reset-${kind}`);
  return {
    limit: limit === 0 ? undefined : limit,
    remaining: wholeNumber(headers.get(`x-ratelimit-remaining-${kind}`)),
    resetMs: reset === null ? undefined : parseDurationMs(reset),
  };
}
