/** The structured answer every persona gives: what `withStructuredOutput` demands and what is validated. */
import { z } from "zod";

/**
 * The schema of one conversation's answers. It is the same for every persona of the cast, so that it stays
 * part of the prompt prefix the provider caches. Every key is required and nullable instead of optional, as
 * strict schemas demand.
 */
export function answerSchema(castIds: readonly [string, ...string[]]) {
  return z.strictObject({
    message: z.string().describe("What you say aloud to the others. Plain text, in character."),
    confidence: z.number().min(0).max(1).describe("How sure you are of what you say, 0 to 1."),
    reasoning: z.string().describe("Why you say it; the others do not see this."),
    relevantExpertise: z.array(z.string()).describe("Which of your areas of expertise you used."),
    emotions: z.array(z.string()).describe("What you feel right now, in single words."),
    addressedTo: z
      .enum(castIds)
      .nullable()
      .describe("Id of the participant you want an answer from, or null for everyone."),
    citations: z
      .array(z.string())
      .describe("Ids of the passages you rely on, exactly as the search gave them."),
    wantsToConclude: z.boolean().describe("True when you think the conversation has reached its goal."),
  });
}

/** What a persona answers; `confidence` is 0 to 1, `addressedTo` null for everyone. */
export type Answer = z.output<ReturnType<typeof answerSchema>>;
