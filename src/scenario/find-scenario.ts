/** Finds scenarios: files of the user's, and those that come with the package, by id. */
import { existsSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { DramatisError } from "../domain/errors.ts";
import { nearNames } from "../domain/near-names.ts";
import { loadScenario, type Scenario } from "./scenario.ts";
import { shippedFolder } from "./shipped-folder.ts";
import { isYaml, readFolder, valueOrThrow } from "./text-file.ts";

/**
 * The scenario files of a folder, by name.
 * @throws InvalidFilesError when the folder cannot be read.
 */
export const scenarioFiles = (folder: string): string[] =>
  valueOrThrow(readFolder(folder))
    .filter(({ name }) => isYaml(name))
    .map(({ name }) => join(folder, name))
    .sort();

const stem = (file: string) => basename(file, extname(file));

/**
 * Loads a scenario file, or the scenario of that id that comes with the package.
 * @throws DramatisError `unknown-name`, with near names; InvalidFilesError with every problem of the files.
 */
export function findScenario(name: string): Scenario {
  const isPath = /[/\\]/.test(name) || isYaml(name);
  if (isPath || existsSync(name)) return loadScenario(name);
  const shipped = scenarioFiles(shippedFolder("scenarios"));
  const file = shipped.find((candidate) => stem(candidate) === name);
  if (file !== undefined) return loadScenario(file);
  const near = nearNames(name, shipped.map(stem));
  const meant =
    near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `There are ${shipped.map(stem).join(", ")}.`;
  throw new DramatisError("unknown-name", `There is no scenario file or id "${name}". ${meant}`);
}
