/** What an answer's headers say about the limits, for a pace that many processes share. */
import { isRefilling } from "./gcra.ts";
import { smaller } from "./limit-checks.ts";
import type { Limits } from "./permit.ts";
import { readRateHeaders } from "./rate-headers.ts";

const MINUTE_MS = 60_000;
/** A provider that has a little less left than the pace would leave it is no news. */
const LEAST_HOLD_MS = 100;

/** Limits that were told; one below what was just let through says nothing true. */
export function toldLimits(headers: Headers, cost: number): Limits {
  const { limit: requests } = readRateHeaders(headers, "requests");
  const { limit: tokens } = readRateHeaders(headers, "tokens");
  return {
    ...(requests === undefined ? {} : { requestsPerMinute: requests }),
    ...(tokens === undefined || tokens < cost ? {} : { tokensPerMinute: tokens }),
  };
}

/** For how long nobody is to go, since less is left than the pace needs: someone else uses the account too. */
export function heldBack(
  headers: Headers,
  { cost, limits }: { cost: number; limits: Limits },
): { requests?: number; tokens?: number } | undefined {
  const holds: { requests?: number; tokens?: number } = {};
  for (const kind of ["requests", "tokens"] as const) {
    const { limit, remaining, resetMs } = readRateHeaders(headers, kind);
    const perMinute = smaller(kind === "requests" ? limits.requestsPerMinute : limits.tokensPerMinute, limit);
    // A longer reset speaks of another limit, a day's; when that is used up, a 429 says so.
    if (perMinute === undefined || remaining === undefined || resetMs === undefined) continue;
    if (resetMs > MINUTE_MS + 1000) continue;
    const oneMs = MINUTE_MS / perMinute;
    const refills = isRefilling({ remaining, resetMs }, limit ?? perMinute);
    const neededMs = refills ? (kind === "requests" ? 1 : cost) * oneMs : resetMs;
    const holdMs = neededMs - remaining * oneMs;
    if (holdMs >= LEAST_HOLD_MS) holds[kind] = holdMs;
  }
  return holds.requests === undefined && holds.tokens === undefined ? undefined : holds;
}
