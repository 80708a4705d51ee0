/** The only way to a model: binds tools and the demanded answer, sends, counts, and says what came back. */
import { createHash } from "node:crypto";
import type { BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { isGraphBubbleUp } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import type { z } from "zod";
import type { Catalog } from "../catalog/catalog.ts";
import type { Attempt } from "../domain/attempt.ts";
import type { ModelInfo } from "../domain/model-info.ts";
import type { StructuredMethod } from "../domain/scenario.ts";
import { withoutKey } from "../domain/secrets.ts";
import type { Purpose, UsageEntry } from "../domain/usage.ts";
import { checkLengths, describeLength, type LengthLimits, type LengthProblem } from "../guard/lengths.ts";
import { usageEntryOf } from "../ledger/usage-handler.ts";
import { answerText, type TextPiece } from "./answer-text.ts";
import { createAttempts } from "./attempts.ts";
import type { Budget } from "./budget.ts";
import { type Circuit, createCircuit } from "./circuit.ts";
import { Completions, carrying } from "./completions.ts";
import { bindDemand, type Demand, demandText, type Send as SendDemand } from "./demand.ts";
import type { Deadline, Delta, Exchange, Priority, Send } from "./exchange.ts";
import { createFailureLog, type FailureLogOptions } from "./failure-log.ts";
import { longestAnswer } from "./longest-answer.ts";
import { ModelError } from "./model-error.ts";
import { openNetwork } from "./network.ts";
import { createLimiter, type Limiter } from "./pace/limiter.ts";
import type { Recorder } from "./recorder.ts";
import type { Replay } from "./replay.ts";
import { type Reply, readReply } from "./reply.ts";
import { type ResponseCache, withCache } from "./response-cache.ts";
import { DEFAULT_RETRY, type RetrySettings } from "./retry.ts";
import { wait } from "./wait.ts";
import { leastInputTokens, requestTokens, worstCaseNanoUsd } from "./worst-case.ts";

export interface GatewayOptions {
  catalog: Catalog;
  apiKey: string;
  /** Any OpenAI-compatible server. Default: OpenAI's. */
  baseUrl?: string | undefined;
  /** Carries every request; the offline server passes its own. Default: Node's own HTTP client; the global fetch where a proxy or a dispatcher of undici is set. */
  fetch?: typeof globalThis.fetch | undefined;
  /** Of one attempt, in milliseconds, until the whole answer is there. Default 120,000. */
  timeoutMs?: number | undefined;
  /** Of all requests of a turn with their retries, in milliseconds; queueing does not count. Default 600,000. */
  turnTimeoutMs?: number | undefined;
  /** Further attempts after timeouts, lost connections, 408, 409, 429 and 5xx. Default 6. */
  maxRetries?: number | undefined;
  /** Paces the requests of all conversations. Default: one that learns the limits from the answers' headers. */
  limiter?: Limiter | undefined;
  /** A cap that all conversations of this gateway share; see `createBudget`. */
  budget?: Budget | undefined;
  /** Answers identical requests again for nothing, and sends those that come together once. Default: none. */
  cache?: ResponseCache | undefined;
  /** Keeps every exchange in a file; see `createRecorder`. */
  recorder?: Recorder | undefined;
  /** Answers every request from a file; nothing is sent. */
  replay?: Replay | undefined;
  /** Where failed attempts are logged, as JSON lines of a pino logger. Default: nowhere but in the record. */
  log?: Omit<FailureLogOptions, "apiKey"> | undefined;
  /** Whether the server takes what only OpenAI's takes: service tiers and cache keys. Default false. */
  hasOpenAiOptions?: boolean | undefined;
  /** Milliseconds since 1970. Default: Date.now. */
  clock?: (() => number) | undefined;
  /** Draws from [0, 1) the jitter of waits. Default: Math.random. */
  random?: (() => number) | undefined;
}

/** What a line to a model is for; the same for all requests sent on it. */
export interface ModelLineSettings<T> {
  /** A model of the catalog. */
  model: string;
  schema: z.ZodType<T>;
  tools?: readonly StructuredToolInterface[];
  /** Default: the catalog's for the model. */
  method?: StructuredMethod | undefined;
  /** Of the answer. Reasoning models get 4,000 more to think with; never more than the model's maximum. */
  maxOutputTokens: number;
  /** 0 to 2; not sent to reasoning models. */
  temperature?: number | undefined;
  seed?: number | undefined;
}

export interface Ask {
  messages: readonly BaseMessage[];
  purpose: Purpose;
  turn: number;
  persona?: string | undefined;
  /** The conversation it belongs to: conversations take turns, the log names it, and the provider caches by it. */
  conversation?: string | undefined;
  /** False: the model must answer now, although tools are bound. Default true. */
  mayCallTools?: boolean;
  /** Nano-dollars left to spend. A request whose worst case costs more is not sent. */
  spendableNanoUsd?: number | undefined;
  /** Breaks the request off; the reply is then a problem `aborted` with what it may have cost. */
  signal?: AbortSignal | undefined;
  /** Default `interactive`. */
  priority?: Priority | undefined;
  /** What is left of the turn's time. Default: all of `turnTimeoutMs`. */
  deadline?: Deadline | undefined;
  /** How long messages may be. Default: 100,000 characters each, 1,000,000 together. */
  lengths?: LengthLimits | undefined;
  /** Told of every failed attempt as it happens, before the wait for the next. */
  onAttempt?: ((attempt: Attempt) => void) | undefined;
  /** Told of every piece of the answer as it arrives; the request is then streamed. */
  onDelta?: ((delta: Delta) => void) | undefined;
  /** The same for one text field of the answer, decoded: plain text instead of JSON. Not beside `onDelta`. */
  tell?: { field: string; onText: (piece: TextPiece) => void } | undefined;
}

/** A model with tools and a demanded answer, ready to be asked. Does not throw for what a provider may do. */
export interface ModelLine<T> {
  ask(ask: Ask, config?: RunnableConfig): Promise<Reply<T>>;
}

export interface Gateway {
  readonly catalog: Catalog;
  /** Of all requests of a turn, in milliseconds. */
  readonly turnTimeoutMs: number;
  /** @throws DramatisError `unknown-name` when the catalog has no such model. */
  line<T>(settings: ModelLineSettings<T>): ModelLine<T>;
}

const TIMEOUT_MS = 120_000;
const TURN_TIMEOUT_MS = 600_000;

/** Hides raw JSON tokens from LangGraph's `messages` stream; the finished message arrives there instead. */
const TAGS = ["langsmith:nostream"];

/** A report of fewer input tokens than any encoding could make of the prompt cannot be true, nor can its cost. */
function believable(entry: UsageEntry, leastInput: number): UsageEntry {
  const { inputTokens = 0, costNanoUsd, ...rest } = entry;
  const isTrue = inputTokens >= leastInput;
  return costNanoUsd === undefined || costNanoUsd === 0 || isTrue ? entry : rest;
}

/** At most 64 characters, as the provider wants it; a hash, since an embedder's id may say whose conversation it is. */
const promptCacheKey = (conversation: string) =>
  createHash("sha256").update(conversation).digest("hex").slice(0, 32);

/** What a thrown error means for whoever asked; undefined: it is none of the provider's doing. */
function problemOf(error: unknown, { signal, isAnswered, attempts }: Exchange) {
  const isRecordedAbort = error instanceof ModelError && error.code === "aborted";
  if (signal?.aborted || isRecordedAbort) {
    const wasSent = isAnswered || attempts.length > 0;
    const detail = wasSent ? "Broken off; its request may have been paid." : "Broken off before it was sent.";
    return { problem: "aborted", detail } as const;
  }
  return error instanceof ModelError ? { problem: error.code, detail: error.message } : undefined;
}

function createSend(options: GatewayOptions): Send {
  const { replay, recorder, cache, apiKey, baseUrl } = options;
  if (replay !== undefined) return replay.send;
  const sent = createNetworkSend(options);
  const cached = cache === undefined ? sent : withCache({ cache, server: baseUrl, apiKey })(sent);
  return recorder === undefined ? cached : recorder.around(cached);
}

function createNetworkSend(options: GatewayOptions): Send {
  const { apiKey, timeoutMs = TIMEOUT_MS, clock = Date.now, random = Math.random } = options;
  const circuits = new Map<string, Circuit>();
  const retry: RetrySettings = {
    ...DEFAULT_RETRY,
    maxRetries: options.maxRetries ?? DEFAULT_RETRY.maxRetries,
  };
  return createAttempts({
    carry: openNetwork({ apiKey, baseUrl: options.baseUrl, fetch: options.fetch, timeoutMs }),
    limiter: options.limiter ?? createLimiter({ random }),
    circuitOf(model) {
      const circuit = circuits.get(model) ?? createCircuit();
      circuits.set(model, circuit);
      return circuit;
    },
    budget: options.budget,
    log: options.log && createFailureLog({ ...options.log, apiKey }),
    retry,
    apiKey,
    clock,
    random,
    wait,
  });
}

export function createGateway(options: GatewayOptions): Gateway {
  const { catalog, apiKey, turnTimeoutMs = TURN_TIMEOUT_MS } = options;
  const send = createSend(options);

  /** Builds requests and reads answers; what carries them is `send`. */
  function client(settings: ModelLineSettings<unknown>, info: ModelInfo, maxTokens: number): ChatOpenAI {
    const { temperature } = settings;
    const fields = {
      model: settings.model,
      // The key stays with what carries the requests.
      apiKey: "carried by the gateway",
      maxTokens,
      // A project may default to a dearer tier than prices and bounds are figured with.
      ...(options.hasOpenAiOptions ? { service_tier: "default" as const } : {}),
      ...(info.reasons || temperature === undefined ? {} : { temperature }),
      maxRetries: 0,
      // Answers are streamed, when they are, below: LangChain gets them whole.
      disableStreaming: true,
    };
    return new ChatOpenAI({ ...fields, completions: new Completions(fields) });
  }

  function line<T>(settings: ModelLineSettings<T>): ModelLine<T> {
    const { schema, tools = [], seed } = settings;
    const model = catalog.model(settings.model);
    const maxOutputTokens = longestAnswer(model, settings.maxOutputTokens);
    const { parallelToolCalls } = model;
    const demand: Demand = {
      method: settings.method ?? model.structured,
      schema,
      tools,
      seed,
      parallelToolCalls,
    };
    const demands = demandText(demand);
    const chat = client(settings, model, maxOutputTokens);
    const senders = new Map<boolean, SendDemand>();
    const prices = { find: (id: string) => catalog.find(id) ?? model };

    function sender(mayCallTools: boolean): SendDemand {
      const known = senders.get(mayCallTools) ?? bindDemand(chat, demand, mayCallTools);
      senders.set(mayCallTools, known);
      return known;
    }

    async function ask(asked: Ask, config: RunnableConfig = {}): Promise<Reply<T>> {
      const { messages, purpose, turn, persona, conversation, mayCallTools = true } = asked;
      const tooLong = checkLengths(messages.map(lengthOf), asked.lengths);
      if (tooLong !== undefined) return refused(tooLong);
      const worst = { model, messages, demands, maxOutputTokens };
      const labels = { turn, purpose, ...(persona === undefined ? {} : { persona }) };
      const signals = [config.signal, asked.signal].filter((signal) => signal !== undefined);
      const exchange: Omit<Exchange, "request"> = {
        model,
        labels: { ...labels, conversation },
        priority: asked.priority ?? "interactive",
        signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0],
        deadline: asked.deadline ?? { leftMs: turnTimeoutMs },
        onDelta: asked.tell ? answerText({ ...asked.tell, method: demand.method, apiKey }) : asked.onDelta,
        onAttempt: asked.onAttempt,
        maxOutputTokens,
        tokens: (isExact) => requestTokens(worst, isExact),
        worstNanoUsd: (enoughNanoUsd) => worstCaseNanoUsd({ ...worst, enoughNanoUsd }),
        spendableNanoUsd: asked.spendableNanoUsd,
        heldNanoUsd: undefined,
        attempts: [],
        reservation: undefined,
        isAnswered: false,
        requestId: undefined,
        fromCache: false,
      };

      const sent = exchange as Exchange;
      const watched: RunnableConfig = { ...config, tags: [...(config.tags ?? []), ...TAGS] };
      if (sent.signal !== undefined) watched.signal = sent.signal;
      if (options.hasOpenAiOptions && conversation !== undefined)
        Object.assign(watched, { promptCacheKey: promptCacheKey(conversation) });
      // Read off the message: a callback handler for it would cost more than all the rest of the ledger.
      let counted: UsageEntry | undefined;
      try {
        const raw = await carrying(
          (request) => send(Object.assign(sent, { request })),
          () => sender(mayCallTools)(messages, watched),
        );
        const identity = { model: settings.model, tier: "standard" } as const;
        counted = usageEntryOf(raw, identity, { catalog: prices, labels });
        const outcome = withoutKey(readReply(raw, schema, demand.method), apiKey);
        return {
          ...outcome,
          text: outcome.kind === "tool-calls" ? withoutKey(raw.text, apiKey) : "",
          usage: await settled(sent, counted, leastInputTokens(worst)),
          attempts: sent.attempts,
        };
      } catch (error) {
        if (isGraphBubbleUp(error)) throw error;
        const problem = problemOf(error, sent);
        const usage = await settled(sent, counted, leastInputTokens(worst));
        if (problem === undefined || (config.signal?.aborted && !asked.signal?.aborted)) throw error;
        return { kind: "problem", ...problem, usage, attempts: sent.attempts };
      }
    }

    return { ask };
  }

  return { catalog, turnTimeoutMs, line };
}

/** Nearly all content is a string already. */
const lengthOf = ({ content }: BaseMessage) => ({
  length: typeof content === "string" ? content.length : JSON.stringify(content).length,
});

function refused(problem: LengthProblem): Reply<never> {
  const which =
    problem.index === undefined ? "The request has" : `Message ${problem.index + 1} of the request has`;
  const detail = `${which} ${describeLength(problem)}. Shorten it, or raise screening.${problem.index === undefined ? "maxRequestCharacters" : "maxMessageCharacters"}.`;
  return { kind: "problem", problem: "too-long", detail, usage: [], attempts: [] };
}

/** What was counted, and an entry with a bound for every answer that may have been paid and was not counted. */
async function settled(
  exchange: Exchange,
  counted: UsageEntry | undefined,
  leastTokens: number,
): Promise<UsageEntry[]> {
  const { attempts, isAnswered, reservation, requestId, fromCache, labels, model } = exchange;
  const { conversation: _, ...names } = labels;
  const unknown: UsageEntry = { ...names, model: model.id, tier: "standard" };
  const lost = attempts
    .filter(({ mayBeBilled }) => mayBeBilled)
    .map(({ costBoundNanoUsd }) => bounded(unknown, costBoundNanoUsd));
  const entry = isAnswered ? (counted ?? unknown) : undefined;
  if (entry === undefined) return lost;
  const answer = {
    ...(fromCache ? saved(entry) : believable(entry, leastTokens)),
    ...(requestId === undefined ? {} : { requestId }),
  };
  const bound =
    answer.costNanoUsd === undefined
      ? (exchange.heldNanoUsd ?? (await exchange.worstNanoUsd(Number.POSITIVE_INFINITY)))
      : undefined;
  reservation?.settle(answer.costNanoUsd ?? bound ?? 0);
  return [...lost, bounded(answer, bound)];
}

const bounded = (entry: UsageEntry, bound: number | undefined): UsageEntry =>
  bound === undefined ? entry : { ...entry, costBoundNanoUsd: bound };

/** An answer out of the cache costs nothing. */
const saved = ({ costNanoUsd, ...entry }: UsageEntry): UsageEntry => ({
  ...entry,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costNanoUsd: 0,
  fromCache: true,
  ...(costNanoUsd === undefined ? {} : { savedNanoUsd: costNanoUsd }),
});
