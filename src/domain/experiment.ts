/** An experiment: a scenario, and what of it is varied. The schema of every file in `experiments/`. */
import { z } from "zod";
import { slugSchema } from "./persona.ts";

const text = z.string().trim().min(1);

/** Names of levels stand in the names of arms, which are `factor=level,factor=level`. */
export const LEVEL_NAME = /^[^\s,=](?:[^,=\n\r]*[^\s,=])?$/u;
const MAX_NAME = 60;

/** No path of a scenario is nearly as long; each step of one is looked up in every arm. */
export const MAX_PATH = 500;

const levelName = z
  .string()
  .max(MAX_NAME)
  .regex(LEVEL_NAME, `at most ${MAX_NAME} characters, without commas and equals signs`);

export const levelSchema = z
  .union([
    z.string(),
    z.number(),
    z.boolean(),
    z
      .strictObject({
        name: levelName.describe("As it stands in results."),
        value: z
          .unknown()
          .optional()
          .describe("What the factor's path is set to; null takes away what the scenario says there."),
        set: z
          .record(z.string().max(MAX_PATH), z.unknown())
          .optional()
          .describe("Values by path, instead of `value`."),
      })
      .refine((level) => !(Object.hasOwn(level, "value") && level.set !== undefined), {
        error: "either `value` or `set`",
      }),
  ])
  .describe("A value, or a name with one; a name alone leaves the scenario as it is.");

const factorSchema = z.strictObject({
  name: slugSchema.describe("The column in results."),
  path: text
    .max(MAX_PATH)
    .optional()
    .describe(
      "What its levels set: a path of the scenario like answers.maxOutputTokens or cast[ines-marvao].goals, or model, policy, layout, complexity, knowledge, model[persona-id], persona[persona-id]. Default: the factor's name.",
    ),
  levels: z
    .array(levelSchema)
    .min(2)
    .describe("What is compared; the first is the one the others are compared with."),
});

export const MAX_REPEATS = 100_000;

/** The shape of an experiment file. */
export const experimentSchema = z.strictObject({
  id: slugSchema.describe("Unique slug; the name of the file."),
  title: text,
  description: text.optional().describe("What it is to find out."),
  scenario: text.describe("The id of a scenario that comes with Dramatis, or a file, relative to this one."),
  factors: z.array(factorSchema).min(1),
  design: z
    .union([
      z.literal("full"),
      z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))).min(1),
    ])
    .default("full")
    .describe(
      "full: every combination of levels. Or a list of rows, each with a level of every factor by its name.",
    ),
  repeats: z.int().min(1).max(MAX_REPEATS).describe("Conversations of each combination."),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional()
    .describe("Of the first repeat, each further one has the next. Default: the scenario's, else drawn."),
  commonRandomNumbers: z
    .boolean()
    .default(true)
    .describe(
      "Whether a repeat has the same seed in every combination, so that results can be compared in pairs.",
    ),
  budget: z
    .strictObject({ maxCostUsd: z.number().positive().describe("Hard cap in dollars.") })
    .optional()
    .describe("Of all conversations together."),
});

/** A validated experiment as its file says it. */
export type ExperimentFile = z.output<typeof experimentSchema>;
export type LevelEntry = z.output<typeof levelSchema>;
