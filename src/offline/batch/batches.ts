/**
 * All batches of a server. Nothing runs by itself: whoever reads lets everything happen that is due by the clock, in
 * the order in which it is due, so that the same reads at the same times find the same.
 */
import { setImmediate } from "node:timers/promises";
import { ApiError } from "../api-error.ts";
import type { Payer } from "../bill.ts";
import { type Page, type PageQuery, type PageRules, pageOf } from "../page.ts";
import {
  type BatchRecord,
  type BatchStep,
  batchOnWire,
  enterStatus,
  isFinal,
  nextStep,
} from "./batch-record.ts";
import { checkBatchRequest } from "./batch-request.ts";
import { createSteps, type StepParts } from "./batch-steps.ts";
import { checkOptions, timesOf } from "./options.ts";
import type { BatchOnWire } from "./protocol.ts";

export interface Batches {
  /** Throws an `ApiError` for what is wrong with the call itself. */
  create(body: unknown, payer: Payer): Promise<BatchOnWire>;
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

export interface BatchesParts extends Omit<StepParts, "open"> {
  clock: () => number;
  /** Tells the ids of one server from those of another. */
  mark: string;
  /** How many batches are remembered; default 10,000. The oldest that are over are forgotten first. */
  memoryBatches: number | undefined;
}

const PAGES: PageRules = { noun: "batch", usual: 20, most: 100 };
const MEMORY_BATCHES = 10_000;
const ID_DIGITS = 6;
/** Steps until other work of the process gets its turn. */
const STEPS_A_TURN = 50;

/** Throws DramatisError `invalid-argument`. */
export function createBatches(parts: BatchesParts): Batches {
  const { files, models, clock, mark, options } = parts;
  const { memoryBatches = MEMORY_BATCHES } = parts;
  checkOptions(options, models);
  /** Oldest first. */
  const batches = new Map<string, BatchRecord>();
  /** Those among them that are not over. */
  const open = new Set<BatchRecord>();
  const take = createSteps({ ...parts, open });
  let count = 0;

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
        if (status === "validating" || status === "in_progress") enterStatus(batch, "cancelling", clock());
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
