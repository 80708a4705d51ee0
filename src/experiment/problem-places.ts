/** Problems of an arm's scenario, put where the experiment's file makes them. */
import type { Catalog } from "../catalog/catalog.ts";
import type { Problem } from "../domain/errors.ts";
import { nearNames } from "../domain/near-names.ts";
import { describe, didYouMean, type Path, pathText } from "../domain/problem-words.ts";
import { problemAt } from "../domain/schema-check.ts";
import type { Source } from "../domain/yaml-source.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { Applied } from "./arm-scenario.ts";
import { stepsOf } from "./scenario-path.ts";

export interface ArmPlace {
  /** The experiment's file. */
  source: Source;
  applied: readonly Applied[];
  arm: string;
  /** Of the design, where it is listed. */
  row: number | undefined;
}

type Words = Pick<Problem, "expected" | "got" | "hint">;

const isBelow = (path: string, place: string) =>
  path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`);

/** A problem at a path of the arm's scenario, where a level, a path or a row of the design is to blame. */
function placed(
  path: string,
  { expected, got, hint }: Words,
  { source, applied, arm, row }: ArmPlace,
): Problem {
  const candidates = applied.flatMap((change) =>
    change.places.map((place) => ({ change, text: pathText(place) })),
  );
  const [set] = candidates
    .filter(({ text }) => isBelow(path, text))
    .sort((a, b) => b.text.length - a.text.length);
  const isUnknownKey = expected === "a known key";
  if (set !== undefined && !(isUnknownKey && path === set.text)) {
    const below = stepsOf(`x${path.slice(set.text.length)}`)?.slice(1) ?? [];
    const rest: Path = below.map(({ step, isItem }) => (isItem ? Number(step) : step));
    return problemAt(source, [...set.change.valueAt, ...rest], { expected, got, hint });
  }
  const above = candidates.find(({ text }) => isBelow(text, path));
  if (above !== undefined && isUnknownKey)
    return problemAt(source, above.change.pathAt, { expected: "a path of the scenario", got, hint });
  const at = row === undefined ? ["factors"] : ["design", row];
  const where = `in the scenario of ${arm}, at ${path || "the top"}`;
  return problemAt(source, at, { expected, got, hint: hint === undefined ? where : `${where}; ${hint}` });
}

/** Problems of the files that the scenario names stay where they are. */
export function moved(
  problems: readonly Problem[],
  { scenarioFile, ...place }: ArmPlace & { scenarioFile: string },
): Problem[] {
  return problems.map((problem) =>
    problem.file === scenarioFile ? placed(problem.path, problem, place) : problem,
  );
}

/** Models that the catalog does not have. */
export function modelProblems(
  { cast, moderator }: Scenario,
  catalog: Pick<Catalog, "find" | "models"> | undefined,
  place: ArmPlace,
): Problem[] {
  if (catalog === undefined) return [];
  const named = [
    ...cast.map(({ model }, index) => ({ path: pathText(["cast", index, "model"]), model })),
    { path: "moderator.model", model: moderator.policy === "model" ? moderator.model : undefined },
  ];
  return named.flatMap(({ path, model }) => {
    if (model === undefined || catalog.find(model) !== undefined) return [];
    const hint = didYouMean(nearNames(model, [...catalog.models.keys()])) ?? "list them: dramatis models";
    return [placed(path, { expected: "a model of the catalog", got: describe(model), hint }, place)];
  });
}
