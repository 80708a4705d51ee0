/** What a limiter gives and takes, whatever keeps its state. */

/** Undefined: not known, not limited. */
export interface Limits {
  requestsPerMinute?: number | undefined;
  tokensPerMinute?: number | undefined;
}

/** `interactive` goes before `bulk` where requests wait. */
export type Priority = "interactive" | "bulk";

/** A request that wants to be sent. */
export interface PermitRequest {
  model: string;
  /** Estimate: prompt tokens and the most output asked for, as the provider counts it. 0 to 1e9. */
  tokens: number;
  /** Conversations take turns; requests without one count as one conversation. */
  conversation?: string | undefined;
  /** Interactive goes before bulk, which still has one turn in eight. Default "bulk". */
  priority?: Priority | undefined;
  /** Leaves the queue at once; `acquire` rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/** Leave to send one request. Exactly one of its two methods is to be called, once; further calls do nothing. */
export interface Permit {
  readonly waitedMs: number;
  /** When the answer is there or the attempt failed. Tokens: actual, as the provider counts them; default: as estimated. */
  settle(outcome: { tokens?: number | undefined; headers?: Headers | undefined }): void;
  /** The provider said 429: everybody who waits for this model is slowed down together. */
  rejected(outcome: { retryAfterMs?: number | undefined; headers?: Headers | undefined }): void;
}

/**
 * Lets requests go at the pace of their account: `createLimiter` makes one for a process, `createSharedLimiter` one whose
 * pace all workers of a store keep together. Turns between conversations are fair in each process, not between processes.
 */
export interface Limiter {
  /**
   * @throws DramatisError `invalid-argument` for a request that is larger than the token limit and so can never be sent;
   * `store-failed` from a shared one whose store is away; the signal's reason when it is aborted before its turn.
   */
  acquire(request: PermitRequest): Promise<Permit>;
  /** Those in force now, set or learned, including a pace lowered after rejections. */
  limitsOf(model: string): Limits;
}
