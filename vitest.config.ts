import { globSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

const root = import.meta.dirname;
const all = "test/**/*.test.ts";
/** Their modules are replaced, so they can share them with no other file. */
const mocking = globSync(all, { cwd: root }).filter((file) =>
  readFileSync(join(root, file), "utf8").includes("vi.mock("),
);
/** They measure what real time passes, and so run after the others, by themselves. */
const timed = [
  "test/model/pace/shared-processes.test.ts",
  "test/model/limit.test.ts",
  "test/scenario/hostile-files.test.ts",
  "test/vault/killed-writer.test.ts",
];

export default defineConfig({
  test: {
    // No test reads the vault of whoever runs it, nor does a process that a test starts.
    env: { DRAMATIS_VAULT: join(root, "node_modules", "no-vault.json") },
    globalSetup: "test/store/store-template.ts",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["dot"],
    coverage: { provider: "v8", include: ["src/**/*.ts", "tools/**/*.ts"], reporter: ["text-summary"] },
    // Much of the time goes into waiting for processes and databases: with as many workers as there are cores, some would be idle.
    maxWorkers: availableParallelism() + 1,
    projects: [
      // To load the modules anew for every file would take longer than all their tests.
      {
        extends: true,
        test: { name: "shared", include: [all], exclude: [...mocking, ...timed], isolate: false },
      },
      { extends: true, test: { name: "mocking", include: mocking } },
      {
        extends: true,
        test: { name: "timed", include: timed, isolate: false, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
