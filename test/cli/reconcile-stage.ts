/** A store whose runs ask an offline server at times of the test's choice, and `dramatis reconcile` beside that server's bill. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { runCommand } from "../../src/cli/program.ts";
import {
  createOfflineServer,
  type OfflineServer,
  type OfflineServerOptions,
} from "../../src/offline/server.ts";
import { loadScenario } from "../../src/scenario/scenario.ts";
import type { SimulationPlan } from "../../src/simulation/planning.ts";
import {
  openSimulations,
  type Simulations,
  type SimulationsOptions,
} from "../../src/simulation/simulations.ts";
import type { Sql } from "../../src/store/sql.ts";
import { openStore } from "../../src/store/store.ts";
import { ADMIN_KEY } from "../organization/sample-organization.ts";
import { newStore } from "../store/new-store.ts";
import { sampleTerminal } from "./sample-terminal.ts";
import { TWO_PEOPLE } from "./two-people.ts";

/** With what is known to both: long enough for the provider's cache of prompts. */
const SCENARIO = TWO_PEOPLE.replace(
  "topic: Should",
  `topic: "${"The timetable of the ferry was made when the yard was young. ".repeat(90)}"\nx: Should`,
).replace(/\nx: .*/, "");

interface Result {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** A row of a ledger, as the store has it. */
export interface StoredEntry {
  conversation_id: string;
  position: number;
  model: string;
  tier: string;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  cost_nano_usd: number;
}

export interface ReconcileStage {
  server: OfflineServer;
  /** Of the store. */
  address: string;
  /** The server's time and that of the process, milliseconds since 1970. */
  now: number;
  /** Holds a run of conversations of two people to its end. */
  hold(plan: Partial<SimulationPlan> & { id: string }, options?: SimulationsOptions): Promise<void>;
  /** Lets failed conversations wait again. */
  retry(runId: string): Promise<void>;
  /** Does something in the store, as nobody should. */
  inStore<T>(use: (sql: Sql) => Promise<T>): Promise<T>;
  deleteEntry(conversation: string, position: number): Promise<StoredEntry>;
  insertEntry(entry: StoredEntry): Promise<void>;
  run(args: string[], env?: Record<string, string>): Promise<Result>;
  close(): Promise<void>;
}

export async function openReconcileStage(
  now: number,
  options: Partial<OfflineServerOptions> = {},
): Promise<ReconcileStage> {
  const folder = mkdtempSync(join(tmpdir(), "dramatis-reconcile-"));
  const file = join(folder, "two-people.yaml");
  writeFileSync(file, SCENARIO);
  const catalog = loadCatalog();
  const time = { now };
  const clock = () => time.now;
  const models = [...catalog.models.values()];
  const server = createOfflineServer({ models, adminKey: ADMIN_KEY, clock, ...options });
  const { url, close } = await server.listen();
  const address = await newStore(join(folder, "store"));
  const env = {
    OPENAI_ADMIN_KEY: ADMIN_KEY,
    OPENAI_ADMIN_BASE_URL: `${url}/v1`,
    DRAMATIS_STORE: address,
  };

  async function withSimulations(
    use: (simulations: Simulations) => Promise<unknown>,
    more: SimulationsOptions = {},
  ) {
    const store = await openStore(address);
    const simulations = await openSimulations(store, {
      apiKey: "sk-ours",
      baseUrl: `${url}/v1`,
      catalog,
      env: {},
      clock,
      waves: { lookMs: 5, firstPollMs: 1, mostPollMs: 5, settleMs: 0 },
      ...more,
    });
    await use(simulations);
    await simulations.close();
    await store.close();
  }

  async function inStore<T>(use: (sql: Sql) => Promise<T>): Promise<T> {
    const store = await openStore(address);
    try {
      return await use(store.sql);
    } finally {
      await store.close();
    }
  }

  return Object.assign(time, {
    server,
    address,
    hold: (plan, more) =>
      withSimulations(async (simulations) => {
        await simulations.plan({ scenario: loadScenario(file), conversations: 2, seed: 7, ...plan });
        const worker = await simulations.work({ name: "test", concurrency: 2 });
        await simulations.ended(plan.id);
        await worker.stop();
      }, more),
    retry: (runId) => withSimulations((simulations) => simulations.retry(runId)),
    inStore,
    async deleteEntry(conversation, position) {
      const [row] = await inStore((sql) =>
        sql.query<{ entry: StoredEntry }>(
          `delete from dramatis.usage_entries e where conversation_id = $1 and position = $2
           returning to_json(e) as entry`,
          [conversation, position],
        ),
      );
      if (row === undefined) throw new Error(`The ledger of ${conversation} has no entry at ${position}.`);
      return row.entry;
    },
    async insertEntry(entry) {
      const statement =
        "insert into dramatis.usage_entries select * from json_populate_record(null::dramatis.usage_entries, $1)";
      await inStore((sql) => sql.query(statement, [JSON.stringify(entry)]));
    },
    async run(args, more = {}) {
      const { terminal, written } = sampleTerminal({ columns: 80, env: { ...env, ...more } });
      const exitCode = await runCommand(args, { ...terminal, clock });
      return { exitCode, ...written };
    },
    async close() {
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  } satisfies Omit<ReconcileStage, "now">);
}
