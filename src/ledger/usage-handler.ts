/** A LangChain callback handler that turns every model call into a usage entry with its exact cost. */
import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import type { Serialized } from "@langchain/core/load/serializable";
import type { AIMessage, BaseMessage, UsageMetadata } from "@langchain/core/messages";
import type { ChatGeneration, LLMResult } from "@langchain/core/outputs";
import { type Catalog, loadCatalog } from "../catalog/catalog.ts";
import { TIERS, type Tier, type Totals, type UsageEntry } from "../domain/usage.ts";
import { costNanoUsd as costOf } from "./cost.ts";
import { totalsOf } from "./totals.ts";

/** Prices to count with, and labels for the entries. */
export interface UsageHandlerOptions {
  /** Where prices are found; `find` returns undefined for a model that is not known. Default: the shipped catalog. */
  catalog?: Pick<Catalog, "find"> | undefined;
  /** Written on every entry. */
  labels?: Pick<UsageEntry, "turn" | "persona" | "purpose"> | undefined;
  /** The tier that calls are sent at, read once each is over. Default: what its parameter `service_tier` says. */
  tier?: (() => Tier) | undefined;
}

const named = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** `default` and `auto` are the provider's names for what we call standard. */
function tierOf(serviceTier: unknown): Tier {
  return TIERS.find((tier) => tier === serviceTier) ?? "standard";
}

/** No request has a billion tokens; sums of what is left stay exact. */
const MOST_TOKENS = 1e9;

/**
 * The tier that served the call, where the model passes it on. A cheaper one than was asked for is not believed; what came
 * out of a batch names the tier it would have had outside.
 */
function servedTier(reported: unknown, asked: Tier): Tier {
  if (reported == null || asked === "batch") return asked;
  const tier = tierOf(reported);
  return CHEAPER.has(tier) && tier !== asked ? "standard" : tier;
}
const CHEAPER: ReadonlySet<Tier> = new Set(["batch", "flex"]);

const count = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= MOST_TOKENS
    ? value
    : undefined;

/** The reported counts. LangChain leaves out a count of 0; the total tells it from one that is unknown. */
function countsOf(usage: UsageMetadata | undefined) {
  const [input, output, total] = [usage?.input_tokens, usage?.output_tokens, usage?.total_tokens].map(count);
  const rest = (known: number | undefined) =>
    known === undefined || total === undefined ? undefined : count(total - known);
  return {
    inputTokens: input ?? rest(output),
    cachedInputTokens: count(usage?.input_token_details?.cache_read),
    outputTokens: output ?? rest(input),
    reasoningTokens: count(usage?.output_token_details?.reasoning),
  };
}

/** The HTTP status of a rejected call; LangChain's own errors hold the provider's as their cause. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  return "status" in error && typeof error.status === "number" ? error.status : statusOf(error.cause);
}

/** What a call asked for, known before its reply. */
interface Asked {
  model: string | undefined;
  tier: Tier;
}

type Reported = Pick<AIMessage, "response_metadata"> & { usage_metadata?: UsageMetadata | undefined };

/** The entry of an answered call: tokens as the message reports them, and their cost by the catalog's prices. */
export function usageEntryOf(
  message: Reported | undefined,
  asked: Asked,
  { catalog, labels }: Required<Pick<UsageHandlerOptions, "labels">> & { catalog: Pick<Catalog, "find"> },
): UsageEntry {
  const metadata: Record<string, unknown> = message?.response_metadata ?? {};
  const model = asked.model ?? named(metadata.model_name) ?? "unknown";
  const tier = servedTier(metadata.service_tier, asked.tier);
  const { inputTokens, outputTokens, ...details } = countsOf(message?.usage_metadata);
  const costNanoUsd =
    inputTokens === undefined || outputTokens === undefined
      ? undefined
      : costOf({ inputTokens, outputTokens, ...details }, catalog.find(model), tier);
  return { ...labels, model, tier, inputTokens, outputTokens, ...details, costNanoUsd };
}

/**
 * Collects one {@link UsageEntry} per model call: tokens as the provider reported them and the cost by the catalog's
 * prices. Works with any LangChain model; pass it in `callbacks` around any block of calls and read
 * {@link UsageHandler.totals} afterwards. Use one handler per block: concurrent blocks then never mix.
 *
 * A call that broke off after it was sent (no HTTP status came back) is an entry without tokens and cost, since it
 * may have been paid; a call the provider rejected is no entry. A hit of a LangChain cache costs 0.
 */
export class UsageHandler extends BaseCallbackHandler {
  override readonly name = "dramatis-usage";
  /** Without it LangChain would call handlers in the background, and totals would be read too early. */
  override awaitHandlers = true;
  /** Without it LangChain would swallow an error of the catalog, and a paid call would be missing. */
  override raiseError = true;
  readonly entries: UsageEntry[] = [];
  readonly #catalog: Pick<Catalog, "find">;
  readonly #labels: UsageHandlerOptions["labels"];
  readonly #tier: UsageHandlerOptions["tier"];
  readonly #asked = new Map<string, Asked>();

  constructor({ catalog = loadCatalog(), labels, tier }: UsageHandlerOptions = {}) {
    super();
    this.#catalog = catalog;
    this.#labels = labels;
    this.#tier = tier;
  }

  /** Sums over all entries so far. */
  get totals(): Totals {
    return totalsOf(this.entries);
  }

  override handleChatModelStart(
    _model: Serialized,
    _messages: BaseMessage[][],
    runId: string,
    _parentRunId?: string,
    extra?: Record<string, unknown>,
    _tags?: string[],
    metadata?: Record<string, unknown>,
  ): void {
    const params = extra?.invocation_params as Record<string, unknown> | undefined;
    const model = named(params?.model) ?? named(params?.model_name) ?? named(metadata?.ls_model_name);
    this.#asked.set(runId, { model, tier: tierOf(params?.service_tier) });
  }

  override handleLLMEnd(
    output: LLMResult,
    runId: string,
    _parentRunId?: string,
    _tags?: string[],
    extra?: Record<string, unknown>,
  ): void {
    const asked = this.#take(runId);
    const generation = output.generations[0]?.[0] as Partial<ChatGeneration> | undefined;
    const message = generation?.message;
    const response_metadata = { ...message?.response_metadata, ...generation?.generationInfo };
    const usage_metadata = (message as Partial<Reported> | undefined)?.usage_metadata;
    // Copied at once: LangChain's in-memory cache later zeroes the same object.
    const entry = usageEntryOf({ response_metadata, usage_metadata }, asked, {
      catalog: this.#catalog,
      labels: this.#labels,
    });
    const { model, tier } = entry;
    this.entries.push(
      extra?.cached === true
        ? { ...this.#labels, model, tier, inputTokens: 0, outputTokens: 0, costNanoUsd: 0 }
        : entry,
    );
  }

  override handleLLMError(error: unknown, runId: string): void {
    const asked = this.#take(runId);
    if (statusOf(error) !== undefined) return;
    this.entries.push({ ...this.#labels, model: asked.model ?? "unknown", tier: asked.tier });
  }

  #take(runId: string): Asked {
    const asked = this.#asked.get(runId) ?? { model: undefined, tier: "standard" };
    this.#asked.delete(runId);
    return this.#tier === undefined ? asked : { ...asked, tier: this.#tier() };
  }
}
