/** What the README shows is what the program prints. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCommand } from "../src/cli/program.ts";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

it("shows lines of a real run, in their order", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dramatis-readme-"));
  let printed = "";
  const args = ["run", join(root, "scenarios/product-roundtable.yaml"), "--out", folder];
  await runCommand(args, {
    write: (text) => {
      printed += text;
    },
    writeError: () => undefined,
    screen: { columns: 80, colour: false },
    hasProgress: false,
    env: {},
    clock: Date.now,
    onInterrupt: () => () => undefined,
    readSecret: async () => undefined,
  });
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
  let help = "";
  const terminal = {
    write: (text: string) => {
      help += text;
    },
    writeError: () => undefined,
    screen: { columns: 100, colour: false },
    hasProgress: false,
    env: {},
    clock: Date.now,
    onInterrupt: () => () => undefined,
    readSecret: async () => undefined,
  };
  await runCommand(["--help"], terminal);
  const commands = [...help.matchAll(/^ {2}([a-z]+) /gm)]
    .map((match) => match[1])
    .filter((name) => name !== "help");
  expect(commands.length).toBeGreaterThan(5);
  expect(commands.filter((name) => !readme.includes(`dramatis ${name}`))).toEqual([]);
  help = "";
  await runCommand(["run", "--help"], terminal);
  const flags = [...help.matchAll(/^ {2}(--[a-z-]+)/gm)].map((match) => match[1] ?? "");
  expect(flags.length).toBeGreaterThan(5);
  expect(flags.filter((flag) => !readme.includes(`\`${flag}\``))).toEqual([]);
});

it("shows lines of a real quote, and every flag of it", async () => {
  let printed = "";
  const terminal = {
    write: (text: string) => {
      printed += text;
    },
    writeError: () => undefined,
    screen: { columns: 80, colour: false },
    hasProgress: false,
    env: {},
    clock: Date.now,
    onInterrupt: () => () => undefined,
    readSecret: async () => undefined,
  };
  await runCommand(["quote", join(root, "scenarios/product-roundtable.yaml")], terminal);
  const [, shown = ""] = /```text\n( {2}persona +expected[\s\S]*?)```/.exec(readme) ?? [];
  const lines = shown.split("\n").filter((line) => line !== "");
  expect(lines.length).toBeGreaterThan(5);
  expect(lines.filter((line) => !printed.includes(`${line}\n`))).toEqual([]);
  printed = "";
  await runCommand(["quote", "--help"], terminal);
  const flags = [...printed.matchAll(/^ {2}(--[a-z-]+)/gm)].map((match) => match[1] ?? "");
  const row = readme.split("\n").find((line) => line.startsWith("| `dramatis quote")) ?? "";
  expect(flags.filter((flag) => !row.includes(`\`${flag}\``))).toEqual([]);
  expect(flags.length).toBeGreaterThan(5);
});
