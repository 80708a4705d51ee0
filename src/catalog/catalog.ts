/** The catalog: which models there are, what they cost, and the rules that choose between them. */
import { readFileSync, statSync } from "node:fs";
import type { z } from "zod";
import { DramatisError, InvalidFilesError, type Problem } from "../domain/errors.ts";
import {
  catalogSchema,
  type ModelInfo,
  type modelInfoSchema,
  type SelectionRule,
  type selectionRuleSchema,
} from "../domain/model-info.ts";
import {
  createNearHints,
  describe,
  listNames,
  MAX_PROBLEMS,
  type Parsed,
  sortProblems,
} from "../domain/problem-words.ts";
import { check, problemAt } from "../domain/schema-check.ts";
import { decodeText, MAX_FILE_BYTES, readValue, readYaml, type Source } from "../domain/yaml-source.ts";

/** Models with their prices and limits, and the rules that choose between them. */
export interface Catalog {
  /** By id, in the order of the files; without dated snapshots, unless they have an entry of their own. */
  readonly models: ReadonlyMap<string, ModelInfo>;
  /** First match wins; the last one always matches. */
  readonly selection: readonly SelectionRule[];
  /**
   * The entry of a model, if it has one. A dated snapshot (`gpt-4.1-2025-04-14`) has its base model's entry under
   * its own id.
   */
  find(id: string): ModelInfo | undefined;
  /**
   * The same for a model that must be there.
   * @throws DramatisError `unknown-name`, with near names.
   */
  model(id: string): ModelInfo;
}

type ModelFields = z.input<typeof modelInfoSchema>;

/** A model of one's own, or the fields of a known one that differ. */
export interface ModelChanges extends Partial<Omit<ModelFields, "price">> {
  price?: Partial<NonNullable<ModelFields["price"]>> | undefined;
}

/** What a catalog file says, as a value. */
export interface CatalogInput {
  models?: Readonly<Record<string, ModelChanges>> | undefined;
  /** Replaces the default rules. */
  selection?: readonly z.input<typeof selectionRuleSchema>[] | undefined;
}

/** A dated snapshot's name: the base model's, then the day. */
const SNAPSHOT = /^(.+)-\d{4}-\d{2}-\d{2}$/;
const baseOf = (id: string) => SNAPSHOT.exec(id)?.[1] ?? id;

/**
 * The models that come with the package, extended and overridden field by field by a file of the user's own.
 * @throws InvalidFilesError with every problem of that file.
 */
export function loadCatalog(userFile?: string): Catalog {
  return userFile === undefined ? resolveCatalog({}) : valueOrThrow(readCatalog(userFile));
}

/**
 * The same for embedders who hold their models in memory.
 * @throws InvalidFilesError whose problems stand in the file `<catalog>`.
 */
export function resolveCatalog(input: CatalogInput): Catalog {
  return valueOrThrow(overlaid(readValue(input, "<catalog>")));
}

/** A user's catalog laid over the one that comes with the package, or every problem of it. */
export function parseCatalog(text: string, file: string): Parsed<Catalog> {
  return overlaid(readYaml(text, file));
}

/** How catalog files are recognised and checked; for `checkFiles`. */
export const catalogFileKind = { schema: catalogSchema, parse: parseCatalog };

function valueOrThrow(parsed: Parsed<Catalog>): Catalog {
  if (!parsed.ok) throw new InvalidFilesError(parsed.problems);
  return parsed.value;
}

function readCatalog(file: string): Parsed<Catalog> {
  const refuse = (expected: string, got: string): Parsed<Catalog> => ({
    ok: false,
    problems: [{ file, path: "", expected, got }],
  });
  try {
    // Before anything is read: a pipe would wait for a writer, a device like /dev/zero never ends.
    const stats = statSync(file);
    if (stats.isDirectory()) return refuse("a catalog file", "a folder");
    if (!stats.isFile()) return refuse("a catalog file", "a device or a pipe");
    if (stats.size > MAX_FILE_BYTES) return refuse(`at most ${MAX_FILE_BYTES} bytes`, `${stats.size} bytes`);
    const text = decodeText(readFileSync(file), file);
    return text.ok ? parseCatalog(text.value, file) : text;
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return refuse("a catalog that may be read", error.code === "ENOENT" ? "nothing" : String(error.code));
  }
}

let shipped: Source | undefined;

/** The catalog that comes with the package, read when it is first needed. */
function shippedData(): unknown {
  shipped ??= readYaml(shippedText(), "models.yaml");
  return shipped.data;
}

function shippedText(): string {
  try {
    return readFileSync(new URL("./models.yaml", import.meta.url), "utf8");
  } catch (cause) {
    const message =
      "The models.yaml of the package is not beside its code, where a bundler leaves it behind. Keep the package out of the bundle: esbuild --external:dramatis";
    throw new DramatisError("invalid-file", message, { cause });
  }
}

function overlaid(source: Source): Parsed<Catalog> {
  const base = shippedData();
  const merged = check(catalogSchema, { ...source, data: overlay(base, source.data) });
  // The data may be incomplete here, so the names of the rules are checked in whatever is there.
  const models = merged.ok ? merged.value.models : { ...modelsOf(base), ...modelsOf(source.data) };
  const problems = [...(merged.ok ? [] : merged.problems), ...ruleProblems(source, Object.keys(models))];
  if (!merged.ok || problems.length > 0) return { ok: false, problems: sortProblems(problems) };
  return { ok: true, value: createCatalog(merged.value.models, merged.value.selection ?? []) };
}

function createCatalog(entries: Record<string, Omit<ModelInfo, "id">>, selection: SelectionRule[]): Catalog {
  const models = new Map(Object.entries(entries).map(([id, entry]) => [id, { ...entry, id }]));
  const find = (id: string): ModelInfo | undefined => {
    const entry = models.get(id) ?? models.get(baseOf(id));
    return entry && { ...entry, id };
  };
  return {
    models,
    selection,
    find,
    model(id) {
      const entry = find(id);
      if (entry) return entry;
      const { expected, got, hint } = unknownModel(id, [...models.keys()], createNearHints());
      throw new DramatisError("unknown-name", `expected ${expected}, got ${got} (${hint})`);
    },
  };
}

const unknownModel = (id: string, known: readonly string[], near: ReturnType<typeof createNearHints>) => ({
  expected: "a model of the catalog",
  got: describe(id),
  hint: near(id, known) ?? `known: ${listNames(known)}`,
});

type Mapping = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Mapping =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const modelsOf = (data: unknown): Mapping => (isMapping(data) && isMapping(data.models) ? data.models : {});

/**
 * Mappings are joined key by key, all levels down; anything else of `over` takes the place of `base`. Undefined, which
 * only values from code hold, changes nothing.
 */
function overlay(base: unknown, over: unknown): unknown {
  if (!isMapping(base) || !isMapping(over)) return over;
  const joined = Object.entries(over)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key, overlay(base[key], value)]);
  return { ...base, ...Object.fromEntries(joined) };
}

/** What the schema cannot know of a user's rules: models that do not exist, and that some rule must always match. */
function ruleProblems(source: Source, known: readonly string[]): Problem[] {
  const rules = isMapping(source.data) ? source.data.selection : undefined;
  if (!Array.isArray(rules)) return [];
  const names = new Set(known);
  const near = createNearHints();
  const problems = rules
    .map((rule: unknown, index) => ({ use: isMapping(rule) ? rule.use : undefined, index }))
    .filter(({ use }) => typeof use === "string" && !names.has(use) && !names.has(baseOf(use)))
    .slice(0, MAX_PROBLEMS)
    .map(({ use, index }) =>
      problemAt(source, ["selection", index, "use"], unknownModel(String(use), known, near)),
    );
  const last: unknown = rules.at(-1);
  const when = isMapping(last) ? last.when : undefined;
  if (last !== undefined && !(isMapping(when) && Object.keys(when).length > 0)) return problems;
  const expected = "a last rule without `when`, for whatever the others leave";
  const words = { expected, got: last === undefined ? "an empty list" : describe(when) };
  return [...problems, problemAt(source, ["selection", ...(last ? [rules.length - 1] : [])], words)];
}
