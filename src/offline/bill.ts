/**
 * What the provider would charge, worked out on its own: nothing here is shared with the ledger that it checks.
 * Money is whole nano-dollars in BigInt; each request is rounded once, half up.
 */
import type { ModelInfo } from "../domain/model-info.ts";
import type { ServiceTier, TokenUsage } from "./protocol.ts";

/** What was billed of one kind of requests. */
export interface BillLine extends Readonly<TokenUsage> {
  /** Requests that were charged, those among them whose answer never arrived. */
  readonly requests: number;
  /** Of the priced requests. */
  readonly costNanoUsd: number;
  /** Requests to models without a price; when above 0, `costNanoUsd` is a lower bound. */
  readonly unpricedRequests: number;
}

/** At which of the price list's columns a request is charged: the tier that it was served at, or a batch. */
export type BilledTier = ServiceTier | "batch";

/** What the offline server charged in all, and by model. Whole nano-dollars. */
export interface Bill extends BillLine {
  readonly byModel: Readonly<Record<string, BillLine>>;
}

/**
 * What one request cost, by the `x-request-id` of its answer, whether or not that arrived; a batch's request by the
 * `request_id` in its line.
 */
export interface Charge extends Readonly<TokenUsage> {
  readonly requestId: string;
  readonly model: string;
  readonly tier: BilledTier;
  /** Undefined for a model without a price. */
  readonly costNanoUsd: number | undefined;
}

/** Whom a request is charged to, by the provider's ids; what is undefined is not known. */
export interface Payer {
  readonly project?: string | undefined;
  readonly user?: string | undefined;
  readonly apiKey?: string | undefined;
}

export interface Chargeable {
  requestId: string;
  model: ModelInfo;
  usage: TokenUsage;
  tier: BilledTier;
  payer?: Payer | undefined;
  /** Milliseconds since 1970; undefined: now. */
  at?: number | undefined;
}

export interface BillKeeper {
  charge(chargeable: Chargeable): Charge;
  /** The latest 100,000, oldest first, by request id. */
  readonly charges: ReadonlyMap<string, Charge>;
  /** The bill so far; later charges do not change it. */
  read(): Bill;
  clear(): void;
}

const NANO = 1_000_000_000;
const MILLION = 1_000_000n;
/** Price factors are held in millionths. */
const FACTOR = 1_000_000;

const nanoPerMillion = (dollars: number) => BigInt(Math.round(dollars * NANO));

/** Nano-dollars, rounded half up; undefined without a price. */
export function chargeNanoUsd(model: ModelInfo, usage: TokenUsage, tier: BilledTier): bigint | undefined {
  const { price } = model;
  if (price === undefined) return undefined;
  const uncached = usage.inputTokens - usage.cachedInputTokens;
  const full =
    BigInt(uncached) * nanoPerMillion(price.input) +
    BigInt(usage.cachedInputTokens) * nanoPerMillion(price.cachedInput ?? price.input) +
    BigInt(usage.outputTokens) * nanoPerMillion(price.output);
  const factor = tier === "default" ? FACTOR : Math.round(model.batchFactor * FACTOR);
  const divisor = MILLION * BigInt(FACTOR);
  return (full * BigInt(factor) + divisor / 2n) / divisor;
}

const EMPTY: BillLine = {
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costNanoUsd: 0,
  unpricedRequests: 0,
};

function add(line: BillLine, usage: TokenUsage, cost: bigint | undefined): BillLine {
  return {
    requests: line.requests + 1,
    inputTokens: line.inputTokens + usage.inputTokens,
    cachedInputTokens: line.cachedInputTokens + usage.cachedInputTokens,
    outputTokens: line.outputTokens + usage.outputTokens,
    reasoningTokens: line.reasoningTokens + usage.reasoningTokens,
    costNanoUsd: line.costNanoUsd + Number(cost ?? 0n),
    unpricedRequests: line.unpricedRequests + (cost === undefined ? 1 : 0),
  };
}

/** Charges that are kept one by one. */
const MEMORY_CHARGES = 100_000;

/** @param onCharge told of everything that is charged */
export function createBill(
  memoryCharges = MEMORY_CHARGES,
  onCharge?: (chargeable: Chargeable) => void,
): BillKeeper {
  let total = EMPTY;
  const charges = new Map<string, Charge>();
  const byModel = new Map<string, BillLine>();
  return {
    charges,
    charge(chargeable) {
      const { requestId, model, usage, tier } = chargeable;
      const cost = chargeNanoUsd(model, usage, tier);
      const costNanoUsd = cost === undefined ? undefined : Number(cost);
      const charge = { requestId, model: model.id, tier, ...usage, costNanoUsd };
      charges.set(requestId, charge);
      const [oldest] = charges.keys();
      if (charges.size > memoryCharges && oldest !== undefined) charges.delete(oldest);
      total = add(total, usage, cost);
      byModel.set(model.id, add(byModel.get(model.id) ?? EMPTY, usage, cost));
      onCharge?.(chargeable);
      return charge;
    },
    read: () => ({ ...total, byModel: Object.fromEntries(byModel) }),
    clear() {
      total = EMPTY;
      byModel.clear();
      charges.clear();
    },
  };
}
