/** Under a Node that is too old, the program and a program of somebody's own end at once and say why. */
import { expect, it, vi } from "vitest";
import { openDramatis } from "../../src/app.ts";
import { runCommand } from "../../src/cli/program.ts";
import { sampleTerminal } from "./sample-terminal.ts";

vi.mock("../../src/domain/node-version.ts", async (original) => {
  const { checkNode } = await original<typeof import("../../src/domain/node-version.ts")>();
  return { checkNode: () => checkNode("20.20.2") };
});

it("the program prints one line and exits with 1", async () => {
  const { terminal, written } = sampleTerminal();
  expect(await runCommand(["run", "product-roundtable"], terminal)).toBe(1);
  expect(written.stdout).toBe("");
  expect(written.stderr).toMatch(/^Dramatis needs Node 22\.12 or newer; this is Node 20\.20\.2\..*\n$/);
});

it("openDramatis refuses", async () => {
  await expect(openDramatis({ env: {} })).rejects.toThrow("Dramatis needs Node 22.12 or newer");
});
