/** Loads an experiment: its file, its scenario, and the scenario of every arm, checked before anything is paid. */
import { existsSync } from "node:fs";
import type { Catalog } from "../catalog/catalog.ts";
import { DramatisError, InvalidFilesError, type Problem } from "../domain/errors.ts";
import { type ExperimentFile, experimentSchema } from "../domain/experiment.ts";
import { describe, MAX_PROBLEMS, type Parsed, sortProblems } from "../domain/problem-words.ts";
import { check, problemAt } from "../domain/schema-check.ts";
import type { Notice } from "../domain/screening.ts";
import { readYaml, type Source } from "../domain/yaml-source.ts";
import { createFileScreening, screenSource } from "../guard/source-screening.ts";
import { nameProblems } from "../scenario/file-name.ts";
import { findDataFile, isPath } from "../scenario/find-scenario.ts";
import { personaFiles, readPersona } from "../scenario/personas.ts";
import { checkScenario, personasFolder, type Scenario } from "../scenario/scenario.ts";
import { isYaml, readText, refused } from "../scenario/text-file.ts";
import { armData, besideExperiment, type Seats } from "./arm-scenario.ts";
import { armName, type Factor, type Levels } from "./design.ts";
import { factorsOf, rowsOf, withPathHint } from "./factors.ts";
import { modelProblems, moved } from "./problem-places.ts";

/** One combination of levels, with the scenario it makes. */
export interface Arm {
  name: string;
  levels: Levels;
  scenario: Scenario;
}

/** An experiment ready to be planned: every arm's scenario is checked. */
export interface Experiment
  extends Pick<ExperimentFile, "id" | "title" | "description" | "repeats" | "commonRandomNumbers"> {
  /** What the file or its scenario says; undefined: one is drawn. */
  seed: number | undefined;
  maxCostUsd: number | undefined;
  /** As it is without any level. */
  scenario: Scenario;
  factors: Factor[];
  arms: Arm[];
  /** Secrets that were removed or let pass, in any arm. */
  notices: Notice[];
}

/** How an experiment file is checked. */
export interface ExperimentOptions {
  /** Models are looked up in it. Default: any name passes, and is refused when the arm is begun. */
  catalog?: Pick<Catalog, "find" | "models"> | undefined;
}

const MAX_CONVERSATIONS = 1_000_000;

/**
 * Loads an experiment file, or the experiment of that id that comes with the package.
 * @throws DramatisError `unknown-name`, with near names; InvalidFilesError with every problem of all its files.
 */
export function findExperiment(name: string, options: ExperimentOptions = {}): Experiment {
  const file = findDataFile(name, "experiment");
  const text = readText(file);
  const parsed = text.ok ? parseExperiment(text.value, file, options) : text;
  if (!parsed.ok) throw new InvalidFilesError(parsed.problems);
  return parsed.value;
}

/** Whether a name means an experiment: a file with factors, or the id of one that comes with the package. */
export function isExperiment(name: string): boolean {
  if (!isPath(name) && !existsSync(name)) {
    try {
      findDataFile(name, "experiment");
      return true;
    } catch (error) {
      if (error instanceof DramatisError) return false;
      throw error;
    }
  }
  const text = readText(name);
  if (!text.ok || !isYaml(name)) return false;
  const { data } = readYaml(text.value, name);
  return typeof data === "object" && data !== null && Object.hasOwn(data, "factors");
}

/** How experiment files are recognised and checked; for `checkFiles`. */
export const experimentFileKind = (options: ExperimentOptions = {}) => ({
  schema: experimentSchema,
  parse: (text: string, file: string) => parseExperiment(text, file, options),
});

export function parseExperiment(
  text: string,
  file: string,
  options: ExperimentOptions = {},
): Parsed<Experiment> {
  const { source, problems: unsafe } = screenSource(readYaml(text, file), createFileScreening());
  const parsed = check(experimentSchema, source);
  const wrong = parsed.ok ? [] : parsed.problems.map((problem) => withPathHint(problem, source));
  const early = [...unsafe, ...nameProblems(source, "experiment"), ...wrong];
  if (!parsed.ok || early.length > 0) return refusedAll(early);
  const factors = factorsOf(parsed.value, source);
  const rows = rowsOf(parsed.value, factors.value, source);
  const problems = [
    ...factors.problems,
    ...rows.problems,
    ...sizeProblems(parsed.value, rows.value.length, source),
  ];
  const base = baseOf(parsed.value.scenario, source);
  if (!base.ok) problems.push(...base.problems);
  if (!base.ok || problems.length > 0) return refusedAll(problems);

  const arms: Arm[] = [];
  const notices = new Map<string, Notice>();
  const seats = seatsOf(base.value);
  for (const [row, levels] of rows.value.entries()) {
    const changes = factors.value.flatMap(({ name, changes }) => changes.get(levels[name] ?? "") ?? []);
    const { scenarioFile, source: own } = base.value;
    const parts = { base: own.data, scenarioFile, experimentFile: file, seats: seats.seats, changes };
    const { data, applied, lost, clashes } = armData(parts);
    const arm = armName(levels);
    const at = { source, applied, arm, row: parsed.value.design === "full" ? undefined : row };
    for (const { change, problem } of lost)
      problems.push(problemAt(source, change.pathAt, { expected: "a path of the scenario", ...problem }));
    for (const { change, with: other } of clashes) {
      const expected = "a path that no other factor sets";
      problems.push(problemAt(source, change.pathAt, { expected, got: `one that ${other} sets as well` }));
    }
    const scenario = checkScenario({ ...own, data, text: undefined, problems: [], locate: () => ({}) });
    if (!scenario.ok) problems.push(...moved(scenario.problems, { ...at, scenarioFile }));
    else {
      problems.push(...modelProblems(scenario.value, options.catalog, at));
      for (const notice of scenario.value.notices) notices.set(JSON.stringify(notice), notice);
      arms.push({ name: arm, levels, scenario: scenario.value });
    }
    if (problems.length >= MAX_PROBLEMS) break;
  }
  problems.push(...seats.problems);
  if (problems.length > 0) return refusedAll(problems);
  const { budget, design: _, scenario: __, factors: ___, seed, ...rest } = parsed.value;
  const { scenario } = base.value;
  for (const notice of scenario.notices) notices.set(JSON.stringify(notice), notice);
  return {
    ok: true,
    value: {
      ...rest,
      seed: seed ?? scenario.seed,
      maxCostUsd: budget?.maxCostUsd,
      scenario,
      factors: factors.value.map(({ name, levels }) => ({ name, levels })),
      arms,
      notices: [...notices.values()],
    },
  };
}

/** In the order of the lines; more than anybody reads are cut off. */
const refusedAll = (problems: readonly Problem[]): { ok: false; problems: Problem[] } => ({
  ok: false,
  problems: sortProblems(problems).slice(0, MAX_PROBLEMS),
});

function sizeProblems({ repeats }: ExperimentFile, arms: number, source: Source): Problem[] {
  if (arms * repeats <= MAX_CONVERSATIONS) return [];
  const words = { expected: `at most ${MAX_CONVERSATIONS} conversations`, got: String(arms * repeats) };
  return [problemAt(source, ["repeats"], words)];
}

interface Base {
  scenarioFile: string;
  source: Source;
  scenario: Scenario;
}

const looksLikeScenario = (file: string, data: unknown): boolean =>
  isYaml(file) && typeof data === "object" && data !== null && Object.hasOwn(data, "cast");

/** The scenario that everything is laid over. */
function baseOf(name: string, source: Source): Parsed<Base> {
  let scenarioFile = besideExperiment(name, source.file);
  const isFile = isPath(name) || existsSync(scenarioFile);
  try {
    if (!isFile) scenarioFile = findDataFile(name, "scenario");
  } catch (error) {
    if (!(error instanceof DramatisError)) throw error;
    const words = { expected: "a scenario's file or id", got: describe(name), hint: error.message };
    return refused(problemAt(source, ["scenario"], words));
  }
  const text = readText(scenarioFile);
  if (!text.ok) {
    const got = describe(name);
    return refused(
      problemAt(source, ["scenario"], {
        expected: "a scenario file that may be read, relative to this file",
        got,
        hint: `${text.problems[0]?.hint ?? "check the path"}; or the id of one that comes with Dramatis: dramatis scenarios`,
      }),
    );
  }
  const read = readYaml(text.value, scenarioFile);
  // An experiment may name any file: of one that is no scenario, nothing is quoted.
  if (!looksLikeScenario(scenarioFile, read.data)) {
    const words = { expected: "a scenario's file (*.yaml) or id", got: describe(name) };
    const hint = "it is no scenario; if it is to be one: dramatis check <file>";
    return refused(problemAt(source, ["scenario"], { ...words, hint }));
  }
  const scenario = checkScenario(read);
  return scenario.ok
    ? { ok: true, value: { scenarioFile, source: read, scenario: scenario.value } }
    : scenario;
}

/** The personas that may sit at the table. */
function seatsOf({ scenario, scenarioFile }: Base): { seats: Seats; problems: Problem[] } {
  const problems: Problem[] = [];
  const known = new Map<string, unknown>(scenario.cast.map((persona) => [persona.id, persona]));
  const folder = personaFiles(personasFolder(scenarioFile));
  const files = folder.ok ? folder.value : new Map<string, string>();
  function persona(name: string): unknown {
    if (known.has(name)) return known.get(name);
    const file = isYaml(name) ? name : files.get(name);
    const read =
      file === undefined ? undefined : readPersona(file, createFileScreening(scenario.screening.secrets));
    if (read !== undefined && !read.ok) problems.push(...read.problems);
    known.set(name, read?.ok ? read.value : undefined);
    return known.get(name);
  }
  return { seats: { ids: scenario.cast.map(({ id }) => id), persona }, problems };
}
