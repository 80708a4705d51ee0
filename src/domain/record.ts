/** The record of a conversation: what `conversation.json` holds. Its version changes when its shape does. */
import { z } from "zod";
import { attemptSchema } from "./attempt.ts";
import { noticeSchema } from "./screening.ts";
import { summaryEntrySchema } from "./summary.ts";
import { ratingSchema, turnFailureSchema, turnSchema } from "./turn.ts";
import { totalsSchema, usageEntrySchema } from "./usage.ts";

export const RECORD_VERSION = 1;

export const endingRecordSchema = z.object({
  kind: z.string().describe("The ending that fired: a key of the scenario's endings, or `abort`, `failure`."),
  evidence: z.string().describe("The figures or words that made it fire."),
});
/** Why a conversation ended: the kind of ending that fired, and the evidence. */
export type EndingRecord = z.output<typeof endingRecordSchema>;

export const STATUSES = ["completed", "budget", "interrupted", "failed"] as const;
/** completed: an ending fired. budget: the cap would have been passed. interrupted: aborted. failed: cannot go on. */
export type Status = (typeof STATUSES)[number];

const participantSchema = z.object({ id: z.string(), name: z.string(), role: z.string() });

/** What was said by somebody who is not a persona: the opening, or a person who joined in. */
const remarkSchema = z.object({
  afterTurn: z.int().min(0).describe("Turn it followed; 0 for the opening."),
  speaker: z.string(),
  message: z.string(),
});

const sourceSchema = z.object({
  id: z.string(),
  title: z.string(),
  category: z.string(),
  text: z.string(),
});

/** The shape of `conversation.json`; `parse` reads one back. */
export const conversationRecordSchema = z.object({
  version: z.literal(RECORD_VERSION),
  conversationId: z.string(),
  scenario: z.object({ id: z.string(), title: z.string(), topic: z.string() }),
  participants: z.array(participantSchema),
  seed: z.int().min(0),
  transport: z
    .enum(["network", "offline", "replay"])
    .describe("offline: the answers were generated, not a model's. replay: they came from a recording."),
  replayOf: z
    .enum(["network", "offline"])
    .optional()
    .describe(
      "Of a replay: the transport of the recorded run. Its costs are that run's; nothing is charged again.",
    ),
  startedAt: z.string(),
  endedAt: z.string(),
  status: z.enum(STATUSES),
  ending: endingRecordSchema,
  complexity: ratingSchema,
  remarks: z.array(remarkSchema),
  turns: z.array(turnSchema),
  failures: z.array(turnFailureSchema),
  attempts: z
    .array(attemptSchema)
    .describe("Attempts of requests that came to nothing and, where it helped, were made again."),
  summaries: z
    .array(summaryEntrySchema)
    .describe("What stood for the older part of the transcript, and what could not be summarised."),
  sources: z
    .array(sourceSchema)
    .describe("Every passage that was cited, in the order of its first citation."),
  notices: z
    .array(noticeSchema)
    .optional()
    .describe("What screening removed or let pass; missing when there was nothing."),
  usage: z.object({ entries: z.array(usageEntrySchema), totals: totalsSchema }),
});
/** Everything a conversation was: turns, failures, what each request took, and why it ended. Times are ISO 8601. */
export type ConversationRecord = z.output<typeof conversationRecordSchema>;
