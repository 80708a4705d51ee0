/** What the README shows is what the program prints. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { runCommand } from "../src/cli/program.ts";
import { sampleTerminal } from "./cli/sample-terminal.ts";
import { newStore } from "./store/new-store.ts";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** What a command writes to standard output. */
async function outputOf(args: string[], columns = 80): Promise<string> {
  const { terminal, written } = sampleTerminal({ columns });
  await runCommand(args, terminal);
  return written.stdout;
}

const flagsOf = async (command: string): Promise<string[]> =>
  [...(await outputOf([command, "--help"], 100)).matchAll(/^ {2}(--[a-z-]+)/gm)].map(
    (match) => match[1] ?? "",
  );

it("shows lines of a real run, in their order", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dramatis-readme-"));
  const printed = await outputOf(["run", join(root, "scenarios/product-roundtable.yaml"), "--out", folder]);
  rmSync(folder, { recursive: true });
  const shown = /```text\n([\s\S]*?)```/.exec(readme)?.[1]?.split("\n") ?? [];
  const isFixed = (line: string) =>
    line.trim() !== "" && line.trim() !== "…" && !/^ {2}\d+ ms|seed 7$/.test(line);
  let from = 0;
  const missing = shown.filter(isFixed).filter((line) => {
    const at = printed.indexOf(line, from); // The duration may follow on the same line.
    if (at >= 0) from = at;
    return at < 0;
  });
  expect(missing).toEqual([]);
  expect(shown.filter(isFixed).length).toBeGreaterThan(25);
});

it("names every command and every flag of `run`", async () => {
  const help = await outputOf(["--help"], 100);
  const commands = [...help.matchAll(/^ {2}([a-z]+) /gm)]
    .map((match) => match[1])
    .filter((name) => name !== "help");
  expect(commands.length).toBeGreaterThan(5);
  expect(commands.filter((name) => !readme.includes(`dramatis ${name}`))).toEqual([]);
  const flags = await flagsOf("run");
  expect(flags.length).toBeGreaterThan(5);
  expect(flags.filter((flag) => !readme.includes(`\`${flag}\``))).toEqual([]);
});

it("has every command in one table", () => {
  const lines = readme.split("\n");
  const rows = lines.flatMap((line, index) => (line.startsWith("| `dramatis ") ? [index] : []));
  const [first = 0] = rows;
  expect(rows.length).toBeGreaterThan(10);
  expect(rows).toEqual(rows.map((_, place) => first + place));
});

it("shows lines of a real quote, and every flag of it", async () => {
  const printed = await outputOf(["quote", join(root, "scenarios/product-roundtable.yaml")]);
  const [, shown = ""] = /```text\n( {2}persona +expected[\s\S]*?)```/.exec(readme) ?? [];
  const lines = shown.split("\n").filter((line) => line !== "");
  expect(lines.length).toBeGreaterThan(5);
  expect(lines.filter((line) => !printed.includes(`${line}\n`))).toEqual([]);
  const flags = await flagsOf("quote");
  const row = readme.split("\n").find((line) => line.startsWith("| `dramatis quote")) ?? "";
  expect(flags.filter((flag) => !row.includes(`\`${flag}\``))).toEqual([]);
  expect(flags.length).toBeGreaterThan(5);
});

it("shows a whole experiment, and what it compares", async () => {
  const file = join(root, "experiments/who-speaks-next.yaml");
  const printed = await outputOf(["experiment", "check", file]);
  const [, yaml = ""] = /```yaml\n(id: who-speaks-next[\s\S]*?)```/.exec(readme) ?? [];
  const [, shown = ""] = /```text\n( {2}arm [\s\S]*?)```/.exec(readme) ?? [];
  const { description: _, ...whole } = parse(readFileSync(file, "utf8"));
  expect(parse(yaml)).toEqual(whole);
  expect(printed).toContain(shown);
  expect(shown).toContain("20 conversations");
});

it("shows a program that holds conversations, waits for their end and reads their turns", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dramatis-readme-"));
  await newStore(join(folder, "simulations"));
  const programs = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, program = ""]) => program);
  const [program = ""] = programs.filter((text) => text.includes("openSimulations"));
  const index = pathToFileURL(join(root, "src/index.ts")).href;
  writeFileSync(join(folder, "program.ts"), program.replace('"dramatis"', JSON.stringify(index)));
  const { OPENAI_API_KEY: _, ...env } = process.env;
  const options = { cwd: folder, env, encoding: "utf8" } as const;
  const lines = execFileSync(process.execPath, ["program.ts"], options).trim().split("\n");
  rmSync(folder, { recursive: true });
  expect(lines.pop()).toBe("4 conversations completed");
  expect(lines.filter((line) => /^[a-z-]+: ./.test(line)).length).toBe(12);
}, 60_000);

it("shows a whole scenario that is valid and runs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dramatis-readme-"));
  const [, yaml = ""] = /```yaml\n([\s\S]*?)```/.exec(readme) ?? [];
  const file = join(folder, `${/^id: (\S+)/.exec(yaml)?.[1]}.yaml`);
  writeFileSync(file, yaml);
  const checked = await outputOf(["check", file]);
  const printed = await outputOf(["run", file, "--quiet", "--out", join(folder, "out")]);
  rmSync(folder, { recursive: true });
  expect(checked).toBe(`${file} is valid.\n`);
  expect(readme).toContain("`after-the-outage.yaml`");
  expect(printed).toMatch(/^── Completed: /);
});
