/** What a gateway tells whoever keeps figures of it; nothing of it may throw. */
import type { RequestFailure } from "../domain/errors.ts";
import type { Purpose, UsageEntry } from "../domain/usage.ts";

/** An attempt that was sent, once it is over. */
export interface ObservedAttempt {
  model: string;
  purpose: Purpose;
  /** From its being sent to its end. */
  ms: number;
  /** How long the limiter kept it before. */
  waitedMs: number;
  /** Undefined: it was answered. */
  problem: RequestFailure | undefined;
}

/** What a request cost with all its attempts, and which conversation and turn it was for. */
export interface ObservedUsage {
  conversation: string | undefined;
  turn: number;
  entries: readonly UsageEntry[];
}

/** Told of requests as they go. Answers that were kept from before, and so paid before, are not told. */
export interface RequestObserver {
  /** An attempt that was sent is over. Not told of what goes by batch, which waits for hours. */
  onAttempt?: ((attempt: ObservedAttempt) => void) | undefined;
  /** A request is over with all its attempts, and this is what it cost. */
  onUsage?: ((usage: ObservedUsage) => void) | undefined;
}
