/** The only way to a model: binds tools and the demanded answer, sends, counts, and says what came back. */
import type { BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import type { z } from "zod";
import type { Catalog } from "../catalog/catalog.ts";
import type { ModelInfo } from "../domain/model-info.ts";
import type { StructuredMethod } from "../domain/scenario.ts";
import type { Purpose, UsageEntry } from "../domain/usage.ts";
import { UsageHandler } from "../ledger/usage-handler.ts";
import { freshAttempts, wasNeverSent, watchAttempts, watchedFetch } from "./attempts.ts";
import { Completions } from "./completions.ts";
import { bindDemand, type Demand, demandText, type Send } from "./demand.ts";
import { providerFailure } from "./provider-failure.ts";
import { type Reply, readReply } from "./reply.ts";
import { attemptsWithin, worstCaseNanoUsd } from "./worst-case.ts";

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
export interface LineSettings<T> {
  /** A model of the catalog. */
  model: string;
  schema: z.ZodType<T>;
  tools?: readonly StructuredToolInterface[];
  /** Default: the catalog's for the model. */
  method?: StructuredMethod | undefined;
  /** Of the answer. Reasoning models get {@link THINKING_TOKENS} more; never more than the model's maximum. */
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
}

/** A model with tools and a demanded answer, ready to be asked. Does not throw for what a provider may do. */
export interface Line<T> {
  ask(ask: Ask, config?: RunnableConfig): Promise<Reply<T>>;
}

export interface Gateway {
  readonly catalog: Catalog;
  /** @throws DramatisError `unknown-name` when the catalog has no such model. */
  line<T>(settings: LineSettings<T>): Line<T>;
}

/** What a reasoning model may think with before it answers, since the provider counts both together. */
export const THINKING_TOKENS = 4000;

/** Hides raw JSON tokens from LangGraph's `messages` stream; the finished message arrives there instead. */
const TAGS = ["langsmith:nostream"];

/** Adds a handler without cutting off those that watch from outside. */
function withHandler(config: RunnableConfig, handler: UsageHandler): RunnableConfig {
  const outer = config.callbacks ?? [];
  const callbacks = Array.isArray(outer) ? [...outer, handler] : outer.copy([handler]);
  return { ...config, callbacks, tags: [...(config.tags ?? []), ...TAGS] };
}

export function createGateway(options: GatewayOptions): Gateway {
  const { catalog } = options;

  function client(settings: LineSettings<unknown>, info: ModelInfo, maxTokens: number): ChatOpenAI {
    const { temperature } = settings;
    const fields = {
      model: settings.model,
      apiKey: options.apiKey,
      maxTokens,
      ...(info.reasons || temperature === undefined ? {} : { temperature }),
      timeout: options.timeoutMs ?? 120_000,
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

  function line<T>(settings: LineSettings<T>): Line<T> {
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
    const sends = new Map<boolean, Send>();

    function sender(mayCallTools: boolean): Send {
      const send =
        sends.get(mayCallTools) ?? bindDemand(client(settings, model, maxOutputTokens), demand, mayCallTools);
      sends.set(mayCallTools, send);
      return send;
    }

    async function ask(request: Ask, config: RunnableConfig = {}): Promise<Reply<T>> {
      const { messages, purpose, turn, persona, mayCallTools = true, spendableNanoUsd } = request;
      const worst = { model, messages, demands, maxOutputTokens };
      const allowed = await attemptsWithin(worst, spendableNanoUsd);
      if (allowed.attempts < 1) return { kind: "problem", problem: "budget", detail: allowed.why, usage: [] };
      const labels = { turn, purpose, ...(persona === undefined ? {} : { persona }) };
      const handler = new UsageHandler({ findModel: (id) => catalog.models.get(id) ?? model, labels });
      const attempts = freshAttempts(allowed.attempts);
      const send = () => sender(mayCallTools)(messages, withHandler(config, handler));

      /** Every entry, those of lost attempts included; unknown costs with the most they can be. */
      async function usage(error?: unknown): Promise<UsageEntry[]> {
        const entries = wasNeverSent(error) ? [] : handler.entries;
        const unseen = attempts.lost - (error !== undefined && attempts.isLatestLost ? 1 : 0);
        const lost = Array.from({ length: unseen }, () => ({
          ...labels,
          model: model.id,
          tier: "standard" as const,
        }));
        const all: UsageEntry[] = [...lost, ...entries];
        if (all.every(({ costNanoUsd }) => costNanoUsd !== undefined)) return all;
        const most = await worstCaseNanoUsd({ ...worst, enoughNanoUsd: Number.POSITIVE_INFINITY });
        return all.map((entry) =>
          entry.costNanoUsd === undefined ? { ...entry, costBoundNanoUsd: most } : entry,
        );
      }

      try {
        const raw = await watchAttempts(attempts, send);
        return { ...readReply(raw, schema, demand.method), raw, usage: await usage() };
      } catch (error) {
        const failure = providerFailure(error, settings.model, options.apiKey);
        if (failure === undefined) throw error;
        return { kind: "problem", ...failure, usage: await usage(error) };
      }
    }

    return { ask };
  }

  return { catalog, line };
}
