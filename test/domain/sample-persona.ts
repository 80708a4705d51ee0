/** A valid persona with as little in it as the schema allows. */
import { type Persona, type PersonaInput, personaSchema } from "../../src/domain/persona.ts";

export const personaInput = (id: string, more: Partial<PersonaInput> = {}): PersonaInput => ({
  id,
  name: id.toUpperCase(),
  role: "Engineer",
  background: "Ran export pipelines for ten years.",
  personality: {
    kind: "analytical",
    traits: ["patient"],
    communicationStyle: "Short sentences.",
    bigFive: { openness: 0.5, conscientiousness: 0.6, extraversion: 0.3, agreeableness: 0.7, neuroticism: 0 },
  },
  expertise: ["exports"],
  goals: ["decide what to fix first"],
  ...more,
});

export const samplePersona = (id: string, more: Partial<PersonaInput> = {}): Persona =>
  personaSchema.parse(personaInput(id, more));
