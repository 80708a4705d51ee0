/** Single prompts by batch, for programs: sent as files, waited for, read, and given back by persona. */
import type { UsageMetadata } from "@langchain/core/messages";
import type { z } from "zod";
import type { Catalog } from "../../catalog/catalog.ts";
import { DramatisError, type RequestFailure } from "../../domain/errors.ts";
import { longestAnswer } from "../../domain/longest-answer.ts";
import type { Totals, UsageEntry } from "../../domain/usage.ts";
import { costNanoUsd } from "../../ledger/cost.ts";
import { totalsOf } from "../../ledger/totals.ts";
import { usageEntryOf } from "../../ledger/usage-handler.ts";
import { type Budget, sharedBudgetSpent } from "../budget.ts";
import { wireSchema } from "../completions.ts";
import type { ChatRequest, Completion } from "../exchange.ts";
import { ModelError } from "../model-error.ts";
import type { Outcome } from "../recording/outcome.ts";
import { wait as waitOut } from "../wait.ts";
import type { BatchClient } from "./batch-client.ts";
import { customIdOf, lineBody, lineBytes, lineText } from "./batch-line.ts";
import { cancelledOf, lost, refusal, unreadable, withoutResult } from "./batch-results.ts";
import { isCancellable, isOver, type ProviderBatch } from "./provider-batch.ts";
import { planOfWave } from "./wave-plan.ts";

/** One prompt. */
export interface BatchPrompt<T = unknown> {
  /** Yours, to know its answer by; each only once. Default: its place, from 0. */
  id?: string | undefined;
  /** Whom the answer belongs to. */
  persona?: string | undefined;
  /** A model of the catalog. */
  model: string;
  messages: ChatRequest["messages"];
  /** The answer must be of this shape; the provider is held to it. Default: text. */
  schema?: z.ZodType<T> | undefined;
  /** Default 1,000; reasoning models get 4,000 more to think with. */
  maxOutputTokens?: number | undefined;
  /** 0 to 2; not sent to reasoning models. */
  temperature?: number | undefined;
}

/** What came of one prompt. */
export interface BatchAnswer<T = unknown> {
  id: string;
  persona: string | undefined;
  /** Undefined: it failed, was refused, or is not of the shape that was asked for. */
  value: T | undefined;
  /** As it was written; empty where there is none. */
  text: string;
  /** Why there is no value. */
  problem: { code: RequestFailure | "refused" | "bad-shape"; message: string } | undefined;
  /** What it cost; undefined: nothing, as far as is known. */
  usage: UsageEntry | undefined;
}

/** How far batches are, told at every change. */
export interface BatchProgress {
  /** The provider's ids, by which batches can be looked up and cancelled. */
  batches: readonly { id: string; status: ProviderBatch["status"]; model: string }[];
  requests: number;
  /** Answered, or failed for good. */
  done: number;
}

/** How prompts are sent, waited for and paid. */
export interface PromptBatchOptions {
  onProgress?: ((progress: BatchProgress) => void) | undefined;
  /**
   * Told what went wrong and costs no answer that came: the provider could not be asked and is asked again, lines of its files
   * could not be read, a file could not be deleted, which expires by itself.
   */
  onProblem?: ((error: unknown) => void) | undefined;
  /** Cancels what is under way at the provider; what it has answered until then is paid. */
  signal?: AbortSignal | undefined;
  /** Between two questions after a batch, in milliseconds; each is half as long again, up to a minute. Default 1,000. */
  pollMs?: number | undefined;
  /** Put on every batch, beside `kind`. At most 15 pairs of 64 and 512 characters. */
  metadata?: Readonly<Record<string, string>> | undefined;
}

/** All answers, in the order of the prompts. */
export interface BatchAnswers<T = unknown> {
  answers: BatchAnswer<T>[];
  /** The same by persona; those of nobody are under "". */
  byPersona: Partial<Record<string, BatchAnswer<T>[]>>;
  totals: Totals;
}

export interface PromptBatchParts {
  client: BatchClient;
  catalog: Catalog;
  budget: Budget | undefined;
  wait?: typeof waitOut | undefined;
}

const MAX_OUTPUT_TOKENS = 1000;
const POLL_MS = 1000;
const MOST_POLL_MS = 60_000;
const GROWTH = 1.5;
/** What a provider adds to a prompt and its schema, at most. */
const FRAME_TOKENS = 100;
/** The name that the provider is told for a shape; it wants one. */
const SHAPE = "answer";

const refuse = (message: string) => new DramatisError("invalid-argument", message);

interface Line<T> {
  prompt: BatchPrompt<T>;
  id: string;
  customId: string;
  body: string;
  bytes: number;
  boundNanoUsd: number | undefined;
}

/** @throws DramatisError `unknown-name` or `invalid-argument` */
function linesOf<T>(prompts: readonly BatchPrompt<T>[], catalog: Catalog, run: string): Line<T>[] {
  const ids = new Set<string>();
  return prompts.map((prompt, place) => {
    const { id = String(place), schema, temperature } = prompt;
    if (ids.has(id))
      throw refuse(`Prompts of a batch: expected ids that differ, got ${JSON.stringify(id)} twice.`);
    ids.add(id);
    const model = catalog.model(prompt.model);
    const most = longestAnswer(model, prompt.maxOutputTokens ?? MAX_OUTPUT_TOKENS);
    const shape = schema && {
      type: "json_schema" as const,
      json_schema: { name: SHAPE, strict: true, schema: wireSchema(schema) },
    };
    const request: ChatRequest = {
      model: prompt.model,
      messages: prompt.messages,
      max_completion_tokens: most,
      ...(shape === undefined ? {} : { response_format: shape }),
      ...(temperature === undefined || model.reasons ? {} : { temperature }),
    };
    const body = lineBody(request);
    const key = { conversation: run, turn: place, purpose: "turn" as const, attempt: 1, occurrence: 0 };
    const customId = customIdOf({ ...key, digest: id });
    // A token has a byte at the least.
    const inputTokens = FRAME_TOKENS + Buffer.byteLength(body, "utf8");
    const boundNanoUsd = costNanoUsd({ inputTokens, outputTokens: most }, model, "batch");
    return { prompt, id, customId, body, bytes: lineBytes({ customId, body }), boundNanoUsd };
  });
}

/** As LangChain hands on what a provider reports. */
const reported = (usage: NonNullable<Completion["usage"]>): UsageMetadata => ({
  input_tokens: usage.prompt_tokens,
  output_tokens: usage.completion_tokens,
  total_tokens: usage.total_tokens,
  input_token_details: { cache_read: usage.prompt_tokens_details?.cached_tokens ?? 0 },
  output_token_details: { reasoning: usage.completion_tokens_details?.reasoning_tokens ?? 0 },
});

function usageOf<T>({ prompt, boundNanoUsd }: Line<T>, { usage }: Completion, catalog: Catalog): UsageEntry {
  const { model, persona } = prompt;
  const counted = usageEntryOf(
    { response_metadata: {}, usage_metadata: usage && reported(usage) },
    { model, tier: "batch" },
    { catalog, labels: persona === undefined ? {} : { persona } },
  );
  const isBounded = counted.costNanoUsd === undefined && boundNanoUsd !== undefined;
  return isBounded ? { ...counted, costBoundNanoUsd: boundNanoUsd } : counted;
}

/** What failed in a batch is not charged; what nobody knows of counts with the most it can be. */
function spentAtMost<T>(line: Line<T>, outcome: Outcome | undefined, catalog: Catalog): number {
  const { boundNanoUsd = 0 } = line;
  if (outcome?.completion !== undefined)
    return usageOf(line, outcome.completion, catalog).costNanoUsd ?? boundNanoUsd;
  return outcome?.failure?.mayBeBilled === false ? 0 : boundNanoUsd;
}

function answerOf<T>(line: Line<T>, { completion, failure }: Outcome, catalog: Catalog): BatchAnswer<T> {
  const { prompt, id } = line;
  const answer = { id, persona: prompt.persona, value: undefined, text: "", usage: undefined };
  if (completion === undefined) {
    const { code, message } = failure ?? withoutResult(prompt.model, "completed");
    return { ...answer, problem: { code, message } };
  }
  const usage = usageOf(line, completion, catalog);
  const { content, refusal } = completion.choices[0]?.message ?? {};
  const text = content ?? "";
  if (refusal) return { ...answer, usage, text, problem: { code: "refused", message: refusal } };
  if (prompt.schema === undefined) return { ...answer, usage, text, value: text as T, problem: undefined };
  const parsed = prompt.schema.safeParse(jsonOr(text));
  if (parsed.success) return { ...answer, usage, text, value: parsed.data, problem: undefined };
  const message = `${prompt.model}: the answer is not of the shape that was asked for.`;
  return { ...answer, usage, text, problem: { code: "bad-shape", message } };
}

/** What no parser reads is of no shape. */
function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Sends prompts by batch, one file a model, and resolves when all have ended, which may take a day. What fails for one prompt is
 * in its answer, and no exception. It lives as long as this process: what must survive it belongs into simulations on a store.
 * @throws DramatisError `unknown-name` for a model that is not in the catalog, `invalid-argument` for prompts that cannot be,
 * `budget` where the shared cap cannot hold their worst case; ModelError for what the provider refuses as a whole
 */
export async function sendPromptBatch<T>(
  prompts: readonly BatchPrompt<T>[],
  options: PromptBatchOptions,
  { client, catalog, budget, wait = waitOut }: PromptBatchParts,
): Promise<BatchAnswers<T>> {
  const { onProgress, onProblem, signal, metadata = {}, pollMs = POLL_MS } = options;
  const lines = linesOf(prompts, catalog, crypto.randomUUID());
  const byId = new Map(lines.map((line) => [line.customId, line]));
  const worst = lines.reduce((sum, { boundNanoUsd = 0 }) => sum + boundNanoUsd, 0);
  if (budget !== undefined && lines.some(({ boundNanoUsd }) => boundNanoUsd === undefined))
    throw new DramatisError(
      "no-price",
      "A model of the batch has no price in the catalog, so no budget can hold.",
    );
  const reservation = await budget?.reserve(worst, signal);
  if (budget !== undefined && reservation === undefined)
    throw new DramatisError("budget", `The batch was not sent. ${sharedBudgetSpent(budget, worst)}`);

  const outcomes = new Map<string, Outcome>();
  const states = new Map<string, BatchProgress["batches"][number]>();
  const tell = () =>
    onProgress?.({ batches: [...states.values()], requests: lines.length, done: outcomes.size });

  /** What was sent is paid, so its answers are asked for until they come, later and later; unless they are not wanted any more. */
  async function patiently<T>(ask: () => Promise<T>): Promise<T> {
    for (let ms = pollMs; ; ms = Math.min(MOST_POLL_MS, ms * GROWTH)) {
      try {
        return await ask();
      } catch (error) {
        if (signal?.aborted || !(error instanceof ModelError && error.isRetryable)) throw error;
        onProblem?.(error);
        await wait(ms, signal).catch(() => undefined);
      }
    }
  }

  /** Cancelled by whoever sent it, a prompt was broken off; by somebody else, it is said whose doing that may have been. */
  function explained(outcome: Outcome, of: { model: string; batch: string }): Outcome {
    const { failure } = outcome;
    if (failure?.code !== "batch-cancelled") return outcome;
    if (signal?.aborted) return { ...outcome, failure: { ...failure, code: "aborted" } };
    return { ...outcome, failure: cancelledOf(failure, { ...of, next: "To have it made, send it again." }) };
  }

  /** @returns how many lines could not be read */
  async function read(fileId: string, of: { model: string; batch: string }): Promise<number> {
    const { model } = of;
    let unread = 0;
    for await (const result of client.results({ fileId, model })) {
      if (result === undefined) unread += 1;
      else if (byId.has(result.customId)) outcomes.set(result.customId, explained(result.outcome, of));
    }
    return unread;
  }

  async function hold(model: string, customIds: readonly string[]): Promise<void> {
    const own = customIds.map((id) => byId.get(id)).filter((line) => line !== undefined);
    const name = `dramatis-${crypto.randomUUID()}.jsonl`;
    const fileId = await client.upload(name, [own.map(lineText).join("")], signal);
    let batch = await client.create({ fileId, metadata: { ...metadata, kind: "prompts" } }, signal);
    for (let ms = pollMs; !isOver(batch); ms = Math.min(MOST_POLL_MS, ms * GROWTH)) {
      states.set(batch.id, { id: batch.id, status: batch.status, model });
      tell();
      // Once it is cancelled, its end is waited for as that of any other.
      await wait(ms, signal?.aborted ? undefined : signal).catch(() => undefined);
      const { id } = batch;
      const isUnwanted = () => signal?.aborted && isCancellable(batch);
      batch = await patiently(() => (isUnwanted() ? client.cancel(id) : client.retrieve(id)));
    }
    const { id } = batch;
    states.set(id, { id, status: batch.status, model });
    let unread = 0;
    for (const file of [batch.outputFileId, batch.errorFileId])
      if (file !== undefined) unread += await patiently(() => read(file, { model, batch: id }));
    if (unread > 0) onProblem?.(unreadable(unread));
    const [problem] = batch.problems;
    const unanswered = unread > 0 ? lost(model) : withoutResult(model, batch.status);
    const failure = problem === undefined ? unanswered : refusal(model, problem);
    const rest = explained({ failure }, { model, batch: id });
    for (const { customId } of own) if (!outcomes.has(customId)) outcomes.set(customId, rest);
    tell();
    for (const file of [fileId, batch.outputFileId, batch.errorFileId])
      if (file !== undefined) await client.remove(file).catch((error: unknown) => onProblem?.(error));
  }

  const waiting = lines.map(({ prompt, ...line }) => ({ ...line, model: prompt.model, tokens: 0 }));
  const { files } = planOfWave(waiting, {
    leftNanoUsd: undefined,
    heldNanoUsd: 0,
    tokensLeft: () => undefined,
  });
  try {
    const held = await Promise.allSettled(files.map(({ model, customIds }) => hold(model, customIds)));
    const broken = held.find((one) => one.status === "rejected");
    if (broken !== undefined) throw broken.reason;
    const answers = lines.map((line) => answerOf(line, outcomes.get(line.customId) ?? {}, catalog));
    const byPersona = Object.groupBy(answers, ({ persona = "" }) => persona);
    const entries = answers.map(({ usage }) => usage).filter((usage) => usage !== undefined);
    return { answers, byPersona, totals: totalsOf(entries) };
  } finally {
    const spent = lines.map((line) => spentAtMost(line, outcomes.get(line.customId), catalog));
    await reservation?.settle(spent.reduce((sum, one) => sum + one, 0));
  }
}
