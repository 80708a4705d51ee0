/** The packed tarball in an empty project: it installs, its types hold in strict TypeScript, it runs, its bin runs. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const TIMEOUT_MS = 180_000;
const folder = mkdtempSync(join(tmpdir(), "dramatis-package-"));
const project = join(folder, "project");
const { OPENAI_API_KEY: _, ...env } = process.env;

const run = (command: string, args: readonly string[], cwd: string) =>
  execFileSync(command, args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const node = (...args: string[]) => run(process.execPath, args, project);

/** The README's own examples, so that they cannot rot. */
const examples = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, program = ""]) => program,
);
const [example = ""] = examples;

beforeAll(() => {
  mkdirSync(project);
  run("npm", ["pack", "--pack-destination", folder], root);
  const tarball = readdirSync(folder).find((file) => file.endsWith(".tgz")) ?? "";
  writeFileSync(
    join(project, "package.json"),
    JSON.stringify({ name: "empty", type: "module", private: true }),
  );
  run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", join(folder, tarball)], project);
}, TIMEOUT_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the packed package", () => {
  it("holds the build and the data, and no source, test or bench", () => {
    const top = readdirSync(join(project, "node_modules/dramatis")).sort();
    expect(top).toEqual(
      [
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "dist",
        "experiments",
        "knowledge",
        "package.json",
        "personas",
        "scenarios",
        "schemas",
      ].sort(),
    );
  });

  it("type-checks the README's examples under strict settings", { timeout: TIMEOUT_MS }, () => {
    expect(example.split("\n").length).toBeGreaterThan(8);
    expect(example.split("\n").length).toBeLessThanOrEqual(22);
    expect(examples.length).toBeGreaterThan(2);
    const files = examples.map((_, at) => `example-${at}.ts`);
    for (const [at, file] of files.entries()) writeFileSync(join(project, file), examples[at] ?? "");
    const options = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      module: "NodeNext",
      target: "ES2024",
      noEmit: true,
      skipLibCheck: true,
      types: [],
    };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files }));
    expect(node(join(root, "node_modules/typescript/bin/tsc"), "-p", project)).toBe("");
  });

  it("has types that hold without skipLibCheck", { timeout: TIMEOUT_MS }, () => {
    writeFileSync(
      join(project, "stores.ts"),
      'import { openStore, type Store } from "dramatis";\nexport const opened: Promise<Store> = openStore("store");\n',
    );
    const compilerOptions = {
      strict: true,
      module: "NodeNext",
      target: "ES2024",
      noEmit: true,
      skipLibCheck: false,
      types: [],
    };
    const config = join(project, "whole.json");
    writeFileSync(config, JSON.stringify({ compilerOptions, files: ["stores.ts"] }));
    const args = [join(root, "node_modules/typescript/bin/tsc"), "-p", config];
    const { stdout } = spawnSync(process.execPath, args, { cwd: project, env, encoding: "utf8" });
    // What other packages' types say of each other is not ours to mend; modules without types are.
    expect(stdout.split("\n").filter((line) => /node_modules\/dramatis|TS7016|^stores/.test(line))).toEqual(
      [],
    );
  });

  it("runs the README's example", { timeout: TIMEOUT_MS }, () => {
    const javascript = run(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `process.stdout.write((await import("node:module")).stripTypeScriptTypes(${JSON.stringify(example)}))`,
      ],
      root,
    );
    writeFileSync(join(project, "example.js"), javascript);
    expect(node("example.js")).toMatch(/\d+ turns for \$0\.\d+/);
  });

  it("says what to do where a bundler has left its data behind", () => {
    const moved = join(project, "moved");
    cpSync(join(project, "node_modules/dramatis/dist"), moved, { recursive: true });
    rmSync(join(moved, "src/catalog/models.yaml"));
    const program = `import { openDramatis } from "./moved/src/index.js";
      await openDramatis({ env: {} }).catch((error) => console.log(error.code, error.message));`;
    writeFileSync(join(project, "moved.js"), program);
    expect(node("moved.js")).toMatch(/^invalid-file .* out of the bundle: esbuild --external:dramatis\n$/);
  });

  it("runs its program", { timeout: TIMEOUT_MS }, () => {
    const bin = join(project, "node_modules/.bin/dramatis");
    const result = JSON.parse(
      node(bin, "run", "product-roundtable", "--turns", "2", "--seed", "7", "--json"),
    );
    expect(result.turns).toHaveLength(2);
    expect(result.usage.costNanoUsd).toBe(result.offline.bill.costNanoUsd);
  });
});
