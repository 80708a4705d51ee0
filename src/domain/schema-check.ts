/** Checks a value with a schema and says of every mistake where it is, what was expected and what came. Pure. */
import { z } from "zod";
import type { Problem } from "./errors.ts";
import { SLUG_PATTERN } from "./persona.ts";
import {
  createNearHints,
  describe,
  listNames,
  MAX_PROBLEMS,
  type Parsed,
  type Path,
  pathText,
  sortProblems,
} from "./problem-words.ts";
import { readYaml, type Source } from "./yaml-source.ts";

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
  const near = createNearHints();
  const flat = issues.slice(0, MAX_PROBLEMS).flatMap((issue) => unfold(issue, []));
  const unknownKeysAt = new Set(
    flat.filter(({ code }) => code === "unrecognized_keys").map(({ path }) => pathText(path)),
  );
  const problemsOf = (issue: z.core.$ZodIssue): Problem[] => {
    const { path } = issue;
    const { shapes, value } = meet(root, source.data, path);
    if (issue.code === "unrecognized_keys") {
      const known = shapes.flatMap((shape) => Object.keys(shape.properties ?? {}));
      return issue.keys.slice(0, MAX_PROBLEMS).map((key) => {
        const hint = near(key, known) ?? `known: ${listNames(known)}`;
        const words = { expected: "a known key", got: describe(key), hint };
        return problemAt(source, [...path, key], words, "key");
      });
    }
    // A mistyped key also breaks "exactly one key": one mistake, one problem.
    if (issue.code === "custom" && unknownKeysAt.has(pathText(path))) return [];
    if (issue.code === "invalid_key") {
      const [inner] = issue.issues;
      const expected = inner?.code === "too_big" ? `a name of at most ${inner.maximum} characters` : "a name";
      return [problemAt(source, path, { expected, got: describe(path.at(-1)) }, "key")];
    }
    const hint = issue.code === "custom" ? issue.message : hintFor(shapes, value, near);
    return [problemAt(source, path, { expected: expectation(shapes), got: describe(value), hint })];
  };
  const problems: Problem[] = [];
  for (const issue of flat) {
    if (problems.length >= MAX_PROBLEMS) break;
    problems.push(...problemsOf(issue));
  }
  return problems;
}

/** The issues of the union's branch that fits best: the one whose type is right. Paths become absolute. */
function unfold(issue: z.core.$ZodIssue, parent: Path): z.core.$ZodIssue[] {
  const path = [...parent, ...issue.path];
  if (issue.code === "invalid_union") {
    const fitting = issue.errors.filter(
      (branch) => !branch.some((inner) => inner.code === "invalid_type" && inner.path.length === 0),
    );
    const [best] = fitting.sort((a, b) => a.length - b.length);
    if (best) return best.flatMap((inner) => unfold(inner, path));
  }
  return [{ ...issue, path }];
}

function childOf(value: unknown, step: PropertyKey): unknown {
  const has = typeof value === "object" && value !== null && Object.hasOwn(value, step);
  return has ? (value as Record<PropertyKey, unknown>)[step] : undefined;
}

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

/** What stands at a path, and the shapes it may have: several where there is a union. */
function meet(root: Shape, data: unknown, path: Path): { shapes: Shape[]; value: unknown } {
  const open = (shape: Shape): Shape[] => {
    if (shape.$ref) return open(root.definitions?.[shape.$ref.replace("#/definitions/", "")] ?? {});
    return (shape.anyOf ?? shape.oneOf)?.flatMap(open) ?? [shape];
  };
  let value = data;
  let shapes = fittingConstants(open(root), value);
  for (const step of path) {
    value = childOf(value, step);
    const inner = shapes.flatMap((shape) => {
      const rest = typeof shape.additionalProperties === "object" ? shape.additionalProperties : undefined;
      const child = typeof step === "number" ? shape.items : (shape.properties?.[String(step)] ?? rest);
      return child ? open(child) : [];
    });
    shapes = fittingConstants(inner, value);
  }
  return { shapes, value };
}

/** Of a discriminated union, the branch that the value names; all when it names none. */
function fittingConstants(shapes: Shape[], value: unknown): Shape[] {
  const fits = (shape: Shape) =>
    Object.entries(shape.properties ?? {}).every(
      ([key, child]) => child.const === undefined || childOf(value, key) === child.const,
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
      if (shape.pattern === undefined && shape.maxLength !== undefined)
        return `text of at most ${shape.maxLength} characters`;
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

type NearHint = ReturnType<typeof createNearHints>;

function hintFor(shapes: readonly Shape[], value: unknown, near: NearHint): string | undefined {
  if (value === undefined || value === null) return shapes.find((shape) => shape.description)?.description;
  const choices = choicesOf(shapes);
  if (typeof value === "string" && choices.length > 0) return near(value, choices);
  const [shape] = shapes;
  const isBare = typeof value === "number" || typeof value === "boolean";
  if (isBare && shape?.type === "string") return "put it in quotes";
  const isNumeric = typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value));
  if (isNumeric && (shape?.type === "number" || shape?.type === "integer")) return "write it without quotes";
  return undefined;
}
