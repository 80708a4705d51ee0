/** A scenario: what is simulated. The schema of every file in `scenarios/`. */
import { z } from "zod";
import { THINKING_TOKENS } from "./longest-answer.ts";
import { personaSchema, slugSchema } from "./persona.ts";
import { screeningSchema } from "./screening.ts";

const text = z.string().trim().min(1);
const count = z.int().min(1);

export const COMPLEXITY_LEVELS = ["low", "medium", "high"] as const;
export const complexitySchema = z
  .enum([...COMPLEXITY_LEVELS, "auto"])
  .describe("How hard the topic is; drives model selection. `auto` rates it from measurable signs.");
/** A rated complexity; `auto` has been resolved. */
export type ComplexityLevel = (typeof COMPLEXITY_LEVELS)[number];
export type Complexity = z.output<typeof complexitySchema>;

/** How the structured answer is demanded from the model; see `Catalog`. */
export const STRUCTURED_METHODS = ["json-schema", "function-calling", "json-mode"] as const;
/** A way to demand a structured answer. */
export type StructuredMethod = (typeof STRUCTURED_METHODS)[number];

const pingPongLimit = count
  .default(4)
  .describe("Turns in a row that the same two personas may keep to themselves.");

const moderatorSchema = z
  .discriminatedUnion("policy", [
    z.strictObject({ policy: z.literal("round-robin") }),
    z.strictObject({ policy: z.literal("directed"), pingPongLimit }),
    z.strictObject({ policy: z.literal("random") }),
    z.strictObject({ policy: z.literal("weighted") }),
    z.strictObject({
      policy: z.literal("model"),
      model: text.optional().describe("A model of the catalog. Default: the cheapest priced one."),
      instructions: text.optional().describe("What the model should look for when it picks a speaker."),
      pingPongLimit,
    }),
  ])
  .describe("Who speaks next.");
export type ModeratorSettings = z.output<typeof moderatorSchema>;

/** The settings of each policy beside its name. */
export const POLICY_SETTINGS: Readonly<Record<ModeratorSettings["policy"], readonly string[]>> = {
  "round-robin": [],
  directed: ["pingPongLimit"],
  random: [],
  weighted: [],
  model: ["pingPongLimit", "model", "instructions"],
};

const endingKeys = {
  maxTurns: count.describe("Turns asked for, failed ones included."),
  maxTokens: count.describe("Input and output tokens of all requests so far."),
  maxCostUsd: z.number().positive().describe("Dollars; checked before each request with its worst case."),
  maxDurationSeconds: z.number().positive().describe("Seconds since the conversation began."),
  phrase: text.describe("A message contains this text; case is ignored."),
  consensus: z
    .strictObject({ minTurns: count.default(1) })
    .describe("Everyone has spoken and everyone's latest turn wants to conclude."),
  stalemate: z
    .strictObject({ turns: count })
    .describe("No new citation, area of expertise or pair of speakers for this many turns."),
};

/** One condition that ends a conversation: exactly one key is set. */
export interface EndingSettings {
  maxTurns?: number | undefined;
  maxTokens?: number | undefined;
  maxCostUsd?: number | undefined;
  maxDurationSeconds?: number | undefined;
  phrase?: string | undefined;
  consensus?: { minTurns: number } | undefined;
  stalemate?: { turns: number } | undefined;
  any?: EndingSettings[] | undefined;
  all?: EndingSettings[] | undefined;
}

type EndingInput = Omit<EndingSettings, "consensus" | "any" | "all"> & {
  consensus?: { minTurns?: number | undefined } | undefined;
  any?: EndingInput[] | undefined;
  all?: EndingInput[] | undefined;
};

/** One condition an object: exactly one key. `any` and `all` hold further conditions. */
export const endingSchema: z.ZodType<EndingSettings, EndingInput> = z
  .strictObject({
    maxTurns: endingKeys.maxTurns.optional(),
    maxTokens: endingKeys.maxTokens.optional(),
    maxCostUsd: endingKeys.maxCostUsd.optional(),
    maxDurationSeconds: endingKeys.maxDurationSeconds.optional(),
    phrase: endingKeys.phrase.optional(),
    consensus: endingKeys.consensus.optional(),
    stalemate: endingKeys.stalemate.optional(),
    get any() {
      return z.array(endingSchema).min(1).optional();
    },
    get all() {
      return z.array(endingSchema).min(1).optional();
    },
  })
  .refine((ending) => Object.keys(ending).length === 1, {
    error: "exactly one condition; combine several with `any` or `all`",
  })
  .meta({ id: "ending", minProperties: 1, maxProperties: 1 });

export const STRATEGIES = ["full", "window", "compact"] as const;
/** How much of a long transcript a persona is shown. */
export type Strategy = (typeof STRATEGIES)[number];
export const LAYOUTS = ["own-last", "cards-in-head"] as const;
/** Where the personas' public cards stand in a prompt. */
export type Layout = (typeof LAYOUTS)[number];

export const contextSettingsSchema = z.strictObject({
  strategy: z
    .enum(STRATEGIES)
    .default("compact")
    .describe(
      "full: the whole transcript. window: the latest part of it. compact: the latest part, and a summary of the rest.",
    ),
  layout: z
    .enum(LAYOUTS)
    .optional()
    .describe(
      "own-last: a persona's card stands in its own last lines. cards-in-head: all public cards stand in the shared beginning. Default: what costs less at the model's prices.",
    ),
  windowTurns: count
    .optional()
    .describe(
      "Strategy window: latest messages that are always shown. Default 24, unless windowTokens is set.",
    ),
  windowTokens: count.optional().describe("Strategy window: most tokens of the messages shown."),
  afterTurns: count
    .default(20)
    .describe("Strategy compact: so many messages are all shown before any of them becomes a summary."),
  blockTurns: count.min(2).default(8).describe("Strategy compact: messages that become a summary at a time."),
  keepTurns: count
    .optional()
    .describe(
      "Strategy compact: latest messages that stay word for word, at least. Default: one less than there are personas, and 4 at least.",
    ),
});
export type ContextSettings = z.output<typeof contextSettingsSchema>;

/** The shape of a scenario file. */
export const scenarioSchema = z.strictObject({
  id: slugSchema.describe("Unique slug."),
  title: text,
  description: text.optional().describe("One or two sentences for people choosing a scenario."),
  topic: text.describe("What the personas talk about, as they are told it."),
  opening: text.describe("The host's first words, shown to everyone."),
  cast: z
    .array(z.union([slugSchema, personaSchema]))
    .min(1)
    .describe("Ids of personas, or whole personas written in place."),
  moderator: moderatorSchema.prefault({ policy: "directed" }),
  endings: z.array(endingSchema).min(1).describe("The conversation ends when any of these is met."),
  knowledge: text.optional().describe("Folder of the knowledge base, relative to this file. Default: none."),
  complexity: complexitySchema.default("auto"),
  budget: z
    .strictObject({ maxCostUsd: z.number().positive().describe("Hard cap in dollars.") })
    .optional()
    .describe("The conversation ends with status `budget` before the cap would be passed."),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional()
    .describe("Default: drawn at the start and recorded."),
  onFailure: z
    .enum(["skip", "stop"])
    .default("skip")
    .describe("After a turn that failed and could not be repaired: go on with the next speaker, or stop."),
  answers: z
    .strictObject({
      method: z.enum(STRUCTURED_METHODS).optional().describe("Default: the catalog's for the model."),
      maxOutputTokens: count
        .max(128_000)
        .default(1200)
        .describe(
          `Of an answer; reasoning models get ${THINKING_TOKENS.toLocaleString("en-US")} more to think with.`,
        ),
      maxToolRounds: z.int().min(0).max(10).default(2).describe("Requests of a turn that may call tools."),
      temperature: z.number().min(0).max(2).optional().describe("Never sent to reasoning models."),
    })
    .prefault({}),
  screening: screeningSchema.prefault({}).describe("What is looked at before anything is sent."),
  context: contextSettingsSchema.prefault({}).describe("How a transcript that grows long is shown."),
});

/** A validated scenario as its file says it; the cast may still be ids. */
export type ScenarioFile = z.output<typeof scenarioSchema>;
/** A scenario as it is written: whatever has a default may be left out. */
export type ScenarioInput = z.input<typeof scenarioSchema>;
