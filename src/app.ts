/** The only wiring: keys and options in; a catalog, a gateway and, without a key, the offline server out. */
import { type Catalog, loadCatalog } from "./catalog/catalog.ts";
import { type Conversation, type ConversationParts, createConversation } from "./conversation/graph.ts";
import { recordedRuns } from "./conversation/recorded-run.ts";
import { type RunOptions, runConversation } from "./conversation/run.ts";
import { checkedBaseUrl, DEFAULT_BASE_URL, isOpenAi } from "./domain/base-url.ts";
import { ConversationError } from "./domain/conversation-error.ts";
import { DramatisError } from "./domain/errors.ts";
import { checkNode } from "./domain/node-version.ts";
import type { ConversationRecord } from "./domain/record.ts";
import { type BatchClient, createBatchClient } from "./model/batch/batch-client.ts";
import {
  type BatchAnswers,
  type BatchPrompt,
  type PromptBatchOptions,
  sendPromptBatch,
} from "./model/batch/prompt-batch.ts";
import { type Budget, createBudget } from "./model/budget.ts";
import { logFile, type WarningLogger } from "./model/failure-log.ts";
import { createGateway, type Gateway, type GatewayOptions } from "./model/gateway.ts";
import { createLimiter, type Limiter, type Limits } from "./model/pace/limiter.ts";
import { createRecorder, type Recorder } from "./model/recording/recorder.ts";
import { openReplay, type Replay } from "./model/recording/replay.ts";
import type { ResponseCache } from "./model/response-cache.ts";
import { createOfflineServer, type OfflineServer } from "./offline/server.ts";
import { makeQuote, type Quote, type QuoteOptions } from "./quote/quote.ts";
import { findScenario } from "./scenario/find-scenario.ts";
import type { Scenario } from "./scenario/scenario.ts";
import { findKey, type KeySource } from "./vault/find-key.ts";

/** How requests are carried, paid, paced and kept; everything is optional. `{}` reads the environment. */
export interface DramatisOptions {
  /**
   * Default: the key of `keyFile`, else the variable OPENAI_API_KEY, else the first API key of the vault. Without a key,
   * and without `baseUrl`, everything runs offline.
   */
  apiKey?: string | undefined;
  /** A file that holds an API key and nothing else, readable by its owner only. */
  keyFile?: string | undefined;
  /** Any OpenAI-compatible server; named here it is used even without a key. Default: OPENAI_BASE_URL, else OpenAI's. */
  baseUrl?: string | undefined;
  /** Models and prices. Default: those of `catalogFile`. */
  catalog?: Catalog | undefined;
  /** A YAML file that extends or overrides the shipped catalog. Default: the variable DRAMATIS_CATALOG. */
  catalogFile?: string | undefined;
  /** True: the offline server although there is a key. False: an error where it would be used. */
  offline?: boolean | undefined;
  /** Carries every request to a network server. Default: Node's own HTTP client; the global fetch where a proxy or a dispatcher of undici is set. */
  fetch?: typeof globalThis.fetch | undefined;
  /** Of one request's attempt, in milliseconds. Default 120,000. */
  timeoutMs?: number | undefined;
  /** Further attempts of a failed request. Default 6. */
  maxRetries?: number | undefined;
  /** Answers identical requests again for nothing; `createMemoryCache` makes one. Default: none. */
  cache?: ResponseCache | undefined;
  /** A file that does not exist yet, for every request of conversations and its answer, but none of `batch`; it holds no key. */
  record?: string | undefined;
  /** A file made by `record`: everything is answered from it, without a key or a network. */
  replay?: string | undefined;
  /** Where keys and settings are read from. Default: process.env. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** A cap in dollars that all conversations share; each ends with status `budget` when it is reached. Default: none. */
  maxCostUsd?: number | undefined;
  /**
   * Requests and tokens a minute, for every model or by model. Default: the project's own limits where there is an admin
   * key (OPENAI_ADMIN_KEY, or the vault) and OPENAI_PROJECT_ID; else what the answers' headers say. An admin key goes to
   * OpenAI alone, or to the server that OPENAI_ADMIN_BASE_URL names.
   */
  limits?: Limits | ((model: string) => Limits | undefined) | undefined;
  /**
   * Makes the limiter, from the server and key that were found; several of these may be given the same one, and simulations
   * on a store share one for each account. Undefined: the one made from `limits`.
   */
  limiterOf?: ((account: LimitedAccount) => Limiter | undefined) | undefined;
  /** Keeps the requests of conversations that have a journal; simulations give them one. Default: none. */
  journalOf?: GatewayOptions["journalOf"];
  /** Sends a conversation's requests at a tier of its own; simulations that go by batch have one. Default: none. */
  tierOf?: GatewayOptions["tierOf"];
  /** Told of requests as they go, for figures of them. Default: nobody. */
  observer?: GatewayOptions["observer"];
  /** Failed attempts: as JSON lines to a file, or to a pino logger; `withPrompts` adds what was sent. Default: nowhere. */
  log?: LogOptions | undefined;
  /** Milliseconds since 1970. Default: Date.now. */
  clock?: (() => number) | undefined;
}

/** Whose limits are kept. */
export interface LimitedAccount {
  baseUrl: string;
  /** Of requests; "none" where there is none. */
  apiKey: string;
  /** Set, or the project's own. */
  limits: DramatisOptions["limits"];
  /** Requests are answered in this process. */
  isOffline: boolean;
}

/** Where failed attempts are logged: `logger`, else `file`. Neither: nowhere. */
export interface LogOptions {
  file?: string | undefined;
  logger?: WarningLogger | undefined;
  withPrompts?: boolean | undefined;
  /** Told when the file cannot be written. Default: a warning of the process. */
  onLost?: ((error: unknown) => void) | undefined;
}

/** Everything conversations share: a catalog, a gateway, and the offline server where there is no key. Needs no closing. */
export interface Dramatis {
  readonly transport: ConversationRecord["transport"];
  readonly catalog: Catalog;
  readonly gateway: Gateway;
  /** The provider's files and batches, at the same server and with the same key; undefined in a replay. */
  readonly batches: BatchClient | undefined;
  /** The cap that its conversations share; undefined without `maxCostUsd`. */
  readonly budget: Budget | undefined;
  /** Why the project's limits, which could have been read, were not; the pace is then learned from the answers. */
  readonly limitsProblem: string | undefined;
  /** Set with the option `record`. Its `problem` says why the file does not hold everything. */
  readonly recording: Pick<Recorder, "file" | "problem"> | undefined;
  /** Set with the option `replay`. */
  readonly replaying: Pick<Replay, "file" | "transport" | "runs" | "problem" | "unused"> | undefined;
  /** Where requests go, without credentials; undefined offline. */
  readonly host: string | undefined;
  /** Where the API key was found; undefined offline, without a key, and when it was given as `apiKey`. */
  readonly keySource: KeySource | undefined;
  /** Present when `transport` is `offline`; keeps its own bill. */
  readonly offline: OfflineServer | undefined;
  /**
   * The compiled graph of a scenario, wired to this gateway.
   * @throws DramatisError as `createConversation` does.
   */
  conversation(scenario: Scenario, parts?: Omit<ConversationParts, "gateway">): Conversation;
  /**
   * Runs a scenario to its end. What a model, a tool or the network does wrong is in the record, and no exception.
   * @throws DramatisError `invalid-argument` or `unknown-name` for a context that cannot be, `secret-found` or `too-long`
   * for an input that is refused; ConversationError, with the record, when something throws after a request was paid.
   */
  run(scenario: Scenario, options?: RunScenarioOptions): Promise<ConversationRecord>;
  /**
   * Sends single prompts by batch, at half the price, and resolves when all have ended, within a day. What fails for one is in
   * its answer. `record` does not keep them, nor does `cache`, and a replay has none.
   * @throws DramatisError `unknown-name`, `invalid-argument`, `secret-found`, `no-price` or `budget` before anything is sent;
   * ModelError for what the provider refuses as a whole
   */
  batch<T = string>(
    prompts: readonly BatchPrompt<T>[],
    options?: PromptBatchOptions,
  ): Promise<BatchAnswers<T>>;
  /**
   * What a scenario will cost: expected, from sample runs against an offline server of their own, and at most. Free, and
   * without a network, also with a key. Tools of your own are not counted.
   * @throws DramatisError `invalid-argument` for options out of range or amounts beyond $9 million.
   */
  quote(scenario: Scenario, options?: QuoteOptions): Promise<Quote>;
}

/** The options of `Dramatis.run`: those of `runConversation` and of `createConversation`, but for what is known already. */
export type RunScenarioOptions = Omit<RunOptions, "scenario" | "transport" | "conversationId"> &
  Omit<ConversationParts, "gateway"> & {
    /** Default: `newConversationId` of the scenario. */
    conversationId?: string | undefined;
  };

/** Small, since whoever runs ten thousand conversations in this process should see it grow no more than they do. */
const OFFLINE_MEMORY = { charges: 2000, prefixes: 4000, characters: 1_000_000 };
const OFFLINE_BASE_URL = "http://offline.invalid/v1";
/** Servers that need no key want the header all the same. */
const NO_KEY = "none";

const set = (value: string | undefined) => (value?.trim() ? value.trim() : undefined);

/** `<scenario>-<date>-<time>-<ten random hexadecimal digits>`, safe as a folder name. */
export function newConversationId(scenarioId: string, now: number = Date.now()): string {
  const time = new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
  return `${scenarioId}-${time}-${crypto.randomUUID().replaceAll("-", "").slice(0, 10)}`;
}

const refuse = (message: string) => new DramatisError("invalid-argument", message);

/** A key travels in a header, which takes no line breaks and no letters beyond ASCII; it is never shown. */
function checkedKey(key: string): string {
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw refuse(
    "OPENAI_API_KEY holds characters that no key has (spaces, line breaks or others). Copy it again.",
  );
}

/** Where requests go; undefined: nowhere, the conversation runs offline. */
function destination(
  options: DramatisOptions,
): { apiKey: string; baseUrl: string; keySource: KeySource | undefined } | undefined {
  if (options.offline) return undefined;
  const env = options.env ?? process.env;
  const given = set(options.apiKey);
  const found = given === undefined ? findKey("api", { keyFile: set(options.keyFile), env }) : undefined;
  const apiKey = given ?? found?.key;
  const explicit = set(options.baseUrl);
  if (apiKey !== undefined || explicit !== undefined) {
    const baseUrl = checkedBaseUrl(explicit ?? set(env.OPENAI_BASE_URL) ?? DEFAULT_BASE_URL);
    return { apiKey: checkedKey(apiKey ?? NO_KEY), baseUrl, keySource: found?.source };
  }
  if (options.offline === undefined) return undefined;
  throw refuse(
    "There is no key, and offline answers were ruled out. Set OPENAI_API_KEY, keep a key (dramatis keys add), or have answers generated: --offline; in a program, `offline: true`.",
  );
}

/**
 * Looks for the key and the server as `openDramatis` does, and opens nothing.
 * @throws DramatisError as it does where there is none, or one that cannot be used
 */
export const checkAccess = (options: DramatisOptions): void => void destination(options);

/** Limits as they were given, else the project's own where an admin key can read them. */
async function limitsOf(
  options: DramatisOptions,
  to: { baseUrl: string } | undefined,
): Promise<{ limits?: DramatisOptions["limits"]; problem?: string }> {
  if (options.limits !== undefined) return { limits: options.limits };
  const env = options.env ?? process.env;
  // Without a project nothing is asked; what would ask is loaded for those who have one.
  if (to === undefined || set(env.OPENAI_PROJECT_ID) === undefined) return {};
  const { missingLimits, readAccountLimits } = await import("./model/pace/account-limits.ts");
  const found = await readAccountLimits({ env, baseUrl: to.baseUrl, fetch: options.fetch });
  switch (found.kind) {
    case "found":
      return { limits: (model) => perMinute(found.byModel.get(model)) };
    case "not-sent":
    case "not-told":
      return { problem: missingLimits(found) };
    default:
      return {};
  }
}

/** What of a project's limits the pace keeps. */
const perMinute = (limits: Limits | undefined): Limits | undefined =>
  limits && { requestsPerMinute: limits.requestsPerMinute, tokensPerMinute: limits.tokensPerMinute };

function logOf(log: LogOptions | undefined): GatewayOptions["log"] {
  if (log === undefined) return undefined;
  const { file, withPrompts, onLost = (error) => process.emitWarning(String(error)) } = log;
  const logger = log.logger ?? (file === undefined ? undefined : logFile(file, onLost));
  return logger && { logger, withPrompts };
}

/** The recording that answers; undefined: there is none to replay. */
function opened({ replay: file, record, apiKey, env = process.env }: DramatisOptions): Replay | undefined {
  if (file === undefined) return undefined;
  if (record !== undefined) throw refuse("A replay cannot be recorded: it is a recording already.");
  return openReplay({ file, apiKey: set(apiKey) ?? set(env.OPENAI_API_KEY) });
}

/**
 * Opens everything a conversation needs. Nothing is read from disk but the catalog and, where no key is set and
 * `offline` is not true, the vault, and what `replay` names; nothing needs closing.
 * @throws DramatisError `invalid-argument` for options that cannot be, and where `offline` is false and there is no key;
 * `write-failed` for a recording that cannot be made; those of `openVault` where a key is looked for; InvalidFilesError
 * for a catalog or a recording with mistakes.
 */
export async function openDramatis(options: DramatisOptions = {}): Promise<Dramatis> {
  checkNode();
  const { clock = Date.now, timeoutMs, maxRetries, cache } = options;
  const replay = opened(options);
  const to = replay === undefined ? destination(options) : undefined;
  const host = to && new URL(to.baseUrl).host;
  const file = set(options.catalogFile) ?? set((options.env ?? process.env).DRAMATIS_CATALOG);
  const catalog = options.catalog ?? loadCatalog(file);
  const offline =
    to === undefined && replay === undefined
      ? createOfflineServer({
          models: [...catalog.models.values()],
          recordRequests: false,
          memory: OFFLINE_MEMORY,
          clock,
        })
      : undefined;
  const { limits, problem: limitsProblem } = await limitsOf(options, to);
  const budget =
    options.maxCostUsd === undefined ? undefined : createBudget({ maxCostUsd: options.maxCostUsd });
  const sentBy = offline === undefined ? ("network" as const) : ("offline" as const);
  const transport = replay === undefined ? sentBy : ("replay" as const);
  const recorder =
    options.record === undefined
      ? undefined
      : createRecorder({ file: options.record, transport: sentBy, apiKey: to?.apiKey, clock });
  /** To an offline server of its own: its prompt cache is empty, and the bill of `offline` does not see it. */
  const openGateway = () => {
    const { fetch } = createOfflineServer({ models: [...catalog.models.values()], recordRequests: false });
    return createGateway({
      apiKey: NO_KEY,
      baseUrl: OFFLINE_BASE_URL,
      catalog,
      fetch,
      hasOpenAiOptions: true,
    });
  };
  const { apiKey = NO_KEY, baseUrl = OFFLINE_BASE_URL } = to ?? {};
  const account = { apiKey, baseUrl, limits, isOffline: to === undefined };
  const server = { apiKey, keySource: to?.keySource, baseUrl, fetch: offline?.fetch ?? options.fetch, clock };
  const gateway = createGateway({
    ...server,
    isOffline: offline !== undefined,
    catalog,
    timeoutMs,
    maxRetries,
    limiter: options.limiterOf?.(account) ?? createLimiter({ limits }),
    journalOf: options.journalOf,
    tierOf: options.tierOf,
    observer: options.observer,
    budget,
    log: logOf(options.log),
    hasOpenAiOptions: to === undefined || isOpenAi(to.baseUrl),
    cache,
    recorder,
    replay,
  });
  /** Endings by time fire where they fired in the recorded run. */
  const time = replay === undefined ? {} : { clock: replay.clock };
  const runs = recordedRuns({ recorder, replay });

  let client: BatchClient | undefined;
  const batchClient = () => {
    client ??= replay === undefined ? createBatchClient(server) : undefined;
    return client;
  };

  return {
    transport,
    catalog,
    gateway,
    get batches() {
      return batchClient();
    },
    budget,
    limitsProblem,
    host,
    keySource: to?.keySource,
    offline,
    recording: recorder,
    replaying: replay,
    conversation: (scenario, parts = {}) =>
      createConversation(scenario, { clock, ...parts, ...time, gateway }),
    async run(scenario, run = {}) {
      const options = { clock, ...runs.begun(scenario, run), ...time, scenario, transport };
      const graph = createConversation(scenario, { ...options, gateway });
      const conversationId = run.conversationId ?? newConversationId(scenario.id, clock());
      const replayOf = replay?.transport;
      try {
        return runs.ended(await runConversation(graph, { ...options, conversationId, replayOf }));
      } catch (error) {
        if (error instanceof ConversationError) recorder?.end(error.record.status);
        throw error;
      }
    },
    async batch(prompts, options = {}) {
      const client = batchClient();
      if (client === undefined)
        throw refuse("A recording holds no batches: without `replay` they can be sent.");
      return await sendPromptBatch(prompts, options, { client, catalog, budget, clock });
    },
    quote: (scenario, quote = {}) => makeQuote({ ...quote, scenario, openGateway }),
  };
}

/** A scenario, by file or by the id of one that comes with the package, wired from the environment. */
export async function openConversation(scenario: string): Promise<Conversation> {
  return (await openDramatis()).conversation(findScenario(scenario));
}
