/** What every report of an organization takes: the key, where it may go, and the time that is asked about. */
import type { AdminAccess } from "../admin/client.ts";
import { DramatisError } from "../domain/errors.ts";

/** How wide a bucket of time is: a minute, an hour or a day, in UTC. */
export type BucketWidth = "1m" | "1h" | "1d";

/** Milliseconds. */
export const WIDTH_MS: Readonly<Record<BucketWidth, number>> = {
  "1m": 60_000,
  "1h": 3_600_000,
  "1d": 86_400_000,
};

/** Whom to ask, with which key, and about which time. Times are milliseconds since 1970; buckets are whole in UTC. */
export interface ReportOptions extends AdminAccess {
  /** The first bucket is the one that this moment is in. */
  since: number;
  /** The last bucket is the one before this moment, or that it is in. Default: now. */
  until?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Further attempts of a page after a 429, a 5xx or a lost connection, when the server says or later and later. Default 4. */
  maxRetries?: number | undefined;
  /** Of a page with all its attempts, in milliseconds. Default 300,000. */
  timeoutMs?: number | undefined;
  /** Milliseconds since 1970. Default: Date.now. */
  clock?: (() => number) | undefined;
}

export interface Period {
  /** Whole buckets. */
  since: number;
  until: number;
}

/** The greatest time that a Date can hold. */
const LATEST = 8_640_000_000_000_000;

/** @throws DramatisError `invalid-argument` for a missing key, and for times that are none or the wrong way round */
export function periodOf(options: ReportOptions, width: BucketWidth): Period {
  const { adminKey, since, clock = Date.now, until = clock() } = options;
  if (!/^[\x21-\x7e]+$/.test(adminKey)) {
    // It travels in a header, and is never shown.
    const got = adminKey.trim() === "" ? "nothing" : "characters that no key has";
    throw new DramatisError(
      "invalid-argument",
      `To read what an organization spent, expected an admin key (OPENAI_ADMIN_KEY), got ${got}.`,
    );
  }
  if (!(since >= 0 && since < until && until <= LATEST)) {
    throw new DramatisError(
      "invalid-argument",
      `A report: expected a time \`since\` before \`until\`, in milliseconds since 1970, got ${since} and ${until}.`,
    );
  }
  const ms = WIDTH_MS[width];
  return { since: Math.floor(since / ms) * ms, until: Math.ceil(until / ms) * ms };
}
