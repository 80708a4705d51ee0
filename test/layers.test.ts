/** Imports point downwards only. The table is DESIGN's; whoever changes it says why in the same commit. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";

/** Level 1 is the top. Parts of one level do not import each other. */
const LAYERS: readonly (readonly string[])[] = [
  ["graphs", "src/cli", "src/server", "src/index.ts"],
  ["src/simulation", "src/export.ts"],
  ["src/app.ts"],
  ["src/quote", "src/experiment"],
  ["src/conversation", "src/fleet"],
  ["src/turn"],
  ["src/model", "src/report", "src/organization"],
  ["src/ledger"],
  ["src/catalog", "src/scenario", "src/offline", "src/vault", "src/store", "tools"],
  ["src/guard", "src/files", "src/admin"],
  ["src/domain"],
];

const root = join(import.meta.dirname, "..");
const sources = ["src", "graphs", "tools"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => normalize(join(folder, file))),
);

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  const specifiers = [...text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map((match) => match[1] ?? "");
  return specifiers.map((specifier) => normalize(join(dirname(file), specifier)));
}

const partOf = (file: string) => LAYERS.flat().find((part) => file === part || file.startsWith(`${part}/`));
const levelOf = (part: string) => LAYERS.findIndex((layer) => layer.includes(part)) + 1;

/** Each violation as `a -> b`. */
function violations(files: readonly string[], imports: (file: string) => string[]): string[] {
  return files.flatMap((file) => {
    const from = partOf(file);
    return imports(file).flatMap((target) => {
      const to = partOf(target);
      const allowed = from !== undefined && to !== undefined && (from === to || levelOf(from) < levelOf(to));
      return allowed ? [] : [`${file} -> ${target}`];
    });
  });
}

function cycles(files: readonly string[], imports: (file: string) => string[]): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file].join(" -> "));
    if (start >= 0 || done.has(file)) return;
    for (const target of imports(file)) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}

describe("layers", () => {
  it("finds the sources and their imports", () => {
    expect(sources.length).toBeGreaterThan(30);
    expect(importsOf(join("src", "app.ts"))).toContain(join("src", "conversation", "graph.ts"));
  });

  it("gives every source file a level", () => {
    expect(sources.filter((file) => partOf(file) === undefined)).toEqual([]);
  });

  it("lets imports point to a lower level only", () => {
    expect(violations(sources, importsOf)).toEqual([]);
  });

  it("has no cycle between files", () => {
    expect(cycles(sources, importsOf)).toEqual([]);
  });

  it("would notice an upward import and a cycle", () => {
    const upward = (file: string) => (file === "src/model/a.ts" ? ["src/turn/b.ts"] : []);
    expect(violations(["src/model/a.ts"], upward)).toEqual(["src/model/a.ts -> src/turn/b.ts"]);
    const circle = (file: string) => [file === "src/turn/a.ts" ? "src/turn/b.ts" : "src/turn/a.ts"];
    expect(cycles(["src/turn/a.ts"], circle)).toEqual(["src/turn/a.ts -> src/turn/b.ts -> src/turn/a.ts"]);
  });

  it("keeps every file under 400 lines, tests under 800", () => {
    const tests = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join("test", file));
    const long = [...sources, ...tests].filter(
      (file) =>
        readFileSync(join(root, file), "utf8").split("\n").length > (file.startsWith("test") ? 800 : 400),
    );
    expect(long.map((file) => relative(root, join(root, file)))).toEqual([]);
  });
});
