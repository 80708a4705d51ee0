/** Finds scenarios: files of the user's, and those that come with the package, by id. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DramatisError } from "../domain/errors.ts";
import { hintFor } from "../domain/near-names.ts";
import { fileId } from "./file-name.ts";
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

/**
 * Loads a scenario file, or the scenario of that id that comes with the package.
 * @throws DramatisError `unknown-name`, with near names; InvalidFilesError with every problem of the files.
 */
export const findScenario = (name: string): Scenario => loadScenario(findDataFile(name, "scenario"));

/** Whether a name means a file; else it is the id of something that comes with the package. */
export const isPath = (name: string): boolean => /[/\\]/.test(name) || isYaml(name);

/**
 * A file as it is named, or the file of that id that comes with the package.
 * @throws DramatisError `unknown-name`, with near names.
 */
export function findDataFile(name: string, kind: "scenario" | "experiment"): string {
  if (isPath(name) || existsSync(name)) return name;
  const shipped = scenarioFiles(shippedFolder(`${kind}s`));
  const file = shipped.find((candidate) => fileId(candidate) === name);
  if (file !== undefined) return file;
  const hint = hintFor(name, shipped.map(fileId));
  throw new DramatisError("unknown-name", `There is no ${kind} file or id "${name}". ${hint}`);
}
