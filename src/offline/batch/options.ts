/** How batches fare on a server: what tests and rehearsals may ask for, checked at the door. */
import { DramatisError } from "../../domain/errors.ts";
import type { ServedModels } from "../served-models.ts";
import type { BatchTimes } from "./batch-record.ts";
import type { OfflineBatchFaults } from "./line-answers.ts";

/** How long batches take, how many tokens may wait in them, and what goes wrong. */
export interface OfflineBatchOptions {
  /** Milliseconds from a batch to its checked file; default 0. */
  validationMs?: number | undefined;
  /**
   * Milliseconds that all requests of a batch take together; default 0; Infinity: until it expires, after 24 hours. A
   * function is told the number of the batch, from 1.
   */
  processingMs?: number | ((batch: number) => number) | undefined;
  /** Milliseconds from the last answer to the files; default 0. */
  finalizingMs?: number | undefined;
  /** Milliseconds from a call that cancels to the files; default 0. */
  cancellingMs?: number | undefined;
  /**
   * By model, the most prompt tokens in batches that are not over; default: the `batchTokensPerDay` of its rate limit, and
   * without one any number.
   */
  enqueuedTokens?: Readonly<Record<string, number>> | undefined;
  /** Decides the order in which requests are answered, which is that of the output; default 0. */
  seed?: number | undefined;
  /** Lets a share of the acceptable requests fail; script steps win. Default: none. */
  faults?: OfflineBatchFaults | undefined;
}

function checkTimes(times: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(times)) {
    if (value >= 0) continue;
    const message = `batch.${name}: expected milliseconds of 0 or more, got ${value}.`;
    throw new DramatisError("invalid-argument", message);
  }
}

/** @param number of the batch, from 1. Throws DramatisError `invalid-argument`. */
export function timesOf(number: number, options: OfflineBatchOptions): BatchTimes {
  const { validationMs = 0, processingMs = 0, finalizingMs = 0, cancellingMs = 0 } = options;
  const times = {
    validationMs,
    processingMs: typeof processingMs === "function" ? processingMs(number) : processingMs,
    finalizingMs,
    cancellingMs,
  };
  checkTimes(times);
  return times;
}

/** Throws DramatisError `invalid-argument`. */
export function checkOptions(options: OfflineBatchOptions, models: ServedModels): void {
  // A function is asked when its batch is made.
  const { processingMs } = options;
  timesOf(1, { ...options, processingMs: typeof processingMs === "function" ? 0 : processingMs });
  const refuse = (message: string) => new DramatisError("invalid-argument", message);
  for (const [model, tokens] of Object.entries(options.enqueuedTokens ?? {})) {
    if (!models.ids.includes(model)) {
      throw refuse(
        `batch.enqueuedTokens: "${model}" is not served; expected one of ${models.ids.join(", ")}.`,
      );
    }
    if (!(tokens > 0))
      throw refuse(`batch.enqueuedTokens.${model}: expected a number above 0, got ${tokens}.`);
  }
  const share = options.faults?.share ?? 0;
  if (!(share >= 0 && share <= 1))
    throw refuse(`batch.faults.share: expected a number from 0 to 1, got ${share}.`);
}
