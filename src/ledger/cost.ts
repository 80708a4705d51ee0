/** What tokens cost: exact whole nano-dollars from prices in dollars per million tokens. */
import type { ModelInfo } from "../domain/model-info.ts";
import type { Tier } from "../domain/usage.ts";

/** Tokens of one request; `inputTokens` includes the cached ones, `outputTokens` those of reasoning. */
export interface TokenCounts {
  /** All input tokens, the cached ones included. */
  inputTokens: number;
  cachedInputTokens?: number | undefined;
  /** All output tokens, the reasoning ones included. */
  outputTokens: number;
}

const MILLION = 1_000_000n;

/** A decimal as a whole number of millionths; prices and factors have at most six decimals. */
const millionths = (value: number): bigint => BigInt(Math.round(value * 1e6));

/**
 * The cost of one request in nano-dollars, rounded half up once per request.
 *
 * Returns undefined where it is unknown: a model without a price, or the `priority` tier, whose prices the catalog
 * does not hold. The `batch` and `flex` tiers cost the model's `batchFactor` of the standard price.
 */
export function costNanoUsd(
  counts: TokenCounts,
  model: ModelInfo | undefined,
  tier: Tier,
): number | undefined {
  const price = model?.price;
  if (model === undefined || price === undefined || tier === "priority") return undefined;
  const cached = BigInt(Math.min(counts.cachedInputTokens ?? 0, counts.inputTokens));
  const fresh = BigInt(counts.inputTokens) - cached;
  // Dollars per million tokens are micro-dollars a token: in millionths of those, so 10^-12 dollars.
  const picoUsd =
    fresh * millionths(price.input) +
    cached * millionths(price.cachedInput ?? price.input) +
    BigInt(counts.outputTokens) * millionths(price.output);
  const factor = tier === "standard" ? MILLION : millionths(model.batchFactor);
  const divisor = 1_000n * MILLION;
  return Number((2n * picoUsd * factor + divisor) / (2n * divisor));
}
