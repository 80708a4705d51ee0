/** What happens to a batch at each step: its file is checked, a request is answered, it ends in one way or another. */
import { setImmediate } from "node:timers/promises";
import { hash32 } from "../../domain/random.ts";
import type { Answering } from "../answering.ts";
import { ApiError } from "../api-error.ts";
import type { ServedModels } from "../served-models.ts";
import { type BatchRecord, type BatchStep, enterStatus } from "./batch-record.ts";
import { type BatchInput, bodyOf, checkInput } from "./input.ts";
import type { LineAnswers } from "./line-answers.ts";
import type { OfflineBatchOptions } from "./options.ts";
import type { BatchProblem, ResultLine } from "./protocol.ts";
import type { StoredFiles } from "./stored-files.ts";

/** A batch that is over. */
export interface BatchEnd {
  batchId: string;
  status: "completed" | "failed" | "expired" | "cancelled";
  /** Milliseconds since 1970. */
  atMs: number;
}

export interface StepParts {
  files: StoredFiles;
  models: ServedModels;
  answering: Answering;
  lines: LineAnswers;
  options: OfflineBatchOptions;
  /** The most prompt tokens of a model in batches that are not over; undefined: any number. */
  enqueuedLimitOf: (model: string) => number | undefined;
  /** The batches that are not over: who ends is taken out. */
  open: Set<BatchRecord>;
  onEnd: (end: BatchEnd) => void;
}

/** Takes one step at a time, at the time it is due. */
export type TakeStep = (batch: BatchRecord, step: BatchStep, atMs: number) => Promise<void> | undefined;

/** Prompts counted until other work of the process gets its turn. */
const COUNTS_A_TURN = 50;

const inJson = (line: ResultLine) => `${JSON.stringify(line)}\n`;

export function createSteps(parts: StepParts): TakeStep {
  const { files, models, answering, lines, enqueuedLimitOf, open, onEnd } = parts;
  const { seed = 0 } = parts.options;

  const putOut = (batch: BatchRecord, kind: "output" | "error", content: readonly string[], atMs: number) => {
    if (content.length === 0) return undefined;
    const file = files.add({
      filename: `${batch.id}_${kind}.jsonl`,
      purpose: "batch_output",
      content: new TextEncoder().encode(content.join("")),
      createdMs: atMs,
      expiresAfterSeconds: batch.outputExpiresAfterSeconds,
    });
    return file.id;
  };

  /** What was of use only on the way is dropped here: of a batch that is over its figures remain, and its files. */
  const end = (batch: BatchRecord, status: BatchEnd["status"], atMs: number) => {
    enterStatus(batch, status, atMs);
    if (batch.work !== undefined) {
      batch.outputFileId = putOut(batch, "output", batch.work.output, atMs);
      batch.errorFileId = putOut(batch, "error", batch.work.errors, atMs);
    }
    batch.work = undefined;
    files.release(batch.inputFileId);
    open.delete(batch);
    onEnd({ batchId: batch.id, status, atMs });
  };

  /** Ends it with a line for each request that was not answered. */
  const breakOff = (batch: BatchRecord, status: "expired" | "cancelled", atMs: number) => {
    const { work } = batch;
    for (const { customId } of work?.queue.slice(batch.completed + batch.failed) ?? []) {
      work?.errors.push(inJson(lines.unanswered(customId, `batch_${status}`)));
    }
    end(batch, status, atMs);
  };

  const countTokens = async (input: BatchInput): Promise<number> => {
    let tokens = 0;
    for (const [index, line] of input.lines.entries()) {
      if (index % COUNTS_A_TURN === 0) await setImmediate();
      try {
        tokens += (await answering.count(answering.check(bodyOf(input, line)))).prompt.tokens;
      } catch (error) {
        // It will fail as that line alone, and uses nothing.
        if (!(error instanceof ApiError)) throw error;
      }
    }
    return tokens;
  };

  /** Prompt tokens, where there is a limit for them; the problem, where they do not fit. */
  const tokensOf = async (input: BatchInput): Promise<number | BatchProblem> => {
    const model = models.find(input.model)?.id ?? input.model;
    const limit = enqueuedLimitOf(model);
    if (limit === undefined) return 0;
    const tokens = await countTokens(input);
    const others = [...open].filter(({ model: other }) => models.find(other ?? "")?.id === model);
    const enqueued = others.reduce((sum, { work }) => sum + (work?.tokens ?? 0), 0);
    if (enqueued + tokens <= limit) return tokens;
    return {
      code: "token_limit_exceeded",
      line: null,
      message: `Enqueued token limit reached for ${model} in organization offline. Limit: ${limit.toLocaleString("en-US")} enqueued tokens. Please try again once some in_progress batches have been completed.`,
      param: null,
    };
  };

  const validate = async (batch: BatchRecord, atMs: number): Promise<void> => {
    const fail = (problems: BatchProblem[]) => {
      batch.problems = problems;
      end(batch, "failed", atMs);
    };
    const file = files.find(batch.inputFileId, atMs);
    if (file === undefined) {
      const message = `Cannot find file ${batch.inputFileId}, or organization offline does not have access to it.`;
      return fail([{ code: "invalid_request", line: null, message, param: "file_id" }]);
    }
    const checked = await checkInput(file.content, models);
    if ("problems" in checked) return fail(checked.problems);
    const { input } = checked;
    batch.model = input.model;
    const tokens = await tokensOf(input);
    if (typeof tokens !== "number") return fail([tokens]);
    const keys = input.lines.map((line, index) => ({ line, key: hash32(seed, batch.number, index) }));
    const queue = keys.sort((one, other) => one.key - other.key).map(({ line }) => line);
    batch.work = { input, queue, tokens, output: [], errors: [] };
    batch.total = queue.length;
    enterStatus(batch, "in_progress", atMs);
  };

  const answer = async (batch: BatchRecord, atMs: number): Promise<void> => {
    const { work, usage, payer } = batch;
    const line = work?.queue[batch.completed + batch.failed];
    if (work === undefined || line === undefined) return;
    const { customId } = line;
    const result = await lines.answer({ customId, body: bodyOf(work.input, line), payer, now: atMs });
    (result.isAnswered ? work.output : work.errors).push(inJson(result.line));
    if (result.isAnswered) batch.completed += 1;
    else batch.failed += 1;
    usage.inputTokens += result.usage?.inputTokens ?? 0;
    usage.cachedInputTokens += result.usage?.cachedInputTokens ?? 0;
    usage.outputTokens += result.usage?.outputTokens ?? 0;
    usage.reasoningTokens += result.usage?.reasoningTokens ?? 0;
  };

  return (batch, step, atMs) => {
    switch (step) {
      case "validate":
        return validate(batch, atMs);
      case "answer":
        return answer(batch, atMs);
      case "finalize":
        enterStatus(batch, "finalizing", atMs);
        return;
      case "complete":
        end(batch, "completed", atMs);
        return;
      case "expire":
        breakOff(batch, "expired", atMs);
        return;
      case "cancel":
        breakOff(batch, "cancelled", atMs);
        return;
    }
  };
}
