/** The only way to a model: binds tools and the demanded answer, sends, counts, and says what came back. */
import { createHash } from "node:crypto";
import type { Callbacks } from "@langchain/core/callbacks/manager";
import type { BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { isGraphBubbleUp } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import type { z } from "zod";
import type { Catalog } from "../catalog/catalog.ts";
import type { Attempt } from "../domain/attempt.ts";
import { longestAnswer } from "../domain/longest-answer.ts";
import type { ModelInfo } from "../domain/model-info.ts";
import type { StructuredMethod } from "../domain/scenario.ts";
import { withoutKey } from "../domain/secrets.ts";
import type { AskedTier, Purpose, SentTier } from "../domain/usage.ts";
import { checkLengths, describeLength, type LengthLimits, type LengthProblem } from "../guard/lengths.ts";
import { UsageHandler } from "../ledger/usage-handler.ts";
import { answerText, type TextPiece } from "./answer-text.ts";
import { Completions, carrying } from "./completions.ts";
import { bindDemand, type Demand, demandText, type Send } from "./demand.ts";
import type { Deadline, Delta, Exchange } from "./exchange.ts";
import { ModelError } from "./model-error.ts";
import type { Priority } from "./pace/permit.ts";
import { type Reply, readReply } from "./reply.ts";
import { settledUsage } from "./settled-usage.ts";
import { firstTier, notOffered, SERVICE_TIERS } from "./tier.ts";
import { leastInputTokens, requestTokens, worstCaseNanoUsd } from "./tokens/worst-case.ts";
import { createTransport, type TransportOptions } from "./transport.ts";

/** Where requests go and what holds for all of them; the catalog and a key are required. */
export interface GatewayOptions extends TransportOptions {
  catalog: Catalog;
  /**
   * Of all requests of a turn with their retries, in milliseconds; queueing does not count. Default 600,000, at the tier
   * flex 4,500,000.
   */
  turnTimeoutMs?: number | undefined;
  /** Sends the requests of a conversation at a tier of its own, whatever they ask for. Default: none. */
  tierOf?: ((conversation: string) => SentTier | undefined) | undefined;
  /** Whether the server takes what only OpenAI's takes: service tiers and cache keys. Default false. */
  hasOpenAiOptions?: boolean | undefined;
}

/** What a line to a model is for; the same for all requests sent on it. */
export interface ModelLineSettings<T> {
  /** A model of the catalog. */
  model: string;
  schema: z.ZodType<T>;
  tools?: readonly StructuredToolInterface[];
  /** Default: the catalog's for the model. */
  method?: StructuredMethod | undefined;
  /** Of the answer. Reasoning models get `THINKING_TOKENS` more to think with; never more than the model's maximum. */
  maxOutputTokens: number;
  /** 0 to 2; not sent to reasoning models. */
  temperature?: number | undefined;
  seed?: number | undefined;
}

/** One request: its messages, what it is for, and what it may cost. */
export interface Ask extends AskedTier {
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
  /** Told of what may have been paid when `ask` throws, as it does when the signal of its configuration aborts. */
  onThrow?: ((paid: Pick<Reply<unknown>, "usage" | "attempts">) => void) | undefined;
  /** Told of every piece of the answer as it arrives; the request is then streamed. */
  onDelta?: ((delta: Delta) => void) | undefined;
  /** The same for one text field of the answer, decoded: plain text instead of JSON. Not beside `onDelta`. */
  tell?: { field: string; onText: (piece: TextPiece) => void } | undefined;
}

/** A model with tools and a demanded answer, ready to be asked. Does not throw for what a provider may do. */
export interface ModelLine<T> {
  ask(ask: Ask, config?: RunnableConfig): Promise<Reply<T>>;
}

/** The only way to a model; many conversations share one. */
export interface Gateway {
  readonly catalog: Catalog;
  /** Of all requests of a turn that are asked for at a tier, in milliseconds. */
  turnTimeoutMs(tier?: SentTier): number;
  /** @throws DramatisError `unknown-name` when the catalog has no such model. */
  line<T>(settings: ModelLineSettings<T>): ModelLine<T>;
}

/** An exchange whose request LangChain has not built yet. What becomes of it is filled in as it goes. */
type Unsent = Omit<Exchange, "request">;

/** At flex as many attempts as at standard: those there take seven times as long at most. */
const TURN_TIMEOUT_MS: Readonly<Record<SentTier, number>> = {
  standard: 600_000,
  flex: 4_500_000,
  batch: 600_000,
};

/** Hides raw JSON tokens from LangGraph's `messages` stream; the finished message arrives there instead. */
const TAGS = ["langsmith:nostream"];

/** Whether somebody outside is told of what happens in a run: a tracer, a stream, a handler of an embedder. */
function isWatched({ callbacks = [] }: RunnableConfig): boolean {
  return (Array.isArray(callbacks) ? callbacks : callbacks.handlers).length > 0;
}

/** Adds a handler without cutting off those that watch from outside. */
function withHandler({ callbacks = [] }: RunnableConfig, handler: UsageHandler): Callbacks {
  return Array.isArray(callbacks) ? [...callbacks, handler] : callbacks.copy([handler]);
}

/** At most 64 characters, as the provider wants it; a hash, since an embedder's id may say whose conversation it is. */
const promptCacheKey = (conversation: string) =>
  createHash("sha256").update(conversation).digest("hex").slice(0, 32);

/** What a thrown error means for whoever asked; undefined: it is none of the provider's doing. */
function problemOf(error: unknown, { signal, isAnswered, attempts }: Unsent) {
  const isRecordedAbort = error instanceof ModelError && error.code === "aborted";
  if (signal?.aborted || isRecordedAbort) {
    const wasSent = isAnswered || attempts.length > 0;
    const detail = wasSent ? "Broken off; its request may have been paid." : "Broken off before it was sent.";
    return { problem: "aborted", detail } as const;
  }
  return error instanceof ModelError ? { problem: error.code, detail: error.message } : undefined;
}

/** Makes a gateway. Nothing is sent before a line is asked, and nothing needs closing. */
export function createGateway(options: GatewayOptions): Gateway {
  const { catalog, apiKey, hasOpenAiOptions = false } = options;
  const turnTimeoutMs = (tier: SentTier = "standard") => options.turnTimeoutMs ?? TURN_TIMEOUT_MS[tier];
  const send = createTransport(options);

  /** Builds requests and reads answers; what carries them is `send`. */
  function client(settings: ModelLineSettings<unknown>, info: ModelInfo, maxTokens: number): ChatOpenAI {
    const { temperature } = settings;
    const fields = {
      model: settings.model,
      // The key stays with what carries the requests.
      apiKey: "carried by the gateway",
      maxTokens,
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
    const senders = new Map<boolean, Send>();
    const prices = { find: (id: string) => catalog.find(id) ?? model };

    function sender(mayCallTools: boolean): Send {
      const known = senders.get(mayCallTools) ?? bindDemand(chat, demand, mayCallTools);
      senders.set(mayCallTools, known);
      return known;
    }

    /** What is asked for; a conversation's own tier goes before it. */
    function tierOf({ conversation, ...asked }: Ask): SentTier {
      const own = conversation === undefined ? undefined : options.tierOf?.(conversation);
      const tier = own ?? firstTier(asked, model);
      if (tier === undefined) throw notOffered(model.id, catalog.models.values());
      return tier;
    }

    function opened(asked: Ask, signals: readonly AbortSignal[]): Unsent {
      const { messages, purpose, turn, persona, conversation, tierFallback } = asked;
      const tier = tierOf(asked);
      // Where there is a fallback, and from a server that may know no tiers, the answer may cost the standard price.
      const isSure = tier !== "flex" || (hasOpenAiOptions && tierFallback === undefined);
      const worst = { model, messages, demands, maxOutputTokens, tier: isSure ? tier : "standard" } as const;
      return {
        model,
        labels: { turn, purpose, ...(persona === undefined ? {} : { persona }), conversation },
        priority: asked.priority ?? "interactive",
        signal: signals.length > 1 ? AbortSignal.any([...signals]) : signals[0],
        deadline: asked.deadline ?? { leftMs: turnTimeoutMs(tier) },
        askedTier: tier,
        tierFallback,
        tier,
        isOffline: options.isOffline ?? false,
        onDelta: asked.tell ? answerText({ ...asked.tell, method: demand.method, apiKey }) : asked.onDelta,
        onAttempt: asked.onAttempt,
        maxOutputTokens,
        tokens: (isExact) => requestTokens(worst, isExact),
        worstNanoUsd: (enoughNanoUsd) => worstCaseNanoUsd({ ...worst, enoughNanoUsd }),
        spendableNanoUsd: asked.spendableNanoUsd,
        heldNanoUsd: undefined,
        attempts: [],
        reservation: undefined,
        budget: undefined,
        beforeSend: undefined,
        isAnswered: false,
        requestId: undefined,
        isReplayed: false,
        fromCache: false,
      };
    }

    /** What LangChain is told of a request. */
    function watched(
      config: RunnableConfig,
      { signal, askedTier, labels: { conversation } }: Unsent,
      handler: UsageHandler,
    ): RunnableConfig {
      const hasCacheKey = hasOpenAiOptions && conversation !== undefined;
      // Said even where it is the usual one: a project may default to a dearer tier than bounds are figured with.
      const service_tier =
        hasOpenAiOptions || askedTier !== "standard" ? SERVICE_TIERS[askedTier] : undefined;
      return {
        // Names and tags of the run are for those who watch; without any, they are not handed on.
        ...(isWatched(config)
          ? { ...config, callbacks: withHandler(config, handler), tags: [...(config.tags ?? []), ...TAGS] }
          : { callbacks: [handler] }),
        ...(signal === undefined ? {} : { signal }),
        ...(service_tier === undefined ? {} : { service_tier }),
        ...(hasCacheKey ? { promptCacheKey: promptCacheKey(conversation) } : {}),
      };
    }

    async function ask(asked: Ask, config: RunnableConfig = {}): Promise<Reply<T>> {
      const { messages, mayCallTools = true } = asked;
      const tooLong = checkLengths(messages.map(lengthOf), asked.lengths);
      if (tooLong !== undefined) return refused(tooLong);
      const exchange = opened(
        asked,
        [config.signal, asked.signal].filter((signal) => signal !== undefined),
      );
      const { conversation, ...labels } = exchange.labels;
      const handler = new UsageHandler({ catalog: prices, labels, tier: () => exchange.tier });
      const settled = async () => {
        const entries = await settledUsage(exchange, handler.entries[0], leastInputTokens({ messages }));
        const { isReplayed, labels } = exchange;
        if (!isReplayed) options.observer?.onUsage?.({ conversation, turn: labels.turn, entries });
        return entries;
      };
      try {
        const raw = await carrying(
          (request) => send(Object.assign(exchange, { request })),
          () => sender(mayCallTools)(messages, watched(config, exchange, handler)),
        );
        const outcome = withoutKey(readReply(raw, schema, demand.method), apiKey);
        return {
          ...outcome,
          text: outcome.kind === "tool-calls" ? withoutKey(raw.text, apiKey) : "",
          usage: await settled(),
          attempts: exchange.attempts,
        };
      } catch (error) {
        if (isGraphBubbleUp(error)) throw error;
        const problem = problemOf(error, exchange);
        const usage = await settled();
        if (problem === undefined || (config.signal?.aborted && !asked.signal?.aborted)) {
          asked.onThrow?.({ usage, attempts: exchange.attempts });
          throw error;
        }
        return { kind: "problem", ...problem, usage, attempts: exchange.attempts };
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
  const { index } = problem;
  const [which, limit] =
    index === undefined
      ? ["The request", "maxRequestCharacters"]
      : [`Message ${index + 1} of the request`, "maxMessageCharacters"];
  const detail = `${which} has ${describeLength(problem)}. Shorten it, or raise screening.${limit}.`;
  return { kind: "problem", problem: "too-long", detail, usage: [], attempts: [] };
}
