/** `--tier flex` of `run` and `simulate`: what it costs and shows, and what is refused before anything is paid. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../src/cli/program.ts";
import { newStore } from "../store/new-store.ts";
import { sampleTerminal } from "./sample-terminal.ts";
import { TWO_PEOPLE } from "./two-people.ts";

const folder = mkdtempSync(join(tmpdir(), "dramatis-tier-"));
const file = join(folder, "two-people.yaml");
beforeAll(async () => {
  writeFileSync(file, TWO_PEOPLE);
  await newStore(join(folder, "store"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function command(args: string[]) {
  const { terminal, written } = sampleTerminal({ env: { DRAMATIS_STORE: join(folder, "store") } });
  const exitCode = await runCommand(args, terminal);
  return { exitCode, ...written };
}
const dramatis = (...args: string[]) => command([...args, "--offline"]);
const run = (...flags: string[]) =>
  dramatis("run", file, "--seed", "7", "--out", join(folder, "out"), ...flags);
const FLEX = ["--tier", "flex", "--model", "gpt-5-mini"];

describe("dramatis run --tier flex", () => {
  it("costs half, by the server's bill, and says so by tier", async () => {
    const costOf = async (...flags: string[]) => {
      const { usage, offline } = JSON.parse((await run("--json", ...flags)).stdout);
      expect(usage.costNanoUsd).toBe(offline.bill.costNanoUsd);
      return usage;
    };
    const [full, half] = [await costOf("--model", "gpt-5-mini"), await costOf(...FLEX)];
    expect(2 * half.costNanoUsd).toBe(full.costNanoUsd);
    expect(half.byTier).toMatchObject({ flex: { costNanoUsd: half.costNanoUsd, requests: half.requests } });
    expect(Object.keys(full.byTier)).toEqual(["standard"]);
    const { stdout } = await run("--quiet", ...FLEX);
    expect(stdout).toMatch(/\n {2}tier\n {2}flex +\d/);
  });

  it.each([
    [
      ["--tier", "flex"],
      /gpt-4\.1.* is not offered at the tier flex; those that are: gpt-5, .*--tier-fallback standard/,
    ],
    [["--tier-fallback", "standard"], /Add tier: "flex" \(--tier flex\)/],
    [["--tier", "batch"], /--tier <tier>.*Allowed choices are standard, flex/],
  ])("%j is refused", async (flags, message) => {
    const { exitCode, stderr } = await run(...flags);
    expect(exitCode).toBe(1);
    expect(stderr.replaceAll(/\s+/g, " ")).toMatch(message);
  });

  it("asks at standard what flex does not offer, where that is the fallback", async () => {
    const { exitCode, stdout } = await run("--json", "--tier", "flex", "--tier-fallback", "standard");
    expect(exitCode).toBe(0);
    expect(Object.keys(JSON.parse(stdout).usage.byTier)).toEqual(["standard"]);
  });
});

describe("dramatis simulate --tier flex", () => {
  it("holds every conversation at flex, and tells what that cost", async () => {
    const simulate = ["simulate", file, "--runs", "2", "--seed", "7", "--id", "flex", ...FLEX];
    const { exitCode, stdout } = await dramatis(...simulate, "--json");
    const { byTier, costNanoUsd, requests } = JSON.parse(stdout);
    expect(exitCode).toBe(0);
    expect(byTier).toMatchObject({ flex: { costNanoUsd, requests } });
    expect((await dramatis(...simulate)).stdout).toMatch(/flex: \d+ requests, \$0\.\d+/);
    const other = await dramatis(...simulate.slice(0, -4));
    expect(other).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("another run flex") });
  });

  it.each([
    [["--tier", "flex"], "is not offered at the tier flex"],
    [[...FLEX, "--transport", "batch"], "a batch has its own price"],
  ])("with %j writes no run that cannot be held", async (flags, message) => {
    const { exitCode, stderr } = await dramatis("simulate", file, "--id", "none", ...flags);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(message);
    expect((await command(["show", "none"])).stderr).toContain('There is no run "none"');
  });
});
