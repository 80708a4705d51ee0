/** The only wiring: keys and options in; a catalog, a gateway and, without a key, the offline server out. */
import { type Catalog, loadCatalog } from "./catalog/catalog.ts";
import { type Conversation, type ConversationParts, createConversation } from "./conversation/graph.ts";
import { type RunOptions, runConversation } from "./conversation/run.ts";
import type { ConversationRecord } from "./domain/record.ts";
import { createGateway, type Gateway } from "./model/gateway.ts";
import { generateReply } from "./offline/generator/generator.ts";
import { createOfflineServer, type OfflineServer } from "./offline/server.ts";
import { findScenario } from "./scenario/find-scenario.ts";
import type { Scenario } from "./scenario/scenario.ts";

export interface DramatisOptions {
  /** Default: the variable OPENAI_API_KEY. Without a key everything runs on the offline server. */
  apiKey?: string | undefined;
  /** Any OpenAI-compatible server. Default: the variable OPENAI_BASE_URL, else OpenAI's. */
  baseUrl?: string | undefined;
  /** A YAML file that extends or overrides the catalog. Default: the variable DRAMATIS_CATALOG. */
  catalogFile?: string | undefined;
  /** True: use the offline server although there is a key. */
  offline?: boolean | undefined;
  /** Of one request's attempt, in milliseconds. Default 120,000. */
  timeoutMs?: number | undefined;
  /** Further attempts of a failed request. Default 2. */
  maxRetries?: number | undefined;
  /** Where keys and settings are read from. Default: process.env. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Milliseconds since 1970. Default: Date.now. */
  clock?: (() => number) | undefined;
}

export interface Dramatis {
  readonly transport: ConversationRecord["transport"];
  readonly catalog: Catalog;
  readonly gateway: Gateway;
  /** Where requests go, without credentials; undefined offline. */
  readonly host: string | undefined;
  /** Present when `transport` is `offline`; keeps every request and its own bill. */
  readonly offline: OfflineServer | undefined;
  /** The compiled graph of a scenario, wired to this gateway. */
  conversation(scenario: Scenario, parts?: Omit<ConversationParts, "gateway">): Conversation;
  /** Runs a scenario to its end. */
  run(scenario: Scenario, options?: RunScenarioOptions): Promise<ConversationRecord>;
}

export type RunScenarioOptions = Omit<RunOptions, "scenario" | "transport" | "conversationId"> &
  Omit<ConversationParts, "gateway"> & {
    /** Default: the scenario's id, the time and four random letters. */
    conversationId?: string | undefined;
  };

const DEFAULT_BASE_URL = "https://api.openai.com/v1";

const set = (value: string | undefined) => (value?.trim() ? value.trim() : undefined);

/** `<scenario>-<date>-<time>-<four letters>`, safe as a folder name. */
export function newConversationId(scenarioId: string, now: number): string {
  const time = new Date(now)
    .toISOString()
    .slice(0, 19)
    .replaceAll("-", "")
    .replaceAll(":", "")
    .replace("T", "-");
  return `${scenarioId}-${time}-${crypto.randomUUID().slice(0, 4)}`;
}

/** Opens everything a conversation needs. Nothing is read from disk but the catalog; nothing needs closing. */
export async function openDramatis(options: DramatisOptions = {}): Promise<Dramatis> {
  const env = options.env ?? process.env;
  const clock = options.clock ?? Date.now;
  const catalog = await loadCatalog(set(options.catalogFile) ?? set(env.DRAMATIS_CATALOG));
  const apiKey = options.offline ? undefined : (set(options.apiKey) ?? set(env.OPENAI_API_KEY));
  const baseUrl = set(options.baseUrl) ?? set(env.OPENAI_BASE_URL);
  const offline =
    apiKey === undefined
      ? createOfflineServer({ models: [...catalog.models.values()], generator: generateReply, clock })
      : undefined;
  const gateway = createGateway({
    catalog,
    apiKey: apiKey ?? "offline",
    baseUrl: offline === undefined ? baseUrl : "http://offline.invalid/v1",
    fetch: offline?.fetch,
    timeoutMs: options.timeoutMs,
    maxRetries: options.maxRetries,
  });
  const transport = offline === undefined ? "network" : "offline";

  return {
    transport,
    catalog,
    gateway,
    offline,
    host: offline === undefined ? new URL(baseUrl ?? DEFAULT_BASE_URL).host : undefined,
    conversation: (scenario, parts = {}) => createConversation(scenario, { clock, ...parts, gateway }),
    async run(scenario, run = {}) {
      const { input, context, signal, onEvent, ...parts } = run;
      const graph = createConversation(scenario, { clock, ...parts, gateway });
      return await runConversation(graph, {
        scenario,
        transport,
        conversationId: run.conversationId ?? newConversationId(scenario.id, clock()),
        clock,
        signal,
        ...(input === undefined ? {} : { input }),
        ...(context === undefined ? {} : { context }),
        ...(onEvent === undefined ? {} : { onEvent }),
      });
    },
  };
}

/** A scenario, by file or by the id of one that comes with the package, wired from the environment. */
export async function openConversation(scenario: string): Promise<Conversation> {
  return (await openDramatis()).conversation(findScenario(scenario));
}
