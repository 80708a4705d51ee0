import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // No test reads the vault of whoever runs it, nor does a process that a test starts.
    env: { DRAMATIS_VAULT: join(import.meta.dirname, "node_modules", "no-vault.json") },
    testTimeout: 30_000,
    // Much of the time goes into waiting for processes and databases: the default, one worker less than there are cores, would leave one of two idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ["dot"],
    coverage: { provider: "v8", include: ["src/**/*.ts", "tools/**/*.ts"], reporter: ["text-summary"] },
  },
});
