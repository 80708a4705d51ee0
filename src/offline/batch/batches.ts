/**
 * All batches of a server. Nothing runs by itself: whoever reads lets everything happen that is due by the clock, in
 * the order in which it is due, so that the same reads at the same times find the same.
 */
import { setImmediate } from "node:timers/promises";
import { DramatisError } from "../../domain/errors.ts";
import { hash32 } from "../../domain/random.ts";
import type { Answering } from "../answering.ts";
import { ApiError } from "../api-error.ts";
import type { Payer } from "../bill.ts";
import { type Page, type PageQuery, type PageRules, pageOf } from "../page.ts";
import type { ServedModels } from "../served-models.ts";
import {
  type BatchRecord,
  type BatchStep,
  type BatchTimes,
  batchOnWire,
  isFinal,
  nextStep,
} from "./batch-record.ts";
import { checkBatchRequest } from "./batch-request.ts";
import { type BatchInput, bodyOf, checkInput } from "./input.ts";
import type { LineAnswers, OfflineBatchFaults } from "./line-answers.ts";
import type { BatchOnWire, BatchProblem, BatchStatus, ResultLine } from "./protocol.ts";
import type { StoredFiles } from "./stored-files.ts";

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
  /** By model, the most prompt tokens in batches that are not over; default: any number. */
  enqueuedTokens?: Readonly<Record<string, number>> | undefined;
  /** Decides the order in which requests are answered, which is that of the output; default 0. */
  seed?: number | undefined;
  /** Lets a share of the acceptable requests fail; script steps win. Default: none. */
  faults?: OfflineBatchFaults | undefined;
}

/** A batch that is over. */
export interface BatchEnd {
  batchId: string;
  status: "completed" | "failed" | "expired" | "cancelled";
  /** Milliseconds since 1970. */
  atMs: number;
}

export interface Batches {
  /** Throws an `ApiError` for what is wrong with the call itself. */
  create(body: unknown, payer?: Payer): Promise<BatchOnWire>;
  /** Throws the provider's 404, as `cancel` does. */
  get(id: string): Promise<BatchOnWire>;
  /** Newest first. */
  list(query: PageQuery): Promise<Page<BatchOnWire>>;
  /** Throws the provider's 409 for one that is over otherwise. */
  cancel(id: string): Promise<BatchOnWire>;
  /** Lets everything happen that is due. */
  tick(): Promise<void>;
  clear(): void;
}

export interface BatchesParts {
  files: StoredFiles;
  models: ServedModels;
  answering: Answering;
  lines: LineAnswers;
  clock: () => number;
  /** Tells the ids of one server from those of another. */
  mark: string;
  options: OfflineBatchOptions;
  /** How many batches are remembered; default 10,000. The oldest that are over are forgotten first. */
  memoryBatches: number | undefined;
  onEnd: (end: BatchEnd) => void;
}

const PAGES: PageRules = { noun: "batch", usual: 20, most: 100 };
const MEMORY_BATCHES = 10_000;
const ID_DIGITS = 6;
/** Steps until other work of the process gets its turn. */
const STEPS_A_TURN = 50;

function timesOf(number: number, options: OfflineBatchOptions): BatchTimes {
  const { validationMs = 0, processingMs = 0, finalizingMs = 0, cancellingMs = 0 } = options;
  const times = {
    validationMs,
    processingMs: typeof processingMs === "function" ? processingMs(number) : processingMs,
    finalizingMs,
    cancellingMs,
  };
  for (const [name, value] of Object.entries(times)) {
    if (value >= 0) continue;
    const message = `batch.${name}: expected milliseconds of 0 or more, got ${value}.`;
    throw new DramatisError("invalid-argument", message);
  }
  return times;
}

function checkOptions(options: OfflineBatchOptions, models: ServedModels): void {
  timesOf(1, options);
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

const inJson = (line: ResultLine) => `${JSON.stringify(line)}\n`;

/** Throws DramatisError `invalid-argument`. */
export function createBatches(parts: BatchesParts): Batches {
  const { files, models, answering, lines, clock, mark, options, onEnd } = parts;
  const { memoryBatches = MEMORY_BATCHES } = parts;
  const { enqueuedTokens = {}, seed = 0 } = options;
  checkOptions(options, models);
  /** Oldest first. */
  const batches = new Map<string, BatchRecord>();
  /** Those among them that are not over. */
  const open = new Set<BatchRecord>();
  let count = 0;

  const enter = (batch: BatchRecord, status: BatchStatus, atMs: number) => {
    batch.status = status;
    batch.since[status] = atMs;
  };

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
    enter(batch, status, atMs);
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
      if (index % STEPS_A_TURN === 0) await setImmediate();
      try {
        tokens += (await answering.count(answering.check(bodyOf(input, line)))).prompt.tokens;
      } catch (error) {
        // It will fail as that line alone, and uses nothing.
        if (!(error instanceof ApiError)) throw error;
      }
    }
    return tokens;
  };

  /** Prompt tokens of the batch; throws nothing: where they do not fit, tells the problem. */
  const tokensOf = async (input: BatchInput): Promise<number | BatchProblem> => {
    const model = models.find(input.model)?.id ?? input.model;
    const limit = enqueuedTokens[model];
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
    const file = files.find(batch.inputFileId);
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
    enter(batch, "in_progress", atMs);
  };

  const answer = async (batch: BatchRecord, atMs: number): Promise<void> => {
    const { work, usage } = batch;
    const line = work?.queue[batch.completed + batch.failed];
    if (work === undefined || line === undefined) return;
    const { customId } = line;
    const { payer } = batch;
    const result = await lines.answer({ customId, body: bodyOf(work.input, line), payer, now: atMs });
    (result.isAnswered ? work.output : work.errors).push(inJson(result.line));
    if (result.isAnswered) batch.completed += 1;
    else batch.failed += 1;
    usage.inputTokens += result.usage?.inputTokens ?? 0;
    usage.cachedInputTokens += result.usage?.cachedInputTokens ?? 0;
    usage.outputTokens += result.usage?.outputTokens ?? 0;
    usage.reasoningTokens += result.usage?.reasoningTokens ?? 0;
  };

  const take = (batch: BatchRecord, step: BatchStep, atMs: number): Promise<void> | undefined => {
    switch (step) {
      case "validate":
        return validate(batch, atMs);
      case "answer":
        return answer(batch, atMs);
      case "finalize":
        enter(batch, "finalizing", atMs);
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

  /** Of what is due the first; of what is due at once that of the older batch. */
  const nextDue = (now: number) => {
    let first: { batch: BatchRecord; step: BatchStep; atMs: number } | undefined;
    for (const batch of open) {
      const next = nextStep(batch);
      if (next === undefined || next.atMs > now) continue;
      if (first === undefined || next.atMs < first.atMs) first = { batch, ...next };
    }
    return first;
  };

  const takeAllDue = async (): Promise<void> => {
    const now = clock();
    let steps = 0;
    for (let due = nextDue(now); due !== undefined; due = nextDue(now)) {
      await take(due.batch, due.step, due.atMs);
      steps += 1;
      if (steps % STEPS_A_TURN === 0) await setImmediate();
    }
  };

  let last: Promise<unknown> = Promise.resolve();
  /** One at a time, each after everything that is due before it. */
  const inTurn = <Value>(act: () => Value): Promise<Value> => {
    const turn = last.then(takeAllDue).then(act);
    last = turn.catch(() => undefined);
    return turn;
  };

  const forgetOldest = () => {
    for (const batch of batches.values()) {
      if (batches.size <= memoryBatches) return;
      if (isFinal(batch)) batches.delete(batch.id);
    }
  };

  const find = (id: string): BatchRecord => {
    const batch = batches.get(id);
    if (batch !== undefined) return batch;
    throw new ApiError(404, `No batch found with id '${id}'.`);
  };

  return {
    create: (body, payer) =>
      inTurn(() => {
        const { file, metadata, outputExpiresAfterSeconds } = checkBatchRequest(body, files);
        count += 1;
        const batch: BatchRecord = {
          id: `batch_offline_${mark}_${String(count).padStart(ID_DIGITS, "0")}`,
          number: count,
          inputFileId: file.id,
          metadata,
          outputExpiresAfterSeconds,
          payer,
          times: timesOf(count, options),
          createdMs: clock(),
          status: "validating",
          since: {},
          model: undefined,
          problems: undefined,
          work: undefined,
          total: 0,
          completed: 0,
          failed: 0,
          usage: { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0 },
          outputFileId: undefined,
          errorFileId: undefined,
        };
        batches.set(batch.id, batch);
        open.add(batch);
        files.hold(file.id);
        forgetOldest();
        return batchOnWire(batch);
      }),
    get: (id) => inTurn(() => batchOnWire(find(id))),
    list: (query) =>
      inTurn(() => {
        const page = pageOf([...batches.values()].reverse(), query, PAGES);
        return { ...page, data: page.data.map(batchOnWire) };
      }),
    cancel: (id) =>
      inTurn(() => {
        const batch = find(id);
        const { status } = batch;
        if (status === "validating" || status === "in_progress") enter(batch, "cancelling", clock());
        else if (status !== "cancelling" && status !== "cancelled") {
          throw new ApiError(409, `Cannot cancel a batch with status '${status}'.`);
        }
        return batchOnWire(batch);
      }),
    tick: () => inTurn(() => undefined),
    clear() {
      batches.clear();
      open.clear();
    },
  };
}
