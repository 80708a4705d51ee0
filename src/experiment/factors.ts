/** Factors and the rows of a design, as an experiment's file has them; every mistake in its place. */
import type { Problem } from "../domain/errors.ts";
import { type ExperimentFile, LEVEL_NAME, type LevelEntry } from "../domain/experiment.ts";
import { nearNames } from "../domain/near-names.ts";
import { describe, didYouMean, listNames, MAX_PROBLEMS, type Path } from "../domain/problem-words.ts";
import { problemAt } from "../domain/schema-check.ts";
import type { Source } from "../domain/yaml-source.ts";
import type { Change } from "./arm-scenario.ts";
import { armName, type Factor, fullFactorial, type Levels } from "./design.ts";
import { stepsOf } from "./scenario-path.ts";

export interface FactorChanges extends Factor {
  /** What each level sets, by its name. */
  changes: ReadonlyMap<string, Change[]>;
}

/** More than anybody compares; each is checked as a whole. */
const MAX_ARMS = 1000;

interface Found<T> {
  value: T;
  problems: Problem[];
}

const hint = (name: string, known: readonly string[]) =>
  didYouMean(nearNames(name, known)) ?? `known: ${listNames(known)}`;

const isNamed = (level: LevelEntry): level is Exclude<LevelEntry, string | number | boolean> =>
  typeof level === "object";

function changesOf(
  level: LevelEntry,
  at: Path,
  factor: { name: string; path: string; pathAt: Path },
): Change[] {
  const { name, path, pathAt } = factor;
  if (!isNamed(level)) return [{ factor: name, path, value: level, valueAt: at, pathAt }];
  if (level.set !== undefined) {
    return Object.entries(level.set).map(([own, value]) => {
      const place = [...at, "set", own];
      return { factor: name, path: own, value, valueAt: place, pathAt: place };
    });
  }
  if (!Object.hasOwn(level, "value")) return [];
  return [{ factor: name, path, value: level.value, valueAt: [...at, "value"], pathAt }];
}

/** Where a path stands as a factor's name: what is to be written instead. */
export function withPathHint(problem: Problem, { data }: Source): Problem {
  const place = /^factors\[(\d+)\]\.name$/.exec(problem.path)?.[1];
  if (place === undefined) return problem;
  const factor = (data as { factors: unknown[] }).factors[Number(place)] as {
    name?: unknown;
    path?: unknown;
  };
  if (typeof factor.name !== "string" || factor.path !== undefined) return problem;
  if (!/[.[]/.test(factor.name) || stepsOf(factor.name) === undefined) return problem;
  return { ...problem, hint: `give it a short name, and write the path beside it: path: ${factor.name}` };
}

export function factorsOf({ factors }: ExperimentFile, source: Source): Found<FactorChanges[]> {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  const value = factors.map(({ name, path, levels }, index) => {
    const at = ["factors", index];
    if (seen.has(name))
      problems.push(
        problemAt(source, [...at, "name"], { expected: "each factor once", got: `${describe(name)} again` }),
      );
    seen.add(name);
    const changes = new Map<string, Change[]>();
    for (const [place, level] of levels.entries()) {
      if (problems.length >= MAX_PROBLEMS) break;
      const levelAt = [...at, "levels", place];
      const called = isNamed(level) ? level.name : String(level).trim();
      const nameAt = isNamed(level) ? [...levelAt, "name"] : levelAt;
      if (!LEVEL_NAME.test(called) || called.length > 60) {
        const expected =
          "a value that can be its own name (at most 60 characters, no commas, no equals signs)";
        const words = { expected, got: describe(level), hint: "name it: { name: …, value: … }" };
        problems.push(problemAt(source, nameAt, words));
      }
      if (changes.has(called))
        problems.push(
          problemAt(source, nameAt, { expected: "each level once", got: `${describe(called)} again` }),
        );
      const pathAt = path === undefined ? [...at, "name"] : [...at, "path"];
      changes.set(called, changesOf(level, levelAt, { name, path: path ?? name, pathAt }));
    }
    return { name, levels: [...changes.keys()], changes };
  });
  return { value, problems };
}

/** The combinations that are compared: all, or those of the file's rows. */
export function rowsOf(
  { design }: ExperimentFile,
  factors: readonly FactorChanges[],
  source: Source,
): Found<Levels[]> {
  if (design === "full") {
    const size = factors.reduce((product, { levels }) => product * levels.length, 1);
    if (size <= MAX_ARMS) return { value: fullFactorial(factors), problems: [] };
    // What is too large is counted, not made.
    const words = { expected: `at most ${MAX_ARMS} combinations of levels`, got: String(size) };
    const hint = "list those you want as rows of `design`";
    return { value: [], problems: [problemAt(source, ["factors"], { ...words, hint })] };
  }
  if (design.length > MAX_ARMS) {
    const words = { expected: `at most ${MAX_ARMS} rows`, got: String(design.length) };
    return { value: [], problems: [problemAt(source, ["design"], words)] };
  }
  const problems: Problem[] = [];
  const names = factors.map(({ name }) => name);
  const firstAt = new Map<string, number>();
  const value = design.map((row, index) => {
    const at = ["design", index];
    for (const key of Object.keys(row)) {
      if (names.includes(key)) continue;
      if (problems.length >= MAX_PROBLEMS) break;
      problems.push(
        problemAt(
          source,
          [...at, key],
          { expected: "a factor", got: describe(key), hint: hint(key, names) },
          "key",
        ),
      );
    }
    const levels: Record<string, string> = {};
    for (const { name, levels: known } of factors) {
      if (problems.length >= MAX_PROBLEMS) break;
      const level = Object.hasOwn(row, name) ? String(row[name]).trim() : undefined;
      if (level !== undefined && known.includes(level)) levels[name] = level;
      else {
        const expected = `a level of ${name}`;
        const near = level === undefined ? `known: ${listNames(known)}` : hint(level, known);
        problems.push(problemAt(source, [...at, name], { expected, got: describe(level), hint: near }));
      }
    }
    const isWhole = Object.keys(levels).length === factors.length;
    const first = isWhole ? firstAt.get(armName(levels)) : undefined;
    if (first === undefined) firstAt.set(armName(levels), index);
    else {
      const words = { expected: "each combination once", got: "it again", hint: `first at design[${first}]` };
      problems.push(problemAt(source, at, words));
    }
    return levels;
  });
  if (value.length < 2) {
    problems.push(problemAt(source, ["design"], { expected: "at least two rows", got: "one" }));
  }
  return { value, problems };
}
