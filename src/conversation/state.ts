/** What a conversation's graph keeps: the channels of its state, its input, its output and its run context. */
import { DeltaValue, MessagesDeltaValue, ReducedValue, StateSchema } from "@langchain/langgraph";
import { z } from "zod";
import { attemptSchema } from "../domain/attempt.ts";
import { endingRecordSchema, STATUSES } from "../domain/record.ts";
import { complexitySchema, LAYOUTS, STRATEGIES } from "../domain/scenario.ts";
import { noticeSchema, screeningOverrideSchema } from "../domain/screening.ts";
import { summaryEntrySchema } from "../domain/summary.ts";
import { choiceSchema, ratingSchema, turnFailureSchema, turnSchema } from "../domain/turn.ts";
import { totalsSchema, usageEntrySchema } from "../domain/usage.ts";
import { addTotals, emptyTotals } from "../ledger/totals.ts";

type State<Schema extends { State: unknown }> = Schema["State"];
type Update<Schema extends { Update: unknown }> = Schema["Update"];

/** A list that grows by what nodes return; checkpoints hold only what was added. */
function list<T extends z.ZodType>(item: T) {
  type Item = z.output<T>;
  const items = z.array(item).default(() => []);
  return new DeltaValue<Item[], Item[]>(items, {
    inputSchema: z.array(item),
    reducer: (current: Item[], writes: Item[][]) =>
      writes.length === 0 ? current : current.concat(...writes),
  });
}

const seed = z.int().min(0).describe("Same seed, same offline conversation.");
const topic = z.string().min(1).describe("Replaces the scenario's topic.");
const opening = z.string().min(1).describe("Replaces the scenario's opening words.");

const channels = {
  messages: MessagesDeltaValue,
  topic: topic.optional(),
  opening: opening.optional(),
  seed: seed.optional(),
  turns: list(turnSchema),
  failures: list(turnFailureSchema),
  notices: list(noticeSchema),
  usage: list(usageEntrySchema),
  attempts: list(attemptSchema),
  summaries: list(summaryEntrySchema),
  totals: new ReducedValue(totalsSchema.default(emptyTotals), { reducer: addTotals }),
  complexity: ratingSchema.optional(),
  next: choiceSchema.optional(),
  startedAt: z.string().optional(),
  conversationId: z.string().optional().describe("The thread's id, else a random one; set when it opens."),
  status: z.enum(["running", ...STATUSES]).default("running"),
  ending: endingRecordSchema.nullable().default(null),
  halt: z
    .object({ ending: endingRecordSchema, status: z.enum(STATUSES) })
    .nullable()
    .default(null)
    .describe("Set by a persona whose turn ends the conversation; the moderator carries it out."),
};

export const conversationState = new StateSchema(channels);
// Interfaces, so that editors and compilers say their names instead of the whole schema.
/** Everything a conversation's graph keeps: what `getState(config).values` and the stream mode `values` hold. */
export interface ConversationState extends State<typeof conversationState> {}
/** What a node adds to the state, as the stream mode `updates` tells it: of lists, only what is new. */
export interface ConversationUpdate extends Partial<State<typeof conversationState>> {}

export const conversationInput = new StateSchema({
  messages: channels.messages,
  topic: channels.topic,
  opening: channels.opening,
  seed: channels.seed,
});

/**
 * Everything is optional: without input the scenario speaks for itself. A message joins the conversation under its `name`,
 * else as `human`. A `seed` is a whole number from 0 on; `topic` and `opening` replace the scenario's.
 */
export interface ConversationInput extends Update<typeof conversationInput> {}

export const conversationOutput = new StateSchema({
  messages: channels.messages,
  topic: channels.topic,
  seed: channels.seed,
  turns: channels.turns,
  failures: channels.failures,
  notices: channels.notices,
  usage: channels.usage,
  attempts: channels.attempts,
  summaries: channels.summaries,
  totals: channels.totals,
  complexity: channels.complexity,
  startedAt: channels.startedAt,
  status: channels.status,
  ending: channels.ending,
});

/** What `invoke` returns; with it `recordOf` makes a record. `topic` is missing where the scenario's was kept. */
export interface ConversationOutput extends State<typeof conversationOutput> {}

/** What one run may change without another graph. */
export const conversationContext = z.object({
  complexity: complexitySchema.optional().describe("Replaces the scenario's complexity."),
  models: z
    .record(z.string(), z.string())
    .default({})
    .describe("Model by persona id; `*` stands for everyone else."),
  budget: z
    .object({ maxCostUsd: z.number().positive() })
    .optional()
    .describe("Replaces the scenario's budget, in dollars."),
  maxTurns: z.int().min(1).optional().describe("Replaces the scenario's limit of turns."),
  screening: screeningOverrideSchema.optional().describe("Replaces parts of the scenario's screening."),
  context: z
    .strictObject({
      strategy: z.enum(STRATEGIES).optional(),
      layout: z.enum(LAYOUTS).optional(),
      windowTurns: z.int().min(1).optional(),
      windowTokens: z.int().min(1).optional(),
      afterTurns: z.int().min(1).optional(),
      blockTurns: z.int().min(2).optional(),
      keepTurns: z.int().min(1).optional(),
    })
    .optional()
    .describe("Replaces what the scenario says of how a long transcript is shown, key by key."),
  tier: z
    .enum(["standard", "flex"])
    .optional()
    .describe("The price tier of all requests: flex is slower, at half the price. Default: standard."),
  tierFallback: z
    .literal("standard")
    .optional()
    .describe("At flex: what is sent at standard is what flex has no room for, or does not offer."),
  stream: z
    .boolean()
    .default(false)
    .describe("Tells the words of messages in events `token` as they arrive."),
});
export type ConversationContext = z.output<typeof conversationContext>;
/** What one run may change without another graph; everything is optional. Passed as `context` beside `configurable`. */
export interface ConversationContextInput extends z.input<typeof conversationContext> {}
