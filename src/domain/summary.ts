/** A summary of the older part of a transcript, and what is kept of each one that was made. */
import { z } from "zod";
import { FAILURE_KINDS } from "./turn.ts";

/** What a summary says; also the shape that is demanded from the model, so every key is required. */
export const summarySchema = z.strictObject({
  said: z
    .array(z.strictObject({ speaker: z.string(), points: z.string() }))
    .describe("For each speaker, by the name of its messages: what it holds and why, in one sentence."),
  decisions: z.array(z.string()).describe("What was decided, with its figures."),
  openQuestions: z.array(z.string()).describe("What is still open, and who was asked."),
  citations: z.array(z.string()).describe("Ids of the sources that still matter."),
});
/** What a summary of older messages says. */
export type Summary = z.output<typeof summarySchema>;

/** A summary that was asked for: adopted, or failed for a reason; then the messages stay word for word. */
export const summaryEntrySchema = z.object({
  turn: z.int().min(1).describe("The turn before which it was adopted, or given up."),
  upTo: z.string().describe("Id of the last message it covers."),
  messages: z.int().min(1).describe("Messages it covers, those of the summary before it included."),
  model: z.string(),
  forced: z
    .boolean()
    .optional()
    .describe("True: made in the middle of a turn, since the provider said that its prompt was too long."),
  summary: summarySchema.optional().describe("Missing when it failed."),
  failure: z.object({ kind: z.enum(FAILURE_KINDS), detail: z.string() }).optional(),
});
/** A summary that was asked for: with `summary` when it was adopted, with `failure` when it was not. */
export type SummaryEntry = z.output<typeof summaryEntrySchema>;
