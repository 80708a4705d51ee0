/** Loads personas: one YAML file each, named after the persona's id. */
import { join } from "node:path";
import type { Problem } from "../domain/errors.ts";
import { type Persona, personaSchema } from "../domain/persona.ts";
import { type Parsed, sortProblems } from "../domain/problem-words.ts";
import { check } from "../domain/schema-check.ts";
import { readYaml } from "../domain/yaml-source.ts";
import { createFileScreening, screenSource } from "../guard/source-screening.ts";
import { fileId, nameProblems } from "./file-name.ts";
import { isYaml, readFolder, readText, refused, valueOrThrow } from "./text-file.ts";

/**
 * Loads one persona.
 * @throws InvalidFilesError with every problem of the file.
 */
export function loadPersona(file: string): Persona {
  return valueOrThrow(readPersona(file));
}

/**
 * Loads every persona of a folder (`*.yaml`, `*.yml`; sub-folders are not read), in the order of their ids.
 * @throws InvalidFilesError with every problem of all files.
 */
export function loadPersonas(folder: string): Persona[] {
  const files = valueOrThrow(personaFiles(folder));
  const problems: Problem[] = [];
  const personas: Persona[] = [];
  for (const file of files.values()) {
    const persona = readPersona(file);
    if (persona.ok) personas.push(persona.value);
    else problems.push(...persona.problems);
  }
  return valueOrThrow(problems.length > 0 ? { ok: false, problems } : { ok: true, value: personas });
}

/** The persona of a file, or every problem of it. */
export function readPersona(file: string, screening = createFileScreening()): Parsed<Persona> {
  const text = readText(file);
  return text.ok ? parsePersona(text.value, file, screening) : text;
}

export function parsePersona(text: string, file: string, screening = createFileScreening()): Parsed<Persona> {
  const { source, problems } = screenSource(readYaml(text, file), screening);
  const persona = check(personaSchema, source);
  const others = [...problems, ...nameProblems(source, "persona")];
  if (others.length === 0) return persona;
  return { ok: false, problems: sortProblems([...(persona.ok ? [] : persona.problems), ...others]) };
}

/** The files of a folder of personas, by id. */
export function personaFiles(folder: string): Parsed<Map<string, string>> {
  const entries = readFolder(folder);
  if (!entries.ok) return entries;
  const files = new Map<string, string>();
  const problems: Problem[] = [];
  for (const { name } of entries.value.filter((entry) => isYaml(entry.name))) {
    const file = join(folder, name);
    const id = fileId(name);
    const earlier = files.get(id);
    if (earlier)
      problems.push({ file, path: "", expected: "one file for each persona", got: `also ${earlier}` });
    else files.set(id, file);
  }
  if (files.size === 0) {
    return refused({ file: folder, path: "", expected: "at least one persona (*.yaml)", got: "none" });
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: files };
}
