/** The scenario of one arm: what a scenario file says, with what the arm's levels set laid over it. */
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { type Path, pathText } from "../domain/problem-words.ts";
import { POLICY_SETTINGS } from "../domain/scenario.ts";
import { isYaml } from "../scenario/text-file.ts";
import { findPaths, type NoPath, setAt } from "./scenario-path.ts";

/** What one level sets, and where the experiment's file says so. */
export interface Change {
  factor: string;
  /** As it was written. */
  path: string;
  value: unknown;
  valueAt: Path;
  pathAt: Path;
}

/** A change, and the places in the scenario that it means. */
export interface Applied extends Change {
  places: readonly Path[];
}

export interface Seats {
  /** The cast of the scenario as it stands in its file, in its order. */
  ids: readonly (string | undefined)[];
  /** A persona by its id, or by its file relative to the experiment's; undefined: there is none. */
  persona(name: string): unknown;
}

export interface ArmParts {
  /** The scenario file's content; it is not changed. */
  base: unknown;
  scenarioFile: string;
  experimentFile: string;
  seats: Seats;
  changes: readonly Change[];
}

export interface ArmData {
  data: unknown;
  applied: Applied[];
  /** Changes that lead nowhere. */
  lost: { change: Change; problem: NoPath }[];
  /** A later factor's change to a place that an earlier factor has set. */
  clashes: { change: Change; with: string }[];
}

type Cast = unknown[];

const copied = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value));

const castOf = (data: unknown): Cast => {
  const { cast } = (data ?? {}) as { cast?: unknown };
  return Array.isArray(cast) ? cast : [];
};

/** Seats are called by who had them first, whoever sits there now: `cast[id]` becomes `cast[place]`. */
function byPlace(path: string, { ids }: Seats): string {
  return path.replace(/^(cast|model|persona)\[([^\]]+)\]/, (whole, word: string, id: string) => {
    const place = ids.indexOf(id.trim());
    return place === -1 ? whole : `${word}[${place}]`;
  });
}

/** What an experiment names by its path: relative to its file, or absolute. */
export const besideExperiment = (path: string, experimentFile: string): string =>
  isAbsolute(path) ? path : join(dirname(experimentFile), path);

/** A folder that the experiment names, as its scenario would name it. */
function fromScenario(folder: string, { scenarioFile, experimentFile }: ArmParts): string {
  const meant = resolve(besideExperiment(folder.trim(), experimentFile));
  return (relative(dirname(resolve(scenarioFile)), meant) || ".").split(sep).join("/");
}

function valueFor(path: Path, value: unknown, parts: ArmParts): unknown {
  if (typeof value !== "string" || value.trim() === "") return copied(value);
  if (path[0] === "knowledge") return fromScenario(value, parts);
  if (path[0] === "cast" && path.length === 2) {
    return (
      copied(
        parts.seats.persona(isYaml(value) ? besideExperiment(value.trim(), parts.experimentFile) : value),
      ) ?? value
    );
  }
  return value;
}

/** Settings of the policy that was replaced would be mistakes under the new one. */
function dropOldPolicy(data: unknown, places: readonly string[]): void {
  if (!places.includes("moderator.policy")) return;
  const { moderator } = data as { moderator: Record<string, unknown> };
  const own = Object.entries(POLICY_SETTINGS).find(([policy]) => policy === moderator.policy)?.[1];
  if (own === undefined) return;
  for (const key of new Set(Object.values(POLICY_SETTINGS).flat())) {
    if (!own.includes(key) && !places.includes(`moderator.${key}`)) delete moderator[key];
  }
}

/** The content of the arm's scenario, still unchecked. Whole parts are set before parts of them, whatever the order of factors. */
export function armData(parts: ArmParts): ArmData {
  const { seats } = parts;
  const data = copied(parts.base);
  // What is set of a persona is set of a copy of it: its file stays as it is for everyone else.
  const cast = parts.changes.some(({ path }) => /^(cast|model|persona)\b/.test(path)) ? castOf(data) : [];
  for (const [place, entry] of cast.entries())
    if (typeof entry === "string") cast[place] = copied(seats.persona(entry)) ?? entry;
  const lost: ArmData["lost"] = [];
  const clashes: ArmData["clashes"] = [];
  const found: Applied[] = [];
  const setBy = new Map<string, string>();
  for (const change of parts.changes) {
    const where = findPaths(data, byPlace(change.path, seats));
    if (!where.ok) {
      lost.push({ change, problem: where.problem });
      continue;
    }
    found.push({ ...change, places: where.paths });
    for (const place of where.paths.map(pathText)) {
      const earlier = setBy.get(place);
      if (earlier !== undefined && earlier !== change.factor) clashes.push({ change, with: earlier });
      setBy.set(place, change.factor);
    }
  }
  const applied = found.sort((a, b) => (a.places[0]?.length ?? 0) - (b.places[0]?.length ?? 0));
  for (const { places, value } of applied) {
    for (const path of places) {
      // A persona that was not found is the loader's to report.
      const isLost = path.length > 2 && typeof castOf(data)[Number(path[1])] === "string";
      if (path[0] === "cast" && isLost) continue;
      setAt(data, path, valueFor(path, value, parts));
    }
  }
  dropOldPolicy(data, [...setBy.keys()]);
  return { data, applied, lost, clashes };
}
