/** The words of problems: where something stands, what came, which names are near; and the order of problems. */
import type { Problem } from "./errors.ts";
import { nearNames } from "./near-names.ts";

export type Path = readonly PropertyKey[];
export type Parsed<T> = { ok: true; value: T } | { ok: false; problems: Problem[] };

/** Nobody reads more problems of one file. */
export const MAX_PROBLEMS = 1000;
/** Letters of unknown names compared with letters of known ones, for the hints of one file: about half a second. */
const MAX_COMPARISONS = 20_000_000;
/** Nobody reads a longer list of names. */
const MAX_LISTED = 30;

/** By file in the order given, then by line; each problem once. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const unique = [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
  const files = new Map([...new Set(unique.map(({ file }) => file))].map((file, index) => [file, index]));
  const order = ({ file, line = 0 }: Problem) => (files.get(file) ?? 0) * 1e7 + line;
  return unique.sort((a, b) => order(a) - order(b) || (a.column ?? 0) - (b.column ?? 0));
}

/** `did you mean a or b?`; undefined when there is no near name. */
export function didYouMean(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : `did you mean ${names.join(" or ")}?`;
}

/**
 * Gives `did you mean …?` for the unknown names of one file. After {@link MAX_COMPARISONS} it gives nothing: a file
 * with so many mistakes is no typing mistake, and must not take minutes.
 */
export function createNearHints(): (name: string, known: readonly string[]) => string | undefined {
  let left = MAX_COMPARISONS;
  return (name, known) => {
    if (left > 0) left -= known.reduce((sum, other) => sum + (name.length + 1) * (other.length + 1), 0);
    return left > 0 ? didYouMean(nearNames(name, known)) : undefined;
  };
}

/** `a, b, c`; of many names the first. */
export function listNames(names: readonly string[]): string {
  const listed = names.slice(0, MAX_LISTED).join(", ") || "none";
  return names.length > MAX_LISTED ? `${listed} and ${names.length - MAX_LISTED} more` : listed;
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
