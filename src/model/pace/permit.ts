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
 * Asynchronous, so that processes may share one in SQL. Such a one holds a row for each account and model with: of both
 * dimensions the theoretical time of the next and what was sent in each slot of the last minute; until when all pause,
 * the number of the pause, its growth, the pace learned from rejections; and what headers said last. Taking a permit is
 * one statement that reads the row locked and writes it, at the database's clock; who is not due is told when, and waits
 * in its own process. Turns between conversations are then fair in each process, not between processes.
 */
export interface Limiter {
  /**
   * @throws DramatisError `invalid-argument` for a request that is larger than the token limit and so can never be sent;
   * the signal's reason when it is aborted before its turn.
   */
  acquire(request: PermitRequest): Promise<Permit>;
  /** Those in force now, set or learned, including a pace lowered after rejections. */
  limitsOf(model: string): Limits;
}
