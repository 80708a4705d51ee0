/** The latest requests a server got, for tests and for a look at what was sent. */
import { DramatisError } from "../domain/errors.ts";

/** A request the server kept. */
export interface RecordedRequest {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /**
   * Lower-case names; `content-type`, `accept`, `user-agent`, `x-stainless-…` and `openai-…` only: whatever else a client
   * sends may be a key.
   */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON; the text where it was none; undefined without a body. */
  readonly body: unknown;
  /** Undefined while nothing was answered, and for good when the connection was dropped or given up. */
  readonly status: number | undefined;
  /** The request's `prompt_cache_key`, once it was found acceptable. */
  readonly promptCacheKey: string | undefined;
  /**
   * What it cost, set when the answer is generated, whether or not that arrives. Undefined when nothing was charged, or
   * when the model has no price.
   */
  readonly chargedNanoUsd: number | undefined;
}

/** A record while its request is being answered. */
export type OpenRecord = { -readonly [Field in keyof RecordedRequest]: RecordedRequest[Field] };

export interface RequestLog {
  /** Oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** The record of a request that has just arrived. */
  open(request: Request): OpenRecord;
  clear(): void;
}

/** The headers that say what sent a request and never who; others are left out. */
const KEPT_HEADERS = /^(?:content-type|accept|user-agent|x-stainless-.+|openai-.+)$/;
/** How many requests are kept unless a number says so. */
const DEFAULT_LIMIT = 10_000;
/** Digits of request ids. */
const ID_DIGITS = 6;

function limitOf(recordRequests: boolean | number): number {
  if (typeof recordRequests === "boolean") return recordRequests ? DEFAULT_LIMIT : 0;
  if (recordRequests >= 0) return recordRequests;
  const message = `recordRequests: expected true, false or a number of requests, got ${recordRequests}.`;
  throw new DramatisError("invalid-argument", message);
}

/** @param recordRequests true: the latest 10,000 are kept; false: none; a number: so many. */
export function createRequestLog(recordRequests: boolean | number = true): RequestLog {
  const limit = limitOf(recordRequests);
  const requests: OpenRecord[] = [];
  let arrived = 0;
  return {
    requests,
    open({ method, url, headers }) {
      arrived += 1;
      const id = `req_offline_${String(arrived).padStart(ID_DIGITS, "0")}`;
      const kept = Object.fromEntries([...headers].filter(([name]) => KEPT_HEADERS.test(name)));
      const path = new URL(url).pathname;
      const record: OpenRecord = {
        id,
        method,
        path,
        headers: kept,
        body: undefined,
        status: undefined,
        promptCacheKey: undefined,
        chargedNanoUsd: undefined,
      };
      requests.push(record);
      if (requests.length > limit) requests.shift();
      return record;
    },
    clear() {
      requests.length = 0;
    },
  };
}
