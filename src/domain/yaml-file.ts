/** Reads YAML against a schema and says of every mistake where it is, what was expected and what came. Pure. */

import * as yaml from "yaml";
import { z } from "zod";
import type { Problem } from "./errors.ts";
import { nearNames } from "./near-names.ts";
import { SLUG_PATTERN } from "./persona.ts";

export type Path = readonly PropertyKey[];
export type Parsed<T> = { ok: true; value: T } | { ok: false; problems: Problem[] };

/** Files of this product are written by hand; a larger one is a mistake (and would take long to parse). */
export const MAX_FILE_BYTES = 1_000_000;
/** Repeats that aliases may cause; more is an attack ("billion laughs"). */
const MAX_ALIASES = 100;
/** Nobody reads more problems of one file. */
const MAX_PROBLEMS = 1000;

/** A document that was read: its data, which may still be wrong, and where each part of it stands. */
export interface Source {
  file: string;
  data: unknown;
  /** What is wrong with the text itself. */
  problems: readonly Problem[];
  /** From this line on the data cannot be trusted, because the text is damaged. */
  damagedFrom?: number | undefined;
  /** Position of the value at a path, or of its key; of the nearest parent when there is none. */
  locate(path: Path, part?: "value" | "key"): Pick<Problem, "line" | "column">;
}

/** The text of a file, or why it is none: too large, not UTF-8. A byte-order mark is dropped. */
export function decodeText(bytes: Uint8Array, file: string): Parsed<string> {
  const refuse = (words: Omit<Problem, "file" | "path">): Parsed<string> => {
    return { ok: false, problems: [{ file, path: "", ...words }] };
  };
  if (bytes.length > MAX_FILE_BYTES) {
    return refuse({ expected: `at most ${MAX_FILE_BYTES} bytes`, got: `${bytes.length} bytes` });
  }
  try {
    return { ok: true, value: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    const before = new TextDecoder().decode(bytes).split("\uFFFD")[0] ?? "";
    const line = before.split("\n").length;
    return refuse({ line, expected: "UTF-8 text", got: "other bytes", hint: "save the file as UTF-8" });
  }
}

/** Errors after which the parser still understands the rest of the text. */
const HARMLESS = new Set(["TAB_AS_INDENT", "BAD_SCALAR_START", "BAD_DQ_ESCAPE", "TAG_RESOLVE_FAILED"]);

/** Better words than the parser's own for the mistakes people make most. */
const SYNTAX: Readonly<Record<string, Partial<Problem>>> = {
  TAB_AS_INDENT: { expected: "spaces as indentation", got: "a tab", hint: "replace it by spaces" },
  MULTIPLE_DOCS: { expected: "one document", got: "a second one", hint: "remove the line `---`" },
  BLOCK_AS_IMPLICIT_KEY: { hint: "put text that contains `: ` in quotes, or check the indentation" },
  BAD_SCALAR_START: { hint: "put text that starts with a special character in quotes" },
};

/** Reads YAML text; never throws. */
export function readYaml(text: string, file: string): Source {
  try {
    return readDocument(text.replace(/^\uFEFF/, ""), file);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the stack is full: too many levels
    const problem = { file, path: "", expected: "fewer nested levels", got: "more than can be read" };
    return { ...readValue(undefined, file), problems: [problem], damagedFrom: 1 };
  }
}

/** The same for a value that came from code: there are no positions. */
export function readValue(data: unknown, file: string): Source {
  return { file, data, problems: [], locate: () => ({}) };
}

function readDocument(text: string, file: string): Source {
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "error",
    stringKeys: true,
    uniqueKeys: false, // checked below: the parser's own check takes a minute on a large file
  });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const start = (node: yaml.Node | null | undefined) => place(node?.range?.[0] ?? 0);

  const problems: Problem[] = [];
  let damagedFrom: number | undefined;
  const textLines = text.split("\n");
  const told = new Set<number>(); // one mistake often makes several errors on its line: the first says it best
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    const { line, column } = place(pos[0]);
    if (!HARMLESS.has(code)) damagedFrom = Math.min(line, damagedFrom ?? line);
    if (told.has(line)) continue;
    told.add(line);
    const got = describe(textLines[line - 1]?.trim() ?? "");
    const words = { expected: "valid YAML", got, hint: message, ...SYNTAX[code] };
    problems.push({ file, line, column, path: "", ...words });
  }

  const { pairs, targets, faults } = inspect(document);
  for (const { node, path, got, first } of faults) {
    const words = first
      ? { expected: "this key once", got, hint: `first on line ${start(first).line}` }
      : { expected: "an alias of an earlier value", got };
    problems.push({ file, ...start(node), path: pathText(path), ...words });
  }

  let data: unknown;
  try {
    const isSound = faults.every(({ first }) => first !== undefined);
    if (isSound) data = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    problems.push({ file, path: "", expected: `at most ${MAX_ALIASES} repeats by aliases`, got: "more" });
  }
  if (data === undefined) damagedFrom = 1;

  const locate: Source["locate"] = (path, part = "value") => {
    let node: unknown = document.contents;
    let found = start(document.contents);
    for (const step of path) {
      node = targets.get(node) ?? node;
      const pair = pairs.get(node)?.get(String(step));
      const child = pair ?? (yaml.isSeq(node) ? node.items[Number(step)] : undefined);
      if (child === undefined) return found;
      node = pair ? pair.value : child;
      // A list or mapping begins on the line below its key, an empty value nowhere: the key is what people see.
      const isSeen = yaml.isAlias(node) || (yaml.isScalar(node) && node.value !== null);
      found = start((pair && (part === "key" || !isSeen) ? pair.key : node) as yaml.Node);
    }
    return found;
  };
  return { file, data, problems, damagedFrom, locate };
}

/** One walk over the tree: the pairs of each mapping by key, keys that stand twice, aliases that lead nowhere. */
function inspect(document: yaml.Document.Parsed) {
  const pairs = new Map<unknown, Map<string, yaml.Pair<yaml.Node>>>();
  const faults: { node: yaml.Node; path: Path; got: string; first?: yaml.Node }[] = [];
  const anchors = new Map<string, yaml.Node>();
  const targets = new Map<unknown, yaml.Node>();
  yaml.visit(document, {
    Value(_, node, ancestors) {
      if (node.anchor) anchors.set(node.anchor, node);
      if (!yaml.isMap(node)) return;
      const own = new Map<string, yaml.Pair<yaml.Node>>();
      for (const pair of node.items as yaml.Pair<yaml.Node>[]) {
        const first = own.get(String(pair.key))?.key;
        const path = first ? pathOf([...ancestors, node, pair]) : [];
        if (first) faults.push({ node: pair.key, path, got: "it again", first });
        own.set(String(pair.key), pair); // the last one counts, as in the data
      }
      pairs.set(node, own);
    },
    Alias(_, alias, ancestors) {
      const target = anchors.get(alias.source);
      if (target && !ancestors.some((node) => node === target)) return void targets.set(alias, target);
      const got = `*${alias.source}, which ${target ? "contains itself" : "names nothing"}`;
      faults.push({ node: alias, path: pathOf([...ancestors, alias]), got });
    },
  });
  return { pairs, targets, faults };
}

/** The path of the last of these nodes, each of which holds the next. */
function pathOf(nodes: readonly unknown[]): Path {
  return nodes.flatMap<PropertyKey>((node, index) => {
    if (yaml.isPair(node)) return [String(node.key)];
    return yaml.isSeq(node) ? [node.items.indexOf(nodes[index + 1])] : [];
  });
}

// The check of a value

/** Parses YAML text with a schema: the value, or every problem of the text and of its content. */
export function parseYaml<S extends z.ZodType>(schema: S, text: string, file: string): Parsed<z.output<S>> {
  return check(schema, readYaml(text, file));
}

/** Checks what was read with a schema; all problems at once, in the order of the lines. */
export function check<S extends z.ZodType>(schema: S, source: Source): Parsed<z.output<S>> {
  const { damagedFrom = Number.POSITIVE_INFINITY } = source;
  const parsed = damagedFrom === 1 ? undefined : schema.safeParse(source.data);
  if (parsed?.success && source.problems.length === 0) return { ok: true, value: parsed.data };
  const wrong = parsed?.error ? schemaProblems(schema, parsed.error.issues, source) : [];
  // What seems to be missing may stand in the damaged part, so only earlier values are judged.
  const isTrusted = ({ line = 0, got }: Problem) => line < damagedFrom && got !== "nothing";
  const trusted = wrong.filter((problem) => source.damagedFrom === undefined || isTrusted(problem));
  return { ok: false, problems: sortProblems([...source.problems, ...trusted]).slice(0, MAX_PROBLEMS) };
}

/** By file in the order given, then by line; each problem once. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const unique = [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
  const files = new Map([...new Set(unique.map(({ file }) => file))].map((file, index) => [file, index]));
  const order = ({ file, line = 0 }: Problem) => (files.get(file) ?? 0) * 1e7 + line;
  return unique.sort((a, b) => order(a) - order(b) || (a.column ?? 0) - (b.column ?? 0));
}

/** What to say of a place; see {@link Problem}. */
export type Words = Pick<Problem, "expected" | "got"> & { hint?: string | undefined };

/** A problem at a path of a document. */
export function problemAt(source: Source, path: Path, words: Words, part?: "value" | "key"): Problem {
  const { expected, got, hint } = words;
  const place = { file: source.file, ...source.locate(path, part), path: pathText(path) };
  return { ...place, expected, got, ...(hint === undefined ? {} : { hint }) };
}

function schemaProblems(schema: z.ZodType, issues: readonly z.core.$ZodIssue[], source: Source): Problem[] {
  const root = z.toJSONSchema(schema, { io: "input", target: "draft-7" }) as Shape;
  const flat = issues.flatMap((issue) => unfold(issue, [], source.data));
  const unknownKeysAt = new Set(
    flat.filter(({ code }) => code === "unrecognized_keys").map(({ path }) => pathText(path)),
  );
  return flat.flatMap((issue) => {
    const { path } = issue;
    const shapes = shapesAt(root, path, source.data);
    const value = valueAt(source.data, path);
    if (issue.code === "unrecognized_keys") {
      const known = shapes.flatMap((shape) => Object.keys(shape.properties ?? {}));
      return issue.keys.map((key) => {
        const hint = didYouMean(nearNames(key, known)) ?? `known: ${known.join(", ")}`;
        return problemAt(
          source,
          [...path, key],
          { expected: "a known key", got: describe(key), hint },
          "key",
        );
      });
    }
    // A mistyped key also breaks "exactly one key": one mistake, one problem.
    if (issue.code === "custom" && unknownKeysAt.has(pathText(path))) return [];
    if (issue.code === "invalid_key") {
      return [problemAt(source, path, { expected: "a name", got: describe(path.at(-1)) }, "key")];
    }
    const hint = issue.code === "custom" ? issue.message : hintFor(shapes, value);
    return [problemAt(source, path, { expected: expectation(shapes), got: describe(value), hint })];
  });
}

/** The issues of the union's branch that fits best: the one whose type is right. Paths become absolute. */
function unfold(issue: z.core.$ZodIssue, parent: Path, data: unknown): z.core.$ZodIssue[] {
  const path = [...parent, ...issue.path];
  if (issue.code === "invalid_union") {
    const fitting = issue.errors.filter(
      (branch) => !branch.some((inner) => inner.code === "invalid_type" && inner.path.length === 0),
    );
    const [best] = fitting.sort((a, b) => a.length - b.length);
    if (best) return best.flatMap((inner) => unfold(inner, path, data));
  }
  return [{ ...issue, path }];
}

function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

// The wording of one problem

/** The parts of JSON Schema that zod writes for our schemas; easier to walk than zod's own classes. */
interface Shape {
  $ref?: string;
  definitions?: Record<string, Shape>;
  anyOf?: Shape[];
  oneOf?: Shape[];
  type?: string;
  const?: string;
  enum?: string[];
  properties?: Record<string, Shape>;
  required?: string[];
  additionalProperties?: Shape | boolean;
  items?: Shape;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  minItems?: number;
  maxProperties?: number;
  maxLength?: number;
  pattern?: string;
  description?: string;
}

/** The shapes a value at this path may have: several where there is a union. */
function shapesAt(root: Shape, path: Path, data: unknown): Shape[] {
  const open = (shape: Shape): Shape[] => {
    if (shape.$ref) return open(root.definitions?.[shape.$ref.replace("#/definitions/", "")] ?? {});
    return (shape.anyOf ?? shape.oneOf)?.flatMap(open) ?? [shape];
  };
  let shapes = open(root);
  for (const [depth, step] of path.entries()) {
    const parent = valueAt(data, path.slice(0, depth));
    shapes = fittingConstants(shapes, parent).flatMap((shape) => {
      const rest = typeof shape.additionalProperties === "object" ? shape.additionalProperties : undefined;
      const child = typeof step === "number" ? shape.items : (shape.properties?.[String(step)] ?? rest);
      return child ? open(child) : [];
    });
  }
  return fittingConstants(shapes, valueAt(data, path));
}

/** Of a discriminated union, the branch that the value names; all when it names none. */
function fittingConstants(shapes: Shape[], value: unknown): Shape[] {
  const fits = (shape: Shape) =>
    Object.entries(shape.properties ?? {}).every(
      ([key, child]) => child.const === undefined || valueAt(value, [key]) === child.const,
    );
  const fitting = shapes.filter(fits);
  return fitting.length > 0 ? fitting : shapes;
}

const choicesOf = (shapes: readonly Shape[]) =>
  shapes.flatMap((shape) => shape.enum ?? (shape.const === undefined ? [] : [shape.const]));

function expectation(shapes: readonly Shape[]): string {
  const choices = choicesOf(shapes);
  if (choices.length > 0) return choices.length === 1 ? `${choices[0]}` : `one of ${choices.join(", ")}`;
  return [...new Set(shapes.map(oneExpectation))].join(" or ");
}

function oneExpectation(shape: Shape): string {
  switch (shape.type) {
    case "string":
      if (shape.pattern !== SLUG_PATTERN.source) return "text";
      return `a slug (at most ${shape.maxLength} lower-case letters and digits, words joined by hyphens)`;
    case "boolean":
      return "true or false";
    case "number":
    case "integer":
      return `a ${shape.type === "integer" ? "whole " : ""}number${range(shape)}`;
    case "array":
      return shape.minItems ? "a list that is not empty" : "a list";
    default: {
      if (shape.maxProperties === 1)
        return `exactly one of ${Object.keys(shape.properties ?? {}).join(", ")}`;
      return shape.required?.length ? `a mapping with ${shape.required.join(", ")}` : "a mapping";
    }
  }
}

function range({ minimum, exclusiveMinimum, maximum = Number.MAX_SAFE_INTEGER }: Shape): string {
  const isOpen = maximum === Number.MAX_SAFE_INTEGER; // zod's limit of every whole number, not ours
  if (minimum !== undefined) return isOpen ? ` of at least ${minimum}` : ` from ${minimum} to ${maximum}`;
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}`;
  return isOpen ? "" : ` of at most ${maximum}`;
}

function hintFor(shapes: readonly Shape[], value: unknown): string | undefined {
  if (value === undefined || value === null) return shapes.find((shape) => shape.description)?.description;
  const choices = choicesOf(shapes);
  if (typeof value === "string" && choices.length > 0) return didYouMean(nearNames(value, choices));
  const [shape] = shapes;
  const isBare = typeof value === "number" || typeof value === "boolean";
  if (isBare && shape?.type === "string") return "put it in quotes";
  const isNumeric = typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value));
  if (isNumeric && (shape?.type === "number" || shape?.type === "integer")) return "write it without quotes";
  return undefined;
}

/** `did you mean a or b?`; undefined when there is no near name. */
export function didYouMean(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : `did you mean ${names.join(" or ")}?`;
}

/** A short rendering of what came: `"fast"`, `number 3`, `a list of 2`, `nothing`. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (typeof value === "string") {
    if (value.trim() === "") return "empty text";
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 39)}…` : value);
  }
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value !== "object") return `${typeof value} ${String(value)}`;
  const keys = Object.keys(value);
  if (keys.length === 0) return "an empty mapping";
  return `a mapping with ${keys.slice(0, 4).join(", ")}${keys.length > 4 ? ", …" : ""}`;
}

/** `cast[2].personality.kind`; keys that are no plain words are quoted: `models["gpt-4.1"].price`. */
export function pathText(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      const key = String(step);
      if (!/^[\p{L}_][\p{L}\p{N}_-]*$/u.test(key)) return `[${JSON.stringify(key)}]`;
      return index === 0 ? key : `.${key}`;
    })
    .join("");
}
