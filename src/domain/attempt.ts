/** An attempt of a request that came to nothing: what was told of it, and whether it may have cost money. */
import { z } from "zod";
import { REQUEST_FAILURES } from "./errors.ts";
import { PURPOSES, TIERS } from "./usage.ts";

export const attemptSchema = z.object({
  turn: z.int().min(0).optional(),
  persona: z.string().optional(),
  purpose: z.enum(PURPOSES),
  model: z.string(),
  tier: z
    .enum(TIERS)
    .optional()
    .describe("At which it was sent; missing in older records: as the request was asked for."),
  offline: z
    .literal(true)
    .optional()
    .describe("Set when it was sent to the offline server: nobody is billed."),
  attempt: z.int().min(1).describe("Counts the attempts of one request."),
  problem: z.enum(REQUEST_FAILURES),
  status: z.int().optional().describe("HTTP status; missing when no answer came."),
  code: z.string().optional().describe("The provider's own code."),
  requestId: z.string().optional().describe("The provider's id of the request."),
  retryAfterMs: z.number().min(0).optional().describe("How long the provider asked to wait."),
  waitMs: z.number().min(0).optional().describe("Waited before the next attempt; missing: there was none."),
  costBoundNanoUsd: z
    .int()
    .min(0)
    .optional()
    .describe("Where it may be billed and the model has a price: the most it can have cost."),
  mayBeBilled: z.boolean().describe("True: an answer may have been generated and lost; its cost is unknown."),
});
/** A failed attempt. */
export type Attempt = z.output<typeof attemptSchema>;
