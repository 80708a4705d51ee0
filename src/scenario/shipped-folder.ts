/** Finds the data that comes with the package itself, from the source and from the build alike. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = "dramatis";

/** Absolute path of the package's own `personas/`, `scenarios/`, `knowledge/` or `experiments/`. */
export function shippedFolder(name: "personas" | "scenarios" | "knowledge" | "experiments"): string {
  return join(packageRoot(dirname(fileURLToPath(import.meta.url))), name);
}

/** The nearest folder upwards whose package.json names this package; not simply the nearest one: builds write their own. */
export function packageRoot(from: string): string {
  const file = join(from, "package.json");
  if (existsSync(file) && JSON.parse(readFileSync(file, "utf8")).name === PACKAGE) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error(`no package.json of ${PACKAGE} above the folder of this module`);
  return packageRoot(parent);
}

/** The version in the package's own package.json. */
export function packageVersion(): string {
  const root = packageRoot(dirname(fileURLToPath(import.meta.url)));
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
}
