/** Files, batches and their webhook, put together. */
import type { Answering } from "../answering.ts";
import type { RateLimiter } from "../rate-limit.ts";
import type { ScriptQueue } from "../script.ts";
import type { ServedModels } from "../served-models.ts";
import { type Batches, createBatches } from "./batches.ts";
import { createLineAnswers, type LineAnswers } from "./line-answers.ts";
import type { OfflineBatchOptions } from "./options.ts";
import { createStoredFiles, type StoredFiles } from "./stored-files.ts";
import { createWebhookSender, type OfflineWebhook } from "./webhook.ts";

export interface BatchServiceOptions {
  models: ServedModels;
  answering: Answering;
  limiter: RateLimiter;
  script: ScriptQueue;
  clock: () => number;
  batch: OfflineBatchOptions | undefined;
  webhook: OfflineWebhook | undefined;
  /** Bytes of all files together; undefined: 1,000,000,000. */
  memoryBytes: number | undefined;
  /** Undefined: 10,000. */
  memoryBatches: number | undefined;
  onFault: (kind: string) => void;
  onBug: (error: Error) => void;
}

export interface BatchService {
  files: StoredFiles;
  batches: Batches;
  lines: LineAnswers;
  /** The most prompt tokens of a model in batches that are not over; undefined: any number. */
  enqueuedLimitOf(model: string): number | undefined;
  /** Lets everything happen that is due, and sends again what the webhook did not take. */
  tick(): Promise<void>;
  /** Settles when no event is on its way. */
  settled(): Promise<void>;
  clear(): void;
}

/** Throws DramatisError `invalid-argument`. */
export function createBatchService(options: BatchServiceOptions): BatchService {
  const { models, answering, script, clock, batch = {}, onFault, onBug } = options;
  // A client that outlives a server must not take another server's batch for its own.
  const mark = clock().toString(36);
  const files = createStoredFiles({ clock, mark, memoryBytes: options.memoryBytes });
  const webhook = createWebhookSender({ webhook: options.webhook, clock, mark });
  const lines = createLineAnswers({ answering, script, faults: batch.faults, onFault, onBug });
  const enqueuedLimitOf = (model: string) =>
    batch.enqueuedTokens?.[model] ?? options.limiter.limitOf(model).batchTokensPerDay;
  const batches = createBatches({
    files,
    models,
    answering,
    lines,
    clock,
    mark,
    options: batch,
    enqueuedLimitOf,
    memoryBatches: options.memoryBatches,
    onEnd: webhook.announce,
  });
  return {
    files,
    batches,
    lines,
    enqueuedLimitOf,
    async tick() {
      await batches.tick();
      webhook.retry();
    },
    settled: webhook.settled,
    clear() {
      for (const part of [files, batches, lines, webhook]) part.clear();
    },
  };
}
