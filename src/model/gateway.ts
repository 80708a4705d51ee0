/** The only way to a model: binds tools and the demanded answer, sends, counts, and says what came back. */
import { createHash } from "node:crypto";
import type { BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { isGraphBubbleUp } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import type { z } from "zod";
import type { Catalog } from "../catalog/catalog.ts";
import type { ModelInfo } from "../domain/model-info.ts";
import type { StructuredMethod } from "../domain/scenario.ts";
import { withoutKey } from "../domain/secrets.ts";
import type { Purpose, UsageEntry } from "../domain/usage.ts";
import { UsageHandler } from "../ledger/usage-handler.ts";
import { type Attempts, noAttempts, watchAttempts, watchedFetch } from "./attempts.ts";
import { Completions } from "./completions.ts";
import { bindDemand, type Demand, demandText, type Send } from "./demand.ts";
import { type ProviderFailure, providerFailure } from "./provider-failure.ts";
import { type Reply, readReply } from "./reply.ts";
import { attemptsWithin, leastInputTokens, worstCaseNanoUsd } from "./worst-case.ts";

export interface GatewayOptions {
  catalog: Catalog;
  apiKey: string;
  /** Any OpenAI-compatible server. Default: OpenAI's. */
  baseUrl?: string | undefined;
  /** Carries every request; the offline server passes its own. Default: the global fetch. */
  fetch?: typeof globalThis.fetch | undefined;
  /** Of one attempt, in milliseconds. Default 120,000. */
  timeoutMs?: number | undefined;
  /** Further attempts after connection errors, 408, 409, 429 and 5xx. Default 2. */
  maxRetries?: number | undefined;
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
  /** False: the model must answer now, although tools are bound. Default true. */
  mayCallTools?: boolean;
  /** Nano-dollars left to spend. A request whose worst case costs more is not sent. */
  spendableNanoUsd?: number | undefined;
  /** The conversation it belongs to. The provider keeps what requests of one conversation share together. */
  conversation?: string | undefined;
  /** Breaks the request off; the reply is then a problem `aborted` with what it may have cost. */
  signal?: AbortSignal | undefined;
}

/** A model with tools and a demanded answer, ready to be asked. Does not throw for what a provider may do. */
export interface ModelLine<T> {
  ask(ask: Ask, config?: RunnableConfig): Promise<Reply<T>>;
}

export interface Gateway {
  readonly catalog: Catalog;
  /** @throws DramatisError `unknown-name` when the catalog has no such model. */
  line<T>(settings: ModelLineSettings<T>): ModelLine<T>;
}

/** What a reasoning model may think with before it answers, since the provider counts both together. */
const THINKING_TOKENS = 4000;

/** Hides raw JSON tokens from LangGraph's `messages` stream; the finished message arrives there instead. */
const TAGS = ["langsmith:nostream"];

/** Adds a handler without cutting off those that watch from outside. */
function withHandler(config: RunnableConfig, handler: UsageHandler): RunnableConfig {
  const outer = config.callbacks ?? [];
  const callbacks = Array.isArray(outer) ? [...outer, handler] : outer.copy([handler]);
  return { ...config, callbacks, tags: [...(config.tags ?? []), ...TAGS] };
}

/** A report of fewer input tokens than any encoding could make of the prompt cannot be true, nor can its cost. */
function believable(entry: UsageEntry, leastInput: number): UsageEntry {
  const { inputTokens = 0, costNanoUsd, ...rest } = entry;
  const isTrue = inputTokens >= leastInput;
  return costNanoUsd === undefined || costNanoUsd === 0 || isTrue ? entry : rest;
}

/** At most 64 characters, as the provider wants it; a hash, since an embedder's id may say whose conversation it is. */
const promptCacheKey = (conversation: string) =>
  createHash("sha256").update(conversation).digest("hex").slice(0, 32);

interface FailedAsk {
  attempts: Attempts;
  request: Ask;
  model: string;
  apiKey: string;
}

/** What a thrown error means; undefined: it is none of the provider's doing. */
function failureOf(
  error: unknown,
  { attempts, request, model, apiKey }: FailedAsk,
): ProviderFailure | undefined {
  if (request.signal?.aborted) {
    const detail =
      attempts.owed > 0 ? "Broken off; its request may have been paid." : "Broken off before it was sent.";
    return { problem: "aborted", detail };
  }
  if (attempts.isOverBudget) {
    return {
      problem: "budget",
      detail: "An answer was lost on the way, and asking again could pass the cap.",
    };
  }
  const failure = providerFailure(error, model, apiKey);
  if (failure !== undefined || attempts.owed === 0) return failure;
  // Something came back that the client could not read; what was paid for it must still be counted.
  return {
    problem: "server-error",
    detail: `${model}: the server's answer could not be read. Check OPENAI_BASE_URL.`,
  };
}

export function createGateway(options: GatewayOptions): Gateway {
  const { catalog, apiKey, timeoutMs = 120_000 } = options;

  function client(settings: ModelLineSettings<unknown>, info: ModelInfo, maxTokens: number): ChatOpenAI {
    const { temperature } = settings;
    const fields = {
      model: settings.model,
      apiKey,
      maxTokens,
      ...(info.reasons || temperature === undefined ? {} : { temperature }),
      timeout: timeoutMs,
      // The SDK retries: it honours both retry headers and stops at once on abort. LangChain's own would repeat it.
      maxRetries: 0,
      configuration: {
        maxRetries: options.maxRetries ?? 2,
        ...(options.baseUrl === undefined ? {} : { baseURL: options.baseUrl }),
        fetch: watchedFetch(options.fetch),
      },
    };
    return new ChatOpenAI({ ...fields, completions: new Completions(fields) });
  }

  function line<T>(settings: ModelLineSettings<T>): ModelLine<T> {
    const { schema, tools = [], seed } = settings;
    const model = catalog.model(settings.model);
    const wanted = settings.maxOutputTokens + (model.reasons ? THINKING_TOKENS : 0);
    const maxOutputTokens = Math.min(wanted, model.maxOutput);
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
    const sends = new Map<boolean, Send>();

    function sender(mayCallTools: boolean): Send {
      const send = sends.get(mayCallTools) ?? bindDemand(chat, demand, mayCallTools);
      sends.set(mayCallTools, send);
      return send;
    }

    async function ask(request: Ask, config: RunnableConfig = {}): Promise<Reply<T>> {
      const { messages, purpose, turn, persona, mayCallTools = true, spendableNanoUsd } = request;
      const worst = { model, messages, demands, maxOutputTokens };
      const allowed = await attemptsWithin(worst, spendableNanoUsd);
      if (allowed.attempts < 1) return { kind: "problem", problem: "budget", detail: allowed.why, usage: [] };
      const labels = { turn, purpose, ...(persona === undefined ? {} : { persona }) };
      const handler = new UsageHandler({ catalog: { find: (id) => catalog.find(id) ?? model }, labels });
      const attempts = noAttempts(allowed.attempts);
      const unknown = { ...labels, model: model.id, tier: "standard" as const };

      /** What was counted, and an entry for every attempt that is owed although nothing came of it. */
      async function usage(counted: readonly UsageEntry[]): Promise<UsageEntry[]> {
        const lost = Array.from({ length: Math.max(0, attempts.owed - counted.length) }, () => unknown);
        const leastTokens = leastInputTokens(worst);
        const entries: UsageEntry[] = [...lost, ...counted.map((entry) => believable(entry, leastTokens))];
        if (entries.every(({ costNanoUsd }) => costNanoUsd !== undefined)) return entries;
        const most = await worstCaseNanoUsd({ ...worst, enoughNanoUsd: Number.POSITIVE_INFINITY });
        return entries.map((entry) =>
          entry.costNanoUsd === undefined ? { ...entry, costBoundNanoUsd: most } : entry,
        );
      }

      const signals = [config.signal, request.signal].filter((signal) => signal !== undefined);
      const watched = withHandler(config, handler);
      if (request.conversation !== undefined)
        Object.assign(watched, { promptCacheKey: promptCacheKey(request.conversation) });
      if (signals.length > 0) watched.signal = AbortSignal.any(signals);
      try {
        const raw = await watchAttempts(attempts, () => sender(mayCallTools)(messages, watched));
        const outcome = withoutKey(readReply(raw, schema, demand.method), apiKey);
        return {
          ...outcome,
          text: outcome.kind === "tool-calls" ? raw.text : "",
          usage: await usage(handler.entries),
        };
      } catch (error) {
        if (isGraphBubbleUp(error)) throw error;
        const failure = failureOf(error, { attempts, request, model: model.id, apiKey });
        if (failure === undefined || (config.signal?.aborted && !request.signal?.aborted)) throw error;
        return { kind: "problem", ...failure, usage: await usage([]) };
      }
    }

    return { ask };
  }

  return { catalog, line };
}
