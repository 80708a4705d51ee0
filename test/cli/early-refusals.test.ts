/** What is wrong with what was typed is said before a store is opened, or made. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { runCommand } from "../../src/cli/program.ts";
import { shippedFolder } from "../../src/scenario/shipped-folder.ts";
import { sampleTerminal } from "./sample-terminal.ts";
import { TWO_PEOPLE } from "./two-people.ts";

const folder = mkdtempSync(join(tmpdir(), "dramatis-early-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const scenario = join(folder, "two-people.yaml");
writeFileSync(scenario, TWO_PEOPLE);
const broken = join(folder, "broken.yaml");
writeFileSync(broken, "id: broken\n");
const experiment = join(shippedFolder("experiments"), "who-speaks-next.yaml");
const missing = join(folder, "missing");

it.each([
  [["worker"], /There is no key.*--offline/],
  [["worker", "--key-file", missing], /missing/],
  [["worker", "--offline", "--catalog", missing], /missing/],
  [["simulate", scenario, "--id", "not an id"], /A run's id: expected up to 100 letters.*got "not an id"/],
  [["simulate", experiment, "--id", "not an id"], /A run's id/],
  [["simulate", scenario, "--model", "gpt-nil"], /--model: .*gpt-nil/],
  [["simulate", scenario, "--key-file", missing], /missing/],
  [["simulate", scenario, "--catalog", missing], /missing/],
  [["simulate", broken], /broken\.yaml/],
  [["simulate", experiment, "--runs", "3"], /--runs: an experiment's file says/],
  [
    ["simulate", join(folder, "nowhere.yaml")],
    /nowhere\.yaml[\s\S]*expected a file, got nothing\s+check the path/,
  ],
])("%j", async (args, message) => {
  const store = join(folder, "store");
  const env = { DRAMATIS_VAULT: join(folder, "no-vault.json") };
  const { terminal, written } = sampleTerminal({ env });
  expect(await runCommand([...args, "--store", store], terminal)).toBe(1);
  expect(written.stderr).toMatch(message);
  expect(written.stdout).toBe("");
  expect([existsSync(store), existsSync(`${store}.lock`)]).toEqual([false, false]);
});
