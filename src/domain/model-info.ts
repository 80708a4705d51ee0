/** What the catalog says of a model: abilities, limits, prices; and the rules that choose between models. */
import { z } from "zod";
import { PERSONALITY_KINDS } from "./persona.ts";
import { COMPLEXITY_LEVELS, STRUCTURED_METHODS } from "./scenario.ts";

const dollars = z.number().min(0);

export const modelInfoSchema = z.strictObject({
  price: z
    .strictObject({
      input: dollars,
      cachedInput: dollars.optional().describe("Default: the input price."),
      output: dollars,
    })
    .optional()
    .describe("Dollars per million tokens. Without it, costs are unknown, not zero."),
  batchFactor: z.number().min(0).max(1).default(1).describe("Batch and flex price as a share of the price."),
  flex: z.boolean().default(false).describe("Whether it is offered at the tier `flex`."),
  contextWindow: z.int().min(1).describe("Tokens, input and output together."),
  maxOutput: z.int().min(1).describe("Tokens."),
  encoding: z.enum(["o200k_base", "cl100k_base"]).default("o200k_base"),
  reasons: z.boolean().default(false).describe("Reasoning models take no temperature."),
  parallelToolCalls: z
    .boolean()
    .default(true)
    .describe("Whether requests may say `parallel_tool_calls`; the o-series refuses the parameter."),
  structured: z.enum(STRUCTURED_METHODS).default("json-schema"),
});

export const selectionRuleSchema = z.strictObject({
  when: z
    .strictObject({
      requiresReasoning: z.boolean().optional(),
      complexity: z.enum(COMPLEXITY_LEVELS).optional(),
      kind: z.enum(PERSONALITY_KINDS).optional(),
    })
    .default({})
    .describe("All that is given must hold; empty: always."),
  use: z.string().min(1),
});
/** One rule: the model `use` for whoever meets all of `when`. */
export type SelectionRule = z.output<typeof selectionRuleSchema>;

/** The shape of a catalog file. Prices are dollars per million tokens. */
export const catalogSchema = z.strictObject({
  models: z.record(z.string().min(1), modelInfoSchema).default({}),
  selection: z
    .array(selectionRuleSchema)
    .optional()
    .describe("First match wins; replaces the default rules."),
});

/** A catalog entry with its name. */
export type ModelInfo = z.output<typeof modelInfoSchema> & { id: string };
