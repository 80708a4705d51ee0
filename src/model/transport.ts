/** Puts together what answers a request: a recording, or a cache, attempts and a network, all of it written down or not. */
import { DramatisError } from "../domain/errors.ts";
import type { SentTier } from "../domain/usage.ts";
import type { KeySource } from "../vault/find-key.ts";
import { createAttempts } from "./attempts.ts";
import type { Budget } from "./budget.ts";
import { type Circuit, createCircuit } from "./circuit.ts";
import type { Send } from "./exchange.ts";
import { type FailureLogOptions, withFailureLog } from "./failure-log.ts";
import { openNetwork } from "./network.ts";
import type { RequestObserver } from "./observer.ts";
import { createLimiter, type Limiter } from "./pace/limiter.ts";
import type { Journal } from "./recording/journal.ts";
import type { Recorder } from "./recording/recorder.ts";
import type { Replay } from "./recording/replay.ts";
import { type ResponseCache, withCache } from "./response-cache.ts";
import { DEFAULT_RETRY } from "./retry.ts";
import { wait } from "./wait.ts";

export interface TransportOptions {
  apiKey: string;
  /** Where that key was found, so that a rejection says where to mend it. Default: a program gave it. */
  keySource?: KeySource | undefined;
  /** Any OpenAI-compatible server. Default: OpenAI's. */
  baseUrl?: string | undefined;
  /** Carries every request; the offline server passes its own. Default: Node's own HTTP client; the global fetch where a proxy or a dispatcher of undici is set. */
  fetch?: typeof globalThis.fetch | undefined;
  /** True where the offline server answers, whose answers nobody bills: usage and attempts then say so. Default false. */
  isOffline?: boolean | undefined;
  /** Of one attempt, in milliseconds, until the whole answer is there. Default 120,000, at the tier flex 900,000. */
  timeoutMs?: number | undefined;
  /** Further attempts after timeouts, lost connections, 408, 409, 429 and 5xx. Default 6. */
  maxRetries?: number | undefined;
  /** Paces the requests of all conversations. Default: one that learns the limits from the answers' headers. */
  limiter?: Limiter | undefined;
  /** A cap that all conversations of this gateway share; see `createBudget`. */
  budget?: Budget | undefined;
  /** Answers identical requests again for nothing, and sends those that come together once. Default: none. */
  cache?: ResponseCache | undefined;
  /** Keeps the requests of a conversation in a store, where it has a journal. */
  journalOf?: ((conversation: string) => Journal | undefined) | undefined;
  /** Keeps every exchange in a file; see `createRecorder`. */
  recorder?: Recorder | undefined;
  /** Answers every request from a file; nothing is sent. */
  replay?: Replay | undefined;
  /** Where failed attempts are logged, as JSON lines of a pino logger. Default: nowhere but in the record. */
  log?: Omit<FailureLogOptions, "apiKey"> | undefined;
  /** Told of requests as they go, for figures of them. Default: nobody. */
  observer?: RequestObserver | undefined;
  /** Milliseconds since 1970. Default: Date.now. */
  clock?: (() => number) | undefined;
  /** Draws from [0, 1) the jitter of waits. Default: Math.random. */
  random?: (() => number) | undefined;
}

/** At flex what OpenAI advises: platform.openai.com/docs/guides/flex-processing, on timeouts. */
const TIMEOUT_MS: Readonly<Record<SentTier, number>> = { standard: 120_000, flex: 900_000, batch: 120_000 };

/** From the outside in: what is recorded may come from the cache, what is cached was attempted, each attempt was carried. */
export function createTransport(options: TransportOptions): Send {
  const { replay, recorder, cache, log, apiKey, baseUrl } = options;
  if (replay !== undefined) return replay.send;
  const sent = atOnce(attempted(options));
  const cached = cache === undefined ? sent : withCache({ cache, server: baseUrl, apiKey })(sent);
  const journaled = withJournals(options)(cached);
  const logged = log === undefined ? journaled : withFailureLog({ ...log, apiKey })(journaled);
  return recorder === undefined ? logged : recorder.around(logged);
}

/** What goes by batch is put aside by its conversation's journal, and never comes here. */
const atOnce =
  (send: Send): Send =>
  async (exchange) => {
    if (exchange.tier !== "batch") return await send(exchange);
    const { conversation = "that has no id" } = exchange.labels;
    const message = `A request of the conversation ${conversation} was to go by batch, and nothing keeps it until then. Give simulations a store, and plan them with the transport batch.`;
    throw new DramatisError("invalid-argument", message);
  };

/** Each conversation's requests through its own journal. */
const withJournals =
  ({ journalOf, apiKey }: TransportOptions) =>
  (send: Send): Send =>
    journalOf === undefined
      ? send
      : (exchange) => {
          const { conversation } = exchange.labels;
          const journal = conversation === undefined ? undefined : journalOf(conversation);
          return journal === undefined ? send(exchange) : journal.around(send, apiKey)(exchange);
        };

function attempted(options: TransportOptions): Send {
  const { apiKey, clock = Date.now, random = Math.random } = options;
  const { baseUrl, fetch } = options;
  const circuits = new Map<string, Circuit>();
  return createAttempts({
    carry: openNetwork({ apiKey, baseUrl, fetch, timeoutMs: TIMEOUT_MS.standard }),
    timeoutMs: (tier) => options.timeoutMs ?? TIMEOUT_MS[tier],
    limiter: options.limiter ?? createLimiter({ random }),
    circuitOf(model) {
      const circuit = circuits.get(model) ?? createCircuit();
      circuits.set(model, circuit);
      return circuit;
    },
    budget: options.budget,
    retry: { ...DEFAULT_RETRY, maxRetries: options.maxRetries ?? DEFAULT_RETRY.maxRetries },
    observer: options.observer,
    apiKey,
    keySource: options.keySource,
    clock,
    random,
    wait,
  });
}
