/** Single prompts by batch, for programs: sent as files, waited for, read, and given back by persona. */
import type { UsageMetadata } from "@langchain/core/messages";
import type { z } from "zod";
import type { Catalog } from "../../catalog/catalog.ts";
import { defined } from "../../domain/defined.ts";
import { DramatisError, messageOf, type RequestFailure } from "../../domain/errors.ts";
import { harmless } from "../../domain/listener.ts";
import { longestAnswer } from "../../domain/longest-answer.ts";
import { withoutKeys } from "../../domain/secrets.ts";
import type { Totals, UsageEntry } from "../../domain/usage.ts";
import { costNanoUsd } from "../../ledger/cost.ts";
import { spentAtMost, totalsOf } from "../../ledger/totals.ts";
import { usageEntryOf } from "../../ledger/usage-handler.ts";
import { type Budget, sharedBudgetSpent } from "../budget.ts";
import { wireSchema } from "../completions.ts";
import type { ChatRequest, Completion } from "../exchange.ts";
import type { Outcome } from "../recording/outcome.ts";
import { wait as waitOut } from "../wait.ts";
import type { BatchClient } from "./batch-client.ts";
import { customIdOf, lineBody, lineBytes } from "./batch-line.ts";
import { lost } from "./batch-results.ts";
import { checkOptions, checkPrompt, type PromptSecrets, secretIn } from "./prompt-checks.ts";
import { holdPromptFile } from "./prompt-file.ts";
import type { BatchStatus } from "./provider-batch.ts";
import { planOfWave } from "./wave-plan.ts";

/** One prompt. */
export interface BatchPrompt<T = unknown> {
  /** Yours, to know its answer by; each only once. It is not sent. Default: its place, from 0. */
  id?: string | undefined;
  /** Whom the answer belongs to. */
  persona?: string | undefined;
  /** A model of the catalog. */
  model: string;
  /** One or more, of text alone. They are sent as they are, but for what `secrets` of the options says. */
  messages: ChatRequest["messages"];
  /** The answer must be of this shape; the provider is held to it. Default: text. */
  schema?: z.ZodType<T> | undefined;
  /** A whole number above 0. Default 1,000; reasoning models get 4,000 more to think with. */
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
  /**
   * The tokens that the provider counted, and what they cost at the catalog's batch price (`costNanoUsd`, whole nano-dollars);
   * `costBoundNanoUsd` instead, the most it can have cost, where that is not known: the provider counted nothing, or no answer came
   * and one may have been paid. Neither: the model has no price. Undefined: nothing was paid.
   */
  usage: UsageEntry | undefined;
}

/** How far batches are, told at every change. */
export interface BatchProgress {
  /** The provider's ids, by which batches can be looked up and cancelled. */
  batches: readonly { id: string; status: BatchStatus; model: string }[];
  requests: number;
  /** Answered, or failed for good. */
  done: number;
}

/** How prompts are sent, waited for and paid. */
export interface PromptBatchOptions {
  /** What it throws goes to `onProblem`, or is a warning of the process: nothing that was paid may be lost by it. */
  onProgress?: ((progress: BatchProgress) => void) | undefined;
  /**
   * Told what went wrong and costs no answer that came: the provider could not be asked and is asked again, lines of its files
   * could not be read, a file could not be deleted, which expires by itself, or `onProgress` threw.
   */
  onProblem?: ((error: unknown) => void) | undefined;
  /**
   * What becomes of keys, tokens and passwords in messages: `block` sends none of the prompts, `warn` sends them as they are, and
   * tells `onProblem`. What no rule knows the form of is not found. Default `block`.
   */
  secrets?: PromptSecrets | undefined;
  /** Cancels what is under way at the provider; what it has answered until then is paid. */
  signal?: AbortSignal | undefined;
  /**
   * Between two questions after a batch, in milliseconds, 0 or more; each is half as long again, up to a minute. One whose answer
   * was lost is looked for ten times, with the same pauses. Default 1,000.
   */
  pollMs?: number | undefined;
  /**
   * Put on every batch, beside ours, `kind` and `batch`, by which one is found whose answer was lost. At most 14 pairs, with names
   * of at most 64 characters and values of at most 512.
   */
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
  /** Milliseconds since 1970. Default: Date.now. */
  clock?: (() => number) | undefined;
  wait?: typeof waitOut | undefined;
}

const MAX_OUTPUT_TOKENS = 1000;
const POLL_MS = 1000;
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
    checkPrompt(id, prompt);
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

/** Of a prompt that may have been answered and paid, and of which no answer came. */
function lostUsageOf<T>({ prompt: { model, persona }, boundNanoUsd }: Line<T>): UsageEntry {
  return defined({ persona, model, tier: "batch" as const, costBoundNanoUsd: boundNanoUsd });
}

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

function answerOf<T>(line: Line<T>, { completion, failure }: Outcome, catalog: Catalog): BatchAnswer<T> {
  const { prompt, id } = line;
  const answer = { id, persona: prompt.persona, value: undefined, text: "", usage: undefined };
  if (completion === undefined) {
    const { code, message, mayBeBilled } = failure ?? lost(prompt.model);
    return { ...answer, usage: mayBeBilled ? lostUsageOf(line) : undefined, problem: { code, message } };
  }
  const usage = usageOf(line, completion, catalog);
  const { content, refusal } = completion.choices[0]?.message ?? {};
  const text = content ?? "";
  if (refusal) return { ...answer, usage, text, problem: { code: "refused", message: refusal } };
  if (prompt.schema === undefined) return { ...answer, usage, text, value: text as T, problem: undefined };
  const badShape = (message: string) => ({
    ...answer,
    usage,
    text,
    problem: { code: "bad-shape" as const, message },
  });
  try {
    const parsed = prompt.schema.safeParse(jsonOr(text));
    if (parsed.success) return { ...answer, usage, text, value: parsed.data, problem: undefined };
  } catch (error) {
    // A program's own check, which may be wrong, or of zod's that wait: the answer was paid.
    const reason = messageOf(error);
    return badShape(`${prompt.model}: the schema could not be checked: ${reason}`);
  }
  return badShape(`${prompt.model}: the answer is not of the shape that was asked for.`);
}

/** What no parser reads is of no shape. */
function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function warnOfListener(_: unknown, error: unknown): void {
  const reason = withoutKeys(messageOf(error));
  const warning = { type: "DramatisWarning", code: "DRAMATIS_BATCH" };
  process.emitWarning(`What a batch of prompts is to tell threw; the batch goes on: ${reason}`, warning);
}

/**
 * Sends prompts by batch, one file a model, and resolves when all have ended, which may take a day. What fails for one prompt, or
 * for the file of one model, is in the answers, and no exception. It lives as long as this process: what must survive it belongs
 * into simulations on a store.
 * @throws DramatisError `unknown-name` for a model that is not in the catalog, `invalid-argument` for prompts and options that
 * cannot be, `secret-found` for a prompt with a secret, `no-price` or `budget` where the shared cap cannot hold their worst case;
 * ModelError where none of the files could be sent, or followed, and nothing was answered; the signal's reason where nothing was
 * sent before it was aborted
 */
export async function sendPromptBatch<T>(
  prompts: readonly BatchPrompt<T>[],
  options: PromptBatchOptions,
  { client, catalog, budget, clock = Date.now, wait = waitOut }: PromptBatchParts,
): Promise<BatchAnswers<T>> {
  const { onProgress, onProblem, signal, metadata = {}, pollMs = POLL_MS, secrets = "block" } = options;
  checkOptions({ metadata, pollMs });
  const lines = linesOf(prompts, catalog, crypto.randomUUID());
  const found = lines
    .map(({ id, prompt: { messages } }) => secretIn({ id, messages }, secrets))
    .filter((one) => one !== undefined);
  const [secret] = found;
  if (secret !== undefined && secrets === "block") throw secret;
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

  const problemTold = harmless(onProblem, warnOfListener);
  const progressTold = harmless(
    onProgress,
    onProblem === undefined ? warnOfListener : (_, error) => problemTold(error),
  );
  for (const one of found) problemTold(one);
  const outcomes = new Map<string, Outcome>();
  const states = new Map<string, BatchProgress["batches"][number]>();

  const waiting = lines.map(({ prompt, ...line }) => ({ ...line, model: prompt.model, tokens: 0 }));
  const { files } = planOfWave(waiting, {
    leftNanoUsd: undefined,
    heldNanoUsd: 0,
    tokensLeft: () => undefined,
  });
  const held = await Promise.all(
    files.map(({ model, customIds }) =>
      holdPromptFile(
        { model, lines: customIds.map((id) => byId.get(id)).filter((line) => line !== undefined) },
        {
          ...{ client, signal, metadata, pollMs, clock, wait, outcomes },
          onLook(batch) {
            if (batch !== undefined) states.set(batch.id, { id: batch.id, status: batch.status, model });
            progressTold({ batches: [...states.values()], requests: lines.length, done: outcomes.size });
          },
          onProblem: problemTold,
        },
      ),
    ),
  );
  const answers = lines.map((line) => answerOf(line, outcomes.get(line.customId) ?? {}, catalog));
  const totals = totalsOf(answers.map(({ usage }) => usage).filter((usage) => usage !== undefined));
  await reservation?.settle(spentAtMost(totals));
  const broken = held.filter((one) => one !== undefined);
  const [first] = broken;
  const isAnswered = [...outcomes.values()].some(({ completion }) => completion !== undefined);
  if (first !== undefined && broken.length === held.length && !isAnswered) throw first.reason;
  return { answers, byPersona: Object.groupBy(answers, ({ persona = "" }) => persona), totals };
}
