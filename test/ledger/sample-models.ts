/** Models at the prices OpenAI publishes, in dollars per million tokens; and one without a price. */
import { type ModelInfo, modelInfoSchema } from "../../src/domain/model-info.ts";

const model = (id: string, price?: { input: number; cachedInput?: number; output: number }): ModelInfo => ({
  ...modelInfoSchema.parse({ price, batchFactor: 0.5, contextWindow: 400_000, maxOutput: 32_768 }),
  id,
});

export const pricedAt = (price: { input: number; cachedInput?: number; output: number }): ModelInfo =>
  model("priced", price);

export const MODELS = {
  "gpt-4.1": model("gpt-4.1", { input: 2, cachedInput: 0.5, output: 8 }),
  "gpt-4.1-nano": model("gpt-4.1-nano", { input: 0.1, cachedInput: 0.025, output: 0.4 }),
  "gpt-5-nano": model("gpt-5-nano", { input: 0.05, cachedInput: 0.005, output: 0.4 }),
  "o4-mini": model("o4-mini", { input: 1.1, cachedInput: 0.275, output: 4.4 }),
  local: model("local"),
} as const;

export const findModel = (id: string): ModelInfo | undefined =>
  Object.hasOwn(MODELS, id) ? MODELS[id as keyof typeof MODELS] : undefined;
