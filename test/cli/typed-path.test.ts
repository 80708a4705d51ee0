/** Paths under npm, which changes the folder before it starts a script. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runCommand } from "../../src/cli/program.ts";
import { catalogPath, inputPath, outputPath } from "../../src/cli/typed-path.ts";
import { sampleTerminal } from "./sample-terminal.ts";
import { TWO_PEOPLE } from "./two-people.ts";

const user = mkdtempSync(join(tmpdir(), "dramatis-typed-"));
const env = { npm_lifecycle_event: "dramatis", INIT_CWD: user };

beforeAll(() => {
  mkdirSync(join(user, "mine"));
  writeFileSync(join(user, "mine/two-people.yaml"), TWO_PEOPLE);
  writeFileSync(join(user, "prices.yaml"), "models:\n  ferry-1: { contextWindow: 9000, maxOutput: 900 }\n");
});
afterAll(() => rmSync(user, { recursive: true, force: true }));

describe("a typed path", () => {
  it("is meant from where npm was called", () => {
    expect(inputPath("prices.yaml", env)).toBe(join(user, "prices.yaml"));
    expect(outputPath("new/folder", env)).toBe(join(user, "new/folder"));
    expect(outputPath("/absolute", env)).toBe("/absolute");
    expect(catalogPath("prices.yaml", env)).toBe(join(user, "prices.yaml"));
    expect(catalogPath(undefined, { ...env, DRAMATIS_CATALOG: "prices.yaml" })).toBe(
      join(user, "prices.yaml"),
    );
  });

  it("stays as it is without npm, where npm stayed, and where only the package has such a file", () => {
    expect(outputPath("new", { INIT_CWD: user })).toBe("new");
    expect(outputPath("new", { ...env, INIT_CWD: process.cwd() })).toBe("new");
    expect(inputPath("package.json", env)).toBe("package.json");
    expect(catalogPath(undefined, { ...env, DRAMATIS_CATALOG: " " })).toBeUndefined();
  });
});

it("says so when the folder the user is in was deleted", () => {
  const cwd = vi.spyOn(process, "cwd").mockImplementation(() => {
    throw new Error("ENOENT: process.cwd failed");
  });
  try {
    expect(() => inputPath("prices.yaml", {})).toThrow(/The folder you are in was deleted/);
  } finally {
    cwd.mockRestore();
  }
});

it("leads every command to the user's own files", async () => {
  const { terminal, written } = sampleTerminal({ env });
  const run = ["run", "mine/two-people.yaml", "--out", "out", "--catalog", "prices.yaml", "--turns", "1"];
  for (const args of [
    ["check", "mine"],
    ["scenarios", "mine"],
    ["models", "--catalog", "prices.yaml"],
    run,
  ]) {
    expect(await runCommand(args, terminal), args.join(" ")).toBe(0);
  }
  expect(written.stdout).toContain("run mine/two-people.yaml\n");
  expect(written.stdout).toContain("ferry-1");
  expect(readdirSync(join(user, "out"))).toContain("conversation.json");

  expect(await runCommand(["run", "mine/two-people.yaml", "--turns", "1"], terminal)).toBe(0);
  expect(readdirSync(join(user, "dramatis-out"))).toEqual([expect.stringMatching(/^two-people-/)]);
});
