/** One batch: where it is, what happens to it next and when, and how it looks on the wire. */
import type { Payer } from "../bill.ts";
import type { TokenUsage } from "../protocol.ts";
import { BATCH_ENDPOINT, COMPLETION_WINDOW } from "./batch-request.ts";
import type { BatchInput, InputLine } from "./input.ts";
import type { BatchOnWire, BatchProblem, BatchStatus } from "./protocol.ts";

/** The provider's completion window. */
export const WINDOW_MS = 24 * 60 * 60 * 1000;

/** Milliseconds each stage of one batch takes. */
export interface BatchTimes {
  validationMs: number;
  /** Of all its requests, one after another in equal steps. */
  processingMs: number;
  finalizingMs: number;
  cancellingMs: number;
}

/** What there is of a batch only as long as it is under way. */
export interface BatchWork {
  input: BatchInput;
  /** The input's lines in the order in which they are answered. */
  queue: readonly InputLine[];
  /** Prompt tokens, where there is a limit for them. */
  tokens: number;
  /** Lines of the files to come. */
  output: string[];
  errors: string[];
}

export interface BatchRecord {
  readonly id: string;
  readonly number: number;
  readonly inputFileId: string;
  readonly metadata: Record<string, string> | null;
  readonly outputExpiresAfterSeconds: number | undefined;
  /** Who made it. */
  readonly payer: Payer;
  readonly times: BatchTimes;
  /** Milliseconds since 1970, as all that follow. */
  readonly createdMs: number;
  status: BatchStatus;
  /** When it came to each status. */
  readonly since: Partial<Record<BatchStatus, number>>;
  model: string | undefined;
  problems: BatchProblem[] | undefined;
  work: BatchWork | undefined;
  total: number;
  completed: number;
  failed: number;
  readonly usage: TokenUsage;
  outputFileId: string | undefined;
  errorFileId: string | undefined;
}

export function enterStatus(batch: BatchRecord, status: BatchStatus, atMs: number): void {
  batch.status = status;
  batch.since[status] = atMs;
}

export type BatchStep = "validate" | "answer" | "finalize" | "complete" | "expire" | "cancel";

/** What happens next and when; undefined: nothing any more. */
export function nextStep(batch: BatchRecord): { step: BatchStep; atMs: number } | undefined {
  const { status, since, times, createdMs } = batch;
  const enteredMs = since[status] ?? createdMs;
  const withinWindow = (step: BatchStep, atMs: number) => {
    const expiresMs = createdMs + WINDOW_MS;
    return atMs <= expiresMs ? { step, atMs } : { step: "expire" as const, atMs: expiresMs };
  };
  switch (status) {
    case "validating":
      return withinWindow("validate", enteredMs + times.validationMs);
    case "in_progress": {
      const done = batch.completed + batch.failed;
      if (done === batch.total) return withinWindow("finalize", enteredMs + times.processingMs);
      return withinWindow("answer", enteredMs + times.processingMs * ((done + 1) / batch.total));
    }
    case "finalizing":
      return { step: "complete", atMs: enteredMs + times.finalizingMs };
    case "cancelling":
      return { step: "cancel", atMs: enteredMs + times.cancellingMs };
    default:
      return undefined;
  }
}

export const isFinal = (batch: BatchRecord): boolean => nextStep(batch) === undefined;

const inSeconds = (milliseconds: number) => Math.floor(milliseconds / 1000);

export function batchOnWire(batch: BatchRecord): BatchOnWire {
  const { since, problems, usage } = batch;
  const at = (status: BatchStatus) => {
    const milliseconds = since[status];
    return milliseconds === undefined ? null : inSeconds(milliseconds);
  };
  return {
    object: "batch",
    id: batch.id,
    endpoint: BATCH_ENDPOINT,
    model: batch.model ?? null,
    errors: problems === undefined ? null : { object: "list", data: problems },
    input_file_id: batch.inputFileId,
    completion_window: COMPLETION_WINDOW,
    status: batch.status,
    output_file_id: batch.outputFileId ?? null,
    error_file_id: batch.errorFileId ?? null,
    created_at: inSeconds(batch.createdMs),
    in_progress_at: at("in_progress"),
    expires_at: inSeconds(batch.createdMs + WINDOW_MS),
    finalizing_at: at("finalizing"),
    completed_at: at("completed"),
    failed_at: at("failed"),
    expired_at: at("expired"),
    cancelling_at: at("cancelling"),
    cancelled_at: at("cancelled"),
    request_counts: { total: batch.total, completed: batch.completed, failed: batch.failed },
    usage: {
      input_tokens: usage.inputTokens,
      input_tokens_details: { cached_tokens: usage.cachedInputTokens },
      output_tokens: usage.outputTokens,
      output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
      total_tokens: usage.inputTokens + usage.outputTokens,
    },
    metadata: batch.metadata,
  };
}
