/** The catalog: which models there are, what they cost, and the rules that choose between them. */
import { readFileSync } from "node:fs";
import { DramatisError, InvalidFilesError, type Problem } from "../domain/errors.ts";
import { catalogSchema, type ModelInfo, type SelectionRule } from "../domain/model-info.ts";
import { nearNames } from "../domain/near-names.ts";
import {
  check,
  decodeText,
  describe,
  didYouMean,
  type Parsed,
  problemAt,
  readYaml,
  type Source,
  sortProblems,
} from "../domain/yaml-file.ts";

export interface Catalog {
  /** By id, in the order of the files. */
  readonly models: ReadonlyMap<string, ModelInfo>;
  /** First match wins; the last one always matches. */
  readonly selection: readonly SelectionRule[];
  /**
   * The entry of a model. A dated snapshot (`gpt-4.1-2025-04-14`) has its base model's entry under its own id.
   * @throws DramatisError `unknown-name`, with near names.
   */
  model(id: string): ModelInfo;
}

/** A dated snapshot's name: the base model's, then the day. */
const SNAPSHOT = /^(.+)-\d{4}-\d{2}-\d{2}$/;

/**
 * The models that come with the package, extended and overridden field by field by a file of the user's own.
 * @throws InvalidFilesError with every problem of that file.
 */
export function loadCatalog(userFile?: string): Catalog {
  const parsed = userFile === undefined ? parseCatalog("{}", "<none>") : readCatalog(userFile);
  if (!parsed.ok) throw new InvalidFilesError(parsed.problems);
  return parsed.value;
}

function readCatalog(file: string): Parsed<Catalog> {
  try {
    const text = decodeText(readFileSync(file), file);
    return text.ok ? parseCatalog(text.value, file) : text;
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    const got = error.code === "ENOENT" ? "nothing" : String(error.code);
    return { ok: false, problems: [{ file, path: "", expected: "a catalog that may be read", got }] };
  }
}

/** A user's catalog laid over the one that comes with the package, or every problem of it. */
export function parseCatalog(text: string, file: string): Parsed<Catalog> {
  const shippedFile = new URL("./models.yaml", import.meta.url);
  const shipped = readYaml(readFileSync(shippedFile, "utf8"), "models.yaml");
  const source = readYaml(text, file);
  const merged = check(catalogSchema, { ...source, data: overlay(shipped.data, source.data) });
  // The data may be incomplete here, so the names of the rules are checked in whatever is there.
  const known = Object.keys(
    merged.ok ? merged.value.models : { ...modelsOf(shipped.data), ...modelsOf(source.data) },
  );
  const problems = [...(merged.ok ? [] : merged.problems), ...ruleProblems(source, known)];
  if (!merged.ok || problems.length > 0) return { ok: false, problems: sortProblems(problems) };
  const { models, selection = [] } = merged.value;
  return { ok: true, value: createCatalog(models, selection) };
}

/** How catalog files are recognised and checked; for `checkFiles`. */
export const catalogFileKind = { schema: catalogSchema, parse: parseCatalog };

function createCatalog(entries: Record<string, Omit<ModelInfo, "id">>, selection: SelectionRule[]): Catalog {
  const models = new Map(Object.entries(entries).map(([id, entry]) => [id, { ...entry, id }]));
  return {
    models,
    selection,
    model(id) {
      const entry = models.get(id) ?? models.get(SNAPSHOT.exec(id)?.[1] ?? "");
      if (entry) return { ...entry, id };
      const known = [...models.keys()];
      const hint = didYouMean(nearNames(id, known)) ?? `known: ${known.join(", ")}`;
      const expected = "expected a model of the catalog";
      throw new DramatisError("unknown-name", `${expected}, got ${describe(id)} (${hint})`);
    },
  };
}

type Mapping = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Mapping =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const modelsOf = (data: unknown): Mapping => (isMapping(data) && isMapping(data.models) ? data.models : {});

/** Mappings are joined key by key, all levels down; anything else of `over` takes the place of `base`. */
function overlay(base: unknown, over: unknown): unknown {
  if (!isMapping(base) || !isMapping(over)) return over;
  const joined = Object.entries(over).map(([key, value]) => [key, overlay(base[key], value)]);
  return { ...base, ...Object.fromEntries(joined) };
}

/** What the schema cannot know of a user's rules: models that do not exist, and that some rule must always match. */
function ruleProblems(source: Source, known: readonly string[]): Problem[] {
  const rules = isMapping(source.data) ? source.data.selection : undefined;
  if (!Array.isArray(rules)) return [];
  const unknownModels = rules.flatMap((rule: unknown, index) => {
    const use = isMapping(rule) ? rule.use : undefined;
    if (typeof use !== "string" || known.includes(SNAPSHOT.exec(use)?.[1] ?? use)) return [];
    const hint = didYouMean(nearNames(use, known)) ?? `known: ${known.join(", ")}`;
    const words = { expected: "a model of the catalog", got: describe(use), hint };
    return [problemAt(source, ["selection", index, "use"], words)];
  });
  const last: unknown = rules.at(-1);
  const when = isMapping(last) ? last.when : undefined;
  if (last !== undefined && !(isMapping(when) && Object.keys(when).length > 0)) return unknownModels;
  const expected = "a last rule without `when`, for whatever the others leave";
  const words = { expected, got: last === undefined ? "an empty list" : describe(when) };
  return [...unknownModels, problemAt(source, ["selection", ...(last ? [rules.length - 1] : [])], words)];
}
