/** Help and mistakes in the command line wait for no library that only a conversation needs. */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Everything that is loaded before any command runs; imports of types alone are erased. */
function loadedWith(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const text = readFileSync(file, "utf8");
  for (const [, specifier = ""] of text.matchAll(/^import (?!type )[^;]*?from "([^"]+)";/gm)) {
    if (specifier.startsWith(".")) loadedWith(join(dirname(file), specifier), found);
    else found.add(specifier);
  }
  return found;
}

it("loads the commands' names and the command line's parser, and no schema, model client or renderer", () => {
  const loaded = [...loadedWith(join(root, "src/cli/main.ts"))].map((name) =>
    name.startsWith(root) ? relative(root, name) : name,
  );
  expect(loaded).toContain("src/cli/run.ts");
  expect(loaded.filter((name) => !name.startsWith("node:") && !name.startsWith("src/")).sort()).toEqual([
    "commander",
  ]);
});
