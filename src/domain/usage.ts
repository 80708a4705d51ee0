/** Usage entries and totals: tokens and money of a conversation. Money is a whole number of nano-dollars. */
import { z } from "zod";

const tokens = z.int().min(0);

/** What a request was for. */
export const PURPOSES = ["turn", "moderator", "summary", "judge"] as const;
/** What a request was for. */
export type Purpose = (typeof PURPOSES)[number];

/** The provider's price tiers, as its `service_tier` names them; `batch` is ours for the Batch API. */
export const TIERS = ["standard", "batch", "flex", "priority"] as const;
/** A price tier of the provider. */
export type Tier = (typeof TIERS)[number];

/** The tiers a request can be sent at: `batch` goes by the Batch API, the others are answered at once. */
export const SENT_TIERS = ["standard", "flex", "batch"] as const satisfies readonly Tier[];
/** A tier that a request can be sent at. */
export type SentTier = (typeof SENT_TIERS)[number];

/** At which price requests are sent. */
export interface AskedTier {
  /** Default `standard`. */
  tier?: SentTier | undefined;
  /** At flex: what is sent where the model is not offered at it, or there is no room. Default: nothing. */
  tierFallback?: "standard" | undefined;
}

/** One model call. `inputTokens` includes the cached ones, `outputTokens` the reasoning ones. */
export const usageEntrySchema = z.object({
  turn: z.int().min(0).optional().describe("Turn the call belongs to."),
  persona: z.string().optional().describe("Persona the call was made for; none for the moderator's."),
  purpose: z.enum(PURPOSES).optional(),
  model: z.string().describe("Model as it was asked for."),
  tier: z.enum(TIERS),
  inputTokens: tokens.optional().describe("Missing when the provider reported no usage."),
  cachedInputTokens: tokens.optional(),
  outputTokens: tokens.optional(),
  reasoningTokens: tokens.optional(),
  costNanoUsd: z.int().min(0).optional().describe("Missing when the price or the usage is unknown."),
  costBoundNanoUsd: z
    .int()
    .min(0)
    .optional()
    .describe("Where the cost is unknown although the model has a price: the most it can be."),
  requestId: z.string().optional().describe("The provider's id of the request."),
  fromCache: z.literal(true).optional().describe("Set when the answer came from the response cache."),
  offline: z.literal(true).optional().describe("Set when the offline server answers: nobody is billed."),
  savedNanoUsd: z
    .int()
    .min(0)
    .optional()
    .describe(
      "Of an answer from the response cache: what it cost the first time; missing when that is unknown.",
    ),
});
/** Tokens and cost of one request. Money is a whole number of nano-dollars; what is missing is unknown, not 0. */
export type UsageEntry = z.output<typeof usageEntrySchema>;

/** Sums over entries. Unknown parts are counted, never taken for zero. */
export const subtotalSchema = z.object({
  requests: z.int().min(0),
  inputTokens: tokens,
  cachedInputTokens: tokens,
  outputTokens: tokens,
  reasoningTokens: tokens,
  costNanoUsd: z.int().min(0).optional().describe("Sum of the known costs; missing when none is known."),
  unpricedRequests: z
    .int()
    .min(0)
    .describe("Requests whose cost is unknown; when above 0, `costNanoUsd` is a lower bound."),
  unpricedBoundNanoUsd: z
    .int()
    .min(0)
    .describe("The most those can have cost, where their model has a price. Budgets count it as spent."),
  cacheHits: z.int().min(1).optional().describe("Answers from the response cache; missing when none was."),
  savedNanoUsd: z
    .int()
    .min(1)
    .optional()
    .describe("What those cost the first time, as far as it is known; missing when nothing was saved."),
});
/** Sums over requests. `costNanoUsd` is a lower bound where `unpricedRequests` is above 0, and missing when no cost is known. */
export type Subtotal = z.output<typeof subtotalSchema>;

export const totalsSchema = subtotalSchema.extend({
  byPersona: z.record(z.string(), subtotalSchema),
  byModel: z.record(z.string(), subtotalSchema),
  byPurpose: z.record(z.string(), subtotalSchema),
});
/** The sums of a conversation, and the same by persona, by model and by purpose. */
export type Totals = z.output<typeof totalsSchema>;
