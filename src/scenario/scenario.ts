/** Loads a scenario and resolves what it names: the personas of its cast and its knowledge base. */
import { dirname, join, win32 } from "node:path";
import type { Problem } from "../domain/errors.ts";
import type { Passage } from "../domain/knowledge.ts";
import { type Persona, SLUG_PATTERN } from "../domain/persona.ts";
import {
  createNearHints,
  describe,
  listNames,
  MAX_PROBLEMS,
  type Parsed,
  type Path,
  sortProblems,
} from "../domain/problem-words.ts";
import { type ScenarioFile, type ScenarioInput, scenarioSchema } from "../domain/scenario.ts";
import { check, problemAt } from "../domain/schema-check.ts";
import { type Notice, SECRET_POLICIES, type SecretPolicy } from "../domain/screening.ts";
import { readValue, readYaml, type Source } from "../domain/yaml-source.ts";
import { createFileScreening, screenSource } from "../guard/source-screening.ts";
import { nameProblems } from "./file-name.ts";
import { readKnowledge } from "./knowledge.ts";
import { checkParts, looseIds, type ScenarioParts } from "./parts.ts";
import { personaFiles, readPersona } from "./personas.ts";
import { shippedFolder } from "./shipped-folder.ts";
import { isFolder, readText, valueOrThrow } from "./text-file.ts";

/** A scenario ready to run: the cast are personas, the knowledge base is its passages. */
export interface Scenario extends Omit<ScenarioFile, "cast" | "knowledge"> {
  cast: Persona[];
  /** Empty: there is no knowledge base. */
  passages: Passage[];
  /** Secrets in these texts that were removed or let pass, as `screening.secrets` wanted it. */
  notices: Notice[];
}

/** Where a scenario's personas are looked for. */
export interface ScenarioOptions {
  /**
   * Folder of the personas. Default: the first that exists of `personas` in the scenario's own folder and
   * `../personas` beside that folder; else the shipped ones. Only one folder is searched.
   */
  personas?: string | undefined;
}

/** What a scenario's names stand for. */
interface Named {
  /** By id; undefined for one that exists but has problems of its own. No map: nobody knows who exists. */
  personas: ReadonlyMap<string, Persona | undefined> | undefined;
  /** Where the personas were looked for; undefined: in memory. */
  folder?: string;
  passages: readonly Passage[];
  notices: readonly Notice[];
}

/**
 * Loads a scenario file with the personas and the knowledge base it names.
 * @throws InvalidFilesError with every problem of all these files.
 */
export function loadScenario(file: string, options: ScenarioOptions = {}): Scenario {
  return valueOrThrow(readScenario(file, options));
}

/** The scenario of a file, or every problem of it and of the files it names. */
export function readScenario(file: string, options: ScenarioOptions = {}): Parsed<Scenario> {
  const text = readText(file);
  return text.ok ? parseScenario(text.value, file, options) : text;
}

export function parseScenario(text: string, file: string, options: ScenarioOptions = {}): Parsed<Scenario> {
  return checkScenario(readYaml(text, file), options);
}

/** The same for a file's content that was read already, or changed since. */
export function checkScenario(read: Source, options: ScenarioOptions = {}): Parsed<Scenario> {
  const { file } = read;
  const screening = createFileScreening(loosePolicy(read.data));
  const { source, problems: unsafe } = screenSource(read, screening);
  const { cast, knowledge } = looseParts(source.data);
  const problems = [...unsafe, ...nameProblems(source, "scenario")];
  const keep = <T>(parsed: Parsed<T>): T | undefined => {
    if (parsed.ok) return parsed.value;
    problems.push(...parsed.problems);
    return undefined;
  };

  const folder = options.personas ?? personasFolder(file);
  const ids = new Set(cast.filter((entry) => typeof entry === "string"));
  const files = ids.size > 0 ? keep(personaFiles(folder)) : undefined;
  const personas = files && new Map<string, Persona | undefined>();
  for (const [id, personaFile] of files ?? []) {
    personas?.set(id, ids.has(id) ? keep(readPersona(personaFile, screening)) : undefined);
  }

  let passages: Passage[] = [];
  if (knowledge !== undefined) {
    const base = join(dirname(file), knowledge);
    // Windows' rule holds for all systems' absolute paths: a scenario means the same on every machine.
    if (!win32.isAbsolute(knowledge) && isFolder(base)) passages = keep(readKnowledge(base, screening)) ?? [];
    else {
      const words = { expected: "a folder, relative to this file", got: describe(knowledge) };
      problems.push(problemAt(source, ["knowledge"], words));
    }
  }
  return resolveNames(source, { personas, folder, passages, notices: screening.notices }, problems);
}

/** The first of these folders that exists: an author's own personas replace the shipped ones as a whole. */
export function personasFolder(file: string): string {
  const own = ["personas", "../personas"].map((folder) => join(dirname(file), folder));
  return own.find(isFolder) ?? shippedFolder("personas");
}

/**
 * The same for embedders who hold everything in memory; reads no file. `knowledge` names a folder and has no
 * place here: pass the passages.
 * @throws InvalidFilesError with every problem of the scenario and its parts, in the file `<scenario>`.
 */
export function resolveScenario(input: ScenarioInput, parts: ScenarioParts = {}): Scenario {
  const screening = createFileScreening(loosePolicy(input));
  const { source, problems: unsafe } = screenSource(readValue(input, "<scenario>"), screening);
  const { personas, passages } = parts;
  const screenedParts = screenSource(readValue({ personas, passages }, "<scenario>"), screening);
  const checked = checkParts(screenedParts.source);
  const problems = [...unsafe, ...screenedParts.problems, ...(checked.ok ? [] : checked.problems)];
  const { knowledge } = looseParts(source.data);
  if (knowledge !== undefined && !passages?.length) {
    const words = { expected: "passages instead", got: describe(knowledge) };
    problems.push(problemAt(source, ["knowledge"], { ...words, hint: "loadKnowledge(folder) gives them" }));
  }
  const byId = new Map<string, Persona | undefined>();
  for (const [index, id] of looseIds(personas).entries()) {
    if (id !== undefined) byId.set(id, checked.ok ? checked.value.personas[index] : undefined);
  }
  const found = checked.ok ? checked.value.passages : [];
  const named = { personas: byId, passages: found, notices: screening.notices };
  return valueOrThrow(resolveNames(source, named, problems));
}

/** Schema first, then the names; the problems of both after those that came before. */
function resolveNames(source: Source, named: Named, earlier: readonly Problem[]): Parsed<Scenario> {
  const parsed = check(scenarioSchema, source);
  const own = [...(parsed.ok ? [] : parsed.problems), ...castProblems(source, named)];
  if (!parsed.ok || own.length + earlier.length > 0) {
    return { ok: false, problems: sortProblems([...own, ...earlier]) };
  }
  const { cast, knowledge: _, ...rest } = parsed.value;
  const whole = cast
    .map((entry) => (typeof entry === "string" ? named.personas?.get(entry) : entry))
    .filter((persona) => persona !== undefined);
  const { passages, notices } = named;
  return { ok: true, value: { ...rest, cast: whole, passages: [...passages], notices: [...notices] } };
}

/** What the schema cannot know: ids that name nobody, ids twice, categories that do not exist. */
function castProblems(source: Source, { personas, folder, passages }: Named): Problem[] {
  const known = [...(personas?.keys() ?? [])];
  const categories = new Set(passages.map(({ category }) => category).sort());
  const near = createNearHints();
  const firstAt = new Map<string, number>();
  const problems: Problem[] = [];
  for (const [index, entry] of looseParts(source.data).cast.entries()) {
    if (problems.length >= MAX_PROBLEMS) break;
    const expect = (path: Path, expected: string, got: string, hint?: string) =>
      problems.push(problemAt(source, ["cast", index, ...path], { expected, got, hint }));
    const isId = typeof entry === "string";
    const id = isId ? entry : entry.id;
    if (typeof id !== "string" || !SLUG_PATTERN.test(id)) continue;
    const idPath = isId ? [] : ["id"];
    if (isId && personas && !personas.has(id)) {
      const where = folder === undefined ? "" : ` in ${folder}`;
      const hint = near(id, known) ?? `known: ${listNames(known)}`;
      expect(idPath, `the id of a persona${where}`, describe(id), hint);
    }
    const first = firstAt.get(id);
    if (first === undefined) firstAt.set(id, index);
    else expect(idPath, "each persona once", `${describe(id)} again`, `first at cast[${first}]`);

    const wanted = isId ? personas?.get(id)?.knowledge : entry.knowledge;
    for (const [at, category] of (Array.isArray(wanted) ? wanted : []).entries()) {
      if (categories.size === 0 || categories.has(category) || problems.length >= MAX_PROBLEMS) continue;
      const expected = `a category of the knowledge base (${listNames([...categories])})`;
      const got = describe(category) + (isId ? `, which ${id} searches` : "");
      expect(isId ? [] : ["knowledge", at], expected, got, near(String(category), [...categories]));
    }
  }
  return problems;
}

/** The policy that data of any shape sets; a wrong one is the schema's to report. */
function loosePolicy(data: unknown): SecretPolicy {
  const { screening } = (data ?? {}) as { screening?: { secrets?: unknown } | null };
  return SECRET_POLICIES.find((policy) => policy === screening?.secrets) ?? "block";
}

/** The parts that name other files, of data that may be wrong in any way. */
function looseParts(data: unknown) {
  const { cast, knowledge } = (data ?? {}) as { cast?: unknown; knowledge?: unknown };
  const entries: unknown[] = Array.isArray(cast) ? cast : [];
  return {
    cast: entries.map((entry) =>
      typeof entry === "string" ? entry : ((entry ?? {}) as { id?: unknown; knowledge?: unknown }),
    ),
    knowledge: typeof knowledge === "string" && knowledge.trim() !== "" ? knowledge.trim() : undefined,
  };
}
