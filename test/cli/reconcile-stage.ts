/** A store whose runs ask an offline server at times of the test's choice, and `dramatis reconcile` beside that server's bill. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { runCommand } from "../../src/cli/program.ts";
import { generateReply } from "../../src/offline/generator/generator.ts";
import {
  createOfflineServer,
  type OfflineServer,
  type OfflineServerOptions,
} from "../../src/offline/server.ts";
import { loadScenario } from "../../src/scenario/scenario.ts";
import type { SimulationPlan } from "../../src/simulation/planning.ts";
import { openSimulations } from "../../src/simulation/simulations.ts";
import type { Sql } from "../../src/store/sql.ts";
import { openStore } from "../../src/store/store.ts";
import { ADMIN_KEY } from "../organization/sample-organization.ts";
import { type SampleTerminalOptions, sampleTerminal } from "./sample-terminal.ts";
import { TWO_PEOPLE } from "./two-people.ts";

export interface ReconcileStage {
  server: OfflineServer;
  /** Of the store. */
  address: string;
  /** The server's time, milliseconds since 1970. */
  now: number;
  /** Called before each answer is written, with how many there were. */
  onAnswer: ((count: number) => void) | undefined;
  /** Holds a run of conversations of two people to its end. */
  hold(
    plan: Partial<SimulationPlan> & { id: string },
    account?: { apiKey?: string; fetch?: typeof globalThis.fetch },
  ): Promise<void>;
  /** Does something in the store, as nobody should. */
  inStore<T>(use: (sql: Sql) => Promise<T>): Promise<T>;
  reconcile(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }>;
  reconcileIn(
    options: SampleTerminalOptions,
    ...args: string[]
  ): Promise<{ exitCode: number; stdout: string; stderr: string }>;
  close(): Promise<void>;
}

export async function openReconcileStage(
  now: number,
  options: Partial<OfflineServerOptions> = {},
): Promise<ReconcileStage> {
  const folder = mkdtempSync(join(tmpdir(), "dramatis-reconcile-"));
  const file = join(folder, "two-people.yaml");
  writeFileSync(file, TWO_PEOPLE);
  const catalog = loadCatalog();
  let answers = 0;
  const time: Pick<ReconcileStage, "now" | "onAnswer"> = { now, onAnswer: undefined };
  const server = createOfflineServer({
    models: [...catalog.models.values()],
    adminKey: ADMIN_KEY,
    clock: () => time.now,
    generator(request) {
      time.onAnswer?.(++answers);
      return generateReply(request);
    },
    ...options,
  });
  const { url, close } = await server.listen();
  const address = join(folder, "store");
  const env = {
    OPENAI_ADMIN_KEY: ADMIN_KEY,
    OPENAI_ADMIN_BASE_URL: `${url}/v1`,
    DRAMATIS_STORE: address,
  };

  const stage: ReconcileStage = Object.assign(time, {
    server,
    address,
    async hold(plan, { apiKey = "sk-ours", fetch = server.fetch } = {}) {
      const store = await openStore(address);
      const simulations = await openSimulations(store, {
        apiKey,
        baseUrl: `${url}/v1`,
        fetch,
        catalog,
        env: {},
        clock: () => time.now,
        waves: { lookMs: 5, firstPollMs: 1, mostPollMs: 5, settleMs: 0 },
      });
      await simulations.plan({ scenario: loadScenario(file), conversations: 2, seed: 7, ...plan });
      const worker = await simulations.work({ name: "test", concurrency: 2 });
      await simulations.ended(plan.id);
      await worker.stop();
      await simulations.close();
      await store.close();
    },
    async inStore(use) {
      const store = await openStore(address);
      try {
        return await use(store.sql);
      } finally {
        await store.close();
      }
    },
    reconcile: (...args) => stage.reconcileIn({}, ...args),
    async reconcileIn(options, ...args) {
      const { terminal, written } = sampleTerminal({
        columns: 80,
        ...options,
        env: { ...env, ...options.env },
      });
      const exitCode = await runCommand(["reconcile", ...args], { ...terminal, clock: () => time.now });
      return { exitCode, ...written };
    },
    async close() {
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  } satisfies Omit<ReconcileStage, "now" | "onAnswer">);
  return stage;
}
