/** `dramatis quote`, from arguments to output. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../src/cli/program.ts";
import { sampleTerminal } from "./sample-terminal.ts";
import { TWO_PEOPLE } from "./two-people.ts";

const folder = mkdtempSync(join(tmpdir(), "dramatis-quote-"));
const file = join(folder, "two-people.yaml");
const catalog = join(folder, "catalog.yaml");
beforeAll(() => {
  writeFileSync(file, TWO_PEOPLE);
  writeFileSync(catalog, "models:\n  local: { contextWindow: 8000, maxOutput: 1000 }\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function quote(...args: string[]) {
  const { terminal, written } = sampleTerminal({ env: { OPENAI_API_KEY: "sk-proj-MARKED0123456789" } });
  const exitCode = await runCommand(["quote", file, ...args], terminal);
  return { exitCode, ...written };
}

describe("dramatis quote", () => {
  it("prints prices by persona, also where a key is set, and writes nothing else", async () => {
    const { exitCode, stdout, stderr } = await quote();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/Ana Lund .*\$0\.\d+/);
    expect(stdout).toMatch(/At most: 4 turns/);
    expect(stdout).not.toContain("MARKED");
  });

  it("takes the flags of a run, and prints one JSON object with --json", async () => {
    const flags = ["--json", "--turns", "3", "--seed", "9", "--runs", "10", "--model", "gpt-4.1"];
    const { stdout } = await quote(...flags, "--max-cost", "0.5", "--complexity", "high");
    const json = JSON.parse(stdout);
    expect(json).toMatchObject({
      version: 1,
      scenario: { id: "two-people" },
      runs: 10,
      worst: { maxTurns: 3 },
      budget: { capNanoUsd: 500_000_000, canHold: true, reachedBy: 0 },
    });
    expect(json.samples.map(({ seed, turns }: { seed: number; turns: number }) => [seed, turns])).toEqual([
      [9, 3],
      [10, 3],
      [11, 3],
    ]);
    expect(Object.keys(json.expected.byModel)).toEqual(["gpt-4.1"]);
    expect(json.worst.bound.total.costNanoUsd).toBeGreaterThan(json.expected.total.costNanoUsd);
  });

  it("says null in JSON of what is unknown", async () => {
    const { stdout } = await quote("--json", "--catalog", catalog, "--model", "local");
    expect(JSON.parse(stdout)).toMatchObject({
      expected: { total: { costNanoUsd: null } },
      worst: { bound: { total: { costNanoUsd: null } } },
      budget: null,
      unpricedModels: ["local"],
    });
  });

  it.each([
    [["--runs", "0"], /--runs/],
    [["--model", "gpt-4.1-nani"], /--model: .*gpt-4\.1-nano/],
    [["--turns", "1000000000", "--runs", "1000000"], /\$9 million/],
  ])("%j is refused", async (args, message) => {
    const { exitCode, stderr } = await quote(...args);
    expect(exitCode).toBe(1);
    expect(stderr.replaceAll(/\s+/g, " ")).toMatch(message);
  });
});
