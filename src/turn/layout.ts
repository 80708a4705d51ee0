/** Where the personas' public cards cost less. */
import type { ModelInfo } from "../domain/model-info.ts";
import type { Layout } from "../domain/scenario.ts";

/**
 * With every turn the cards of all are read in the shared head, at the cached price, or one card in the speaker's own
 * lines, at the full price: they belong into the head where the cached price times the size of the cast is less than
 * the full one. Six personas: not at a quarter of the price (gpt-4.1), but at a tenth (gpt-5).
 */
export function layoutFor({ price }: Pick<ModelInfo, "price">, castSize: number): Layout {
  if (price === undefined) return "own-last";
  const cached = price.cachedInput ?? price.input;
  return cached * castSize < price.input ? "cards-in-head" : "own-last";
}
