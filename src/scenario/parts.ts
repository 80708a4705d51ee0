/** Personas and passages that come from code instead of files: held to the same schemas. */
import { z } from "zod";
import type { Problem } from "../domain/errors.ts";
import type { Passage } from "../domain/knowledge.ts";
import { type Persona, type PersonaInput, personaSchema, slugSchema } from "../domain/persona.ts";
import { describe, MAX_PROBLEMS, type Parsed, sortProblems } from "../domain/problem-words.ts";
import { check, problemAt } from "../domain/schema-check.ts";
import type { Source } from "../domain/yaml-source.ts";

const text = z.string().regex(/\S/);

const passageSchema = z.strictObject({
  id: text.describe("Unique; what citations name."),
  title: text,
  category: slugSchema,
  text,
  personas: z
    .array(slugSchema)
    .min(1)
    .readonly()
    .optional()
    .describe("Ids of the only personas that may find it. Default: everyone."),
});

const partsSchema = z.strictObject({
  personas: z.array(personaSchema).default([]),
  passages: z.array(passageSchema).default([]),
});

/** A passage of the knowledge base as code writes it. */
export type PassageInput = z.input<typeof passageSchema>;

/** What a scenario in memory may name. */
export interface ScenarioParts {
  /** The cast's ids are looked for here. Default: none. */
  personas?: readonly PersonaInput[] | undefined;
  /** The knowledge base. Default: none. */
  passages?: readonly PassageInput[] | undefined;
}

/** The parts with their defaults filled in, or every problem of them. */
export function checkParts(source: Source): Parsed<{ personas: Persona[]; passages: Passage[] }> {
  const parts = check(partsSchema, source);
  const repeated = [...repeats(source, "personas"), ...repeats(source, "passages")];
  if (!parts.ok || repeated.length > 0) {
    return { ok: false, problems: sortProblems([...(parts.ok ? [] : parts.problems), ...repeated]) };
  }
  const passages = parts.value.passages.map(({ personas, ...passage }) => ({
    ...passage,
    ...(personas ? { personas } : {}),
  }));
  return { ok: true, value: { personas: parts.value.personas, passages } };
}

/** The ids of a list that may be wrong in any way, in its order; undefined where there is none. */
export function looseIds(list: unknown): (string | undefined)[] {
  const entries: unknown[] = Array.isArray(list) ? list : [];
  return entries.map((entry) => {
    const { id } = (entry ?? {}) as { id?: unknown };
    return typeof id === "string" ? id : undefined;
  });
}

function repeats(source: Source, key: "personas" | "passages"): Problem[] {
  const ids = looseIds((source.data as ScenarioParts)[key]);
  const firstAt = new Map<string, number>();
  return ids
    .flatMap((id, index) => {
      const first = id === undefined ? undefined : firstAt.get(id);
      if (id !== undefined && first === undefined) firstAt.set(id, index);
      return first === undefined ? [] : [{ id, index, first }];
    })
    .slice(0, MAX_PROBLEMS)
    .map(({ id, index, first }) => {
      const words = {
        expected: "each id once",
        got: `${describe(id)} again`,
        hint: `first at ${key}[${first}]`,
      };
      return problemAt(source, [key, index, "id"], words);
    });
}
