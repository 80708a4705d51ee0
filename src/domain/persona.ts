/** A persona: who speaks. The schema of every file in `personas/`. */
import { z } from "zod";

/** Lower-case words joined by hyphens; safe as a graph node name and as an OpenAI message `name`. */
export const SLUG_PATTERN = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/**
 * Names the graph needs for itself: its state keys, its own nodes, the two speakers that are not personas, and the
 * one slug that every JavaScript object has as a key.
 */
export const RESERVED_IDS: readonly string[] = [
  "moderator",
  "human",
  "messages",
  "turns",
  "failures",
  "notices",
  "usage",
  "attempts",
  "summaries",
  "totals",
  "next",
  "ending",
  "halt",
  "complexity",
  "topic",
  "opening",
  "seed",
  "status",
  "host",
  "constructor",
];

export const slugSchema = z
  .string()
  .max(64)
  .regex(SLUG_PATTERN, "a slug: lower-case letters and digits, words joined by single hyphens");

const personaId = slugSchema
  .refine((id) => !RESERVED_IDS.includes(id), {
    error: (issue) => `"${String(issue.input)}" is reserved by the graph; choose another id`,
  })
  .describe("Unique slug; names the graph node and the speaker of each message.");

const text = z.string().trim().min(1);
const share = z.number().min(0).max(1);

export const PERSONALITY_KINDS = [
  "analytical",
  "creative",
  "pragmatic",
  "empathetic",
  "skeptical",
  "visionary",
] as const;

const personalitySchema = z.strictObject({
  kind: z.enum(PERSONALITY_KINDS).describe("The one word that model selection looks at."),
  traits: z.array(text).min(1).describe("Adjectives or short phrases."),
  communicationStyle: text.describe("How this persona talks, in one or two sentences."),
  bigFive: z
    .strictObject({
      openness: share,
      conscientiousness: share,
      extraversion: share,
      agreeableness: share,
      neuroticism: share,
    })
    .describe("The five-factor model, each from 0 (low) to 1 (high)."),
});

/** The shape of a persona file. */
export const personaSchema = z.strictObject({
  id: personaId,
  name: text.describe("As it is shown in transcripts."),
  role: text.describe("Job or position in the conversation, in a few words."),
  background: text.describe("Biography that shapes what the persona says."),
  personality: personalitySchema,
  expertise: z.array(text).min(1).describe("Areas this persona can speak on with authority."),
  goals: z.array(text).min(1).describe("What this persona wants from a conversation."),
  beliefs: z.array(text).default([]).describe("Convictions it argues from."),
  privateNotes: z
    .array(text)
    .default([])
    .describe("Known to this persona alone: never shown to another persona, never in a transcript."),
  talkativeness: share.default(0.5).describe("Weight of this persona under the `weighted` policy."),
  requiresReasoning: z.boolean().default(false).describe("Ask for a stronger model, whatever the topic."),
  knowledge: z
    .array(slugSchema)
    .optional()
    .describe("Categories of the knowledge base this persona may search. Default: all."),
  model: text.optional().describe("A model of the catalog; overrides selection."),
});

/** A validated persona, defaults filled in. */
export type Persona = z.output<typeof personaSchema>;
/** A persona as an author writes it. */
export type PersonaInput = z.input<typeof personaSchema>;
