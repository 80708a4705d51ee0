/** Checks files of every kind and reports all problems of all of them; nothing is thrown. */
import { basename, dirname, join } from "node:path";
import type { z } from "zod";
import type { Problem } from "../domain/errors.ts";
import { personaSchema } from "../domain/persona.ts";
import { type Parsed, sortProblems } from "../domain/problem-words.ts";
import { scenarioSchema } from "../domain/scenario.ts";
import type { Notice } from "../domain/screening.ts";
import { readYaml } from "../domain/yaml-source.ts";
import { parseDocument, readKnowledge } from "./knowledge.ts";
import { parsePersona } from "./personas.ts";
import { parseScenario } from "./scenario.ts";
import { isFolder, isYaml, readFolder, readText } from "./text-file.ts";

/** The folders of a project that hold such files. */
export const USUAL_FOLDERS = ["scenarios", "personas", "knowledge", "experiments"] as const;

/** A kind of YAML file: how to recognise it and how to check it. */
export interface FileKind {
  /** A file whose top-level keys are mostly this schema's is of this kind. */
  schema: z.ZodObject;
  parse(text: string, file: string): Parsed<unknown>;
}

type Kinds = Readonly<Record<string, FileKind>>;

/** Told what the screening of a scenario lets pass: secrets that a run would send, or replace. */
type OnNotice = (notice: Notice) => void;

const ownKinds = (onNotice: OnNotice | undefined): Kinds => ({
  persona: { schema: personaSchema, parse: parsePersona },
  scenario: {
    schema: scenarioSchema,
    parse(text, file) {
      const parsed = parseScenario(text, file);
      if (parsed.ok) for (const notice of parsed.value.notices) onNotice?.(notice);
      return parsed;
    },
  },
});

/**
 * Every problem of the files, in their order; none: all are good. A folder is checked as the YAML files in it; where it
 * has none, as a project with scenarios/ or personas/, or else as a knowledge base. `moreKinds` adds kinds to persona and scenario, by name.
 */
export function checkFiles(files: readonly string[], moreKinds: Kinds = {}, onNotice?: OnNotice): Problem[] {
  const kinds = { ...ownKinds(onNotice), ...moreKinds };
  const problems = files.flatMap((file) =>
    isFolder(file) ? checkFolder(file, kinds) : checkFile(file, kinds),
  );
  return sortProblems(problems);
}

function checkFolder(folder: string, kinds: Kinds): Problem[] {
  const entries = readFolder(folder);
  if (!entries.ok) return entries.problems;
  const yamlFiles = entries.value.filter(({ name }) => isYaml(name)).map(({ name }) => join(folder, name));
  if (yamlFiles.length > 0) return yamlFiles.flatMap((file) => checkFile(file, kinds));
  return isProject(folder)
    ? USUAL_FOLDERS.map((name) => join(folder, name))
        .filter(isFolder)
        .flatMap((part) => checkFolder(part, kinds))
    : problemsOf(readKnowledge(folder));
}

/** A knowledge base may have a category of such a name, but no YAML file in it. */
function isProject(folder: string): boolean {
  return ["scenarios", "personas"].some((name) => {
    const part = join(folder, name);
    const entries = isFolder(part) ? readFolder(part) : undefined;
    return entries?.ok === true && entries.value.some((entry) => isYaml(entry.name));
  });
}

function checkFile(file: string, kinds: Kinds): Problem[] {
  const text = readText(file);
  if (!text.ok) return text.problems;
  if (file.endsWith(".md")) return problemsOf(parseDocument(text.value, file, basename(dirname(file))));
  if (!isYaml(file)) {
    return [{ file, path: "", expected: "a file *.yaml, *.yml or *.md", got: `"${basename(file)}"` }];
  }
  const kind = kindOf(text.value, file, kinds);
  if (kind) return problemsOf(kind.parse(text.value, file));
  const { problems } = readYaml(text.value, file);
  if (problems.length > 0) return [...problems];
  const expected = `the keys of a ${Object.keys(kinds).join(" or ")}`;
  return [{ file, path: "", expected, got: "none of them" }];
}

/** The kind that the file's own `$schema` comment names, else the one that shares most of its top-level keys. */
function kindOf(text: string, file: string, kinds: Kinds): FileKind | undefined {
  const schema = /^# yaml-language-server: \$schema=(\S+)/m.exec(text)?.[1];
  const named = schema && basename(schema, ".schema.json");
  if (named !== undefined && Object.hasOwn(kinds, named)) return kinds[named];
  const { data } = readYaml(text, file);
  const keys = typeof data === "object" && data !== null ? Object.keys(data) : [];
  const ranked = Object.values(kinds)
    .map((kind) => ({ kind, shared: keys.filter((key) => key in kind.schema.shape).length }))
    .sort((a, b) => b.shared - a.shared);
  return ranked[0]?.shared ? ranked[0].kind : undefined;
}

const problemsOf = (parsed: Parsed<unknown>) => (parsed.ok ? [] : parsed.problems);
