/** What a conversation records of each turn: the answer, its sources, its cost, or how it failed. */
import { z } from "zod";
import { REQUEST_FAILURES } from "./errors.ts";
import { COMPLEXITY_LEVELS } from "./scenario.ts";
import { subtotalSchema } from "./usage.ts";

/** The moderator's choice of a speaker. */
export const choiceSchema = z.object({
  turn: z.int().min(1),
  speaker: z.string(),
  policy: z.string().describe("Name of the policy that chose, after any fallback."),
  reason: z.string(),
  fallbackFrom: z
    .object({ policy: z.string(), problem: z.string() })
    .optional()
    .describe("Set when another policy was asked first and gave no valid choice."),
});
/** Who was called in a turn, by which policy, and why. */
export type Choice = z.output<typeof choiceSchema>;

/** Which model a persona spoke with, and why. */
const modelChoiceSchema = z.object({ id: z.string(), reason: z.string() });
/** The model a persona spoke with, and why that one. */
export type ModelChoice = z.output<typeof modelChoiceSchema>;

/** The conversation's rated complexity and the signs it was rated from. */
export const ratingSchema = z.object({
  level: z.enum(COMPLEXITY_LEVELS),
  score: z.int().min(0).optional().describe("Points; missing when the level was set, not rated."),
  signs: z.array(z.string()),
});
/** A conversation's complexity and the signs it was rated from. */
export type Rating = z.output<typeof ratingSchema>;

const toolCallSchema = z.object({
  name: z.string(),
  args: z.record(z.string(), z.unknown()),
  status: z.enum(["ok", "error"]),
  passages: z.array(z.string()).describe("Ids of the passages that came back."),
  error: z.string().optional(),
});
/** A tool call of a turn: its arguments, and whether it worked. */
export type ToolCall = z.output<typeof toolCallSchema>;

const spoken = {
  turn: z.int().min(1).describe("Counts every speaker the moderator called, failed turns included."),
  speaker: z.string(),
  model: modelChoiceSchema,
  choice: choiceSchema,
  startedAt: z.string().describe("ISO 8601, UTC."),
  durationMs: z.number().min(0),
  usage: subtotalSchema.describe("All requests of this turn, tool rounds and repairs included."),
};

export const turnSchema = z.object({
  ...spoken,
  message: z.string().min(1),
  confidence: z.number().min(0).max(1),
  reasoning: z.string(),
  relevantExpertise: z.array(z.string()),
  emotions: z.array(z.string()),
  addressedTo: z.string().nullable(),
  citations: z.array(z.string()).describe("Passages that were really retrieved."),
  removedCitations: z.array(z.string()).describe("Ids the model cited although nothing returned them."),
  wantsToConclude: z.boolean(),
  toolCalls: z.array(toolCallSchema),
  complexity: z.enum(COMPLEXITY_LEVELS),
});
/** One persona's turn that succeeded: its answer, who chose it, with which model, and what all its requests took. */
export type Turn = z.output<typeof turnSchema>;

/** Every way a turn can fail: by its answer, or by its request. */
export const FAILURE_KINDS = [
  "refused",
  "truncated",
  "filtered",
  "bad-shape",
  "empty",
  "unknown-tool",
  "tool-error",
  "tool-limit",
  ...REQUEST_FAILURES,
] as const;
/** How a turn can fail: by what was answered, or by a request (`RequestFailure`). */
export type FailureKind = (typeof FAILURE_KINDS)[number];

export const turnFailureSchema = z.object({
  ...spoken,
  kind: z.enum(FAILURE_KINDS),
  detail: z.string().describe("What was expected and what came; never a prompt, never a key."),
  outcome: z
    .enum(["repaired", "skipped", "stopped"])
    .describe("repaired: the turn succeeded after it. skipped, stopped: the scenario's rule."),
  usage: subtotalSchema.describe("The requests that led to this failure."),
});
/** Something that went wrong in a turn; `outcome` says what became of the turn. */
export type TurnFailure = z.output<typeof turnFailureSchema>;
