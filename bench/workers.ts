/**
 * How three workers do beside one: real processes on a real Postgres, with a server that takes 200 ms for an answer. Each
 * worker has so few conversations at a time that what limits it is the server's latency, not this machine's processors.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { loadScenario } from "../src/scenario/scenario.ts";
import { shippedFolder } from "../src/scenario/shipped-folder.ts";
import { openSimulations } from "../src/simulation/simulations.ts";
import { openStore, type Store } from "../src/store/store.ts";
import { startPostgres } from "../test/store/postgres-server.ts";
import { messageOf, start } from "./child.ts";

interface Timing {
  workers: number;
  seconds: number;
  /** Of the workers alone, over what the machine has. */
  cpuShare: number;
  completed: number;
}

const LATENCY_MS = 200;
/** Of each worker. */
const CONCURRENCY = 4;
const TURNS = 8;
/** Times the concurrency of three workers, so that the last ones weigh little. */
const ROUNDS = 8;
const MOST_RATIO = 0.37;
const POLL_MS = 20;
const RUN = "workers";

const scenario = loadScenario(`${shippedFolder("scenarios")}/product-roundtable.yaml`);

async function answerServer(): Promise<{ url: string; close(): void }> {
  const child = start("./answer-server.ts", [JSON.stringify({ latencyMs: LATENCY_MS })]);
  return { url: await messageOf<string>(child, "server"), close: () => child.disconnect() };
}

/** A worker that has opened its store and waits for work. */
async function startWorker(
  address: string,
  { url, concurrency, name }: { url: string; concurrency: number; name: string },
) {
  const args = ["worker", "--store", address, "--concurrency", String(concurrency), "--name", name, "--json"];
  const child = spawn(process.execPath, [new URL("../src/cli/main.ts", import.meta.url).pathname, ...args], {
    env: { ...process.env, OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: "offline" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false }))
    if (String(chunk).includes('"event":"started"')) break;
  child.stdout.resume();
  return { child, exited };
}

const countOf = async ({ sql }: Store, where: string) => {
  const [row] = await sql.query<{ count: number }>(
    `select count(*)::int as count from dramatis.conversations where run_id = '${RUN}' and ${where}`,
  );
  return row?.count ?? 0;
};

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

/** Loads what is loaded once, in every worker, before anything is timed. */
async function warm(
  store: Store,
  plan: (id: string, conversations: number) => Promise<unknown>,
  workers: number,
  concurrency: number,
) {
  const conversations = workers * concurrency * 2;
  await plan("warm", conversations);
  await until(async () => {
    const [row] = await store.sql.query<{ count: number }>(
      "select count(*)::int as count from dramatis.conversations where run_id = 'warm' and status = 'completed'",
    );
    return row?.count === conversations;
  });
}

const cpuSeconds = async (children: readonly ChildProcess[]): Promise<number> => {
  const { readFileSync } = await import("node:fs");
  return children.reduce((sum, { pid }) => {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      return sum + (Number(fields[11]) + Number(fields[12])) / 100;
    } catch {
      return Number.NaN;
    }
  }, 0);
};

async function time(
  address: string,
  {
    url,
    workers,
    conversations,
    turns,
    concurrency,
  }: Record<"workers" | "conversations" | "turns" | "concurrency", number> & { url: string },
): Promise<Timing> {
  const store = await openStore(address);
  const simulations = await openSimulations(store, { offline: true });
  const started: Awaited<ReturnType<typeof startWorker>>[] = [];
  const plan = (id: string, count: number) =>
    simulations.plan({
      id,
      scenario: { ...scenario, endings: [{ maxTurns: turns }], budget: undefined },
      conversations: count,
      seed: 7,
    });
  try {
    for (let index = 0; index < workers; index++)
      started.push(await startWorker(address, { url, concurrency, name: `worker-${index + 1}` }));
    await warm(store, plan, workers, concurrency);
    const children = started.map(({ child }) => child);
    const cpuBefore = await cpuSeconds(children);
    const startedAt = performance.now();
    await plan(RUN, conversations);
    await until(async () => (await countOf(store, "ended_at is null")) === 0);
    const seconds = (performance.now() - startedAt) / 1000;
    const cpu = (await cpuSeconds(children)) - cpuBefore;
    return {
      workers,
      seconds,
      cpuShare: cpu / seconds / availableParallelism(),
      completed: await countOf(store, "status = 'completed'"),
    };
  } finally {
    for (const { child } of started) child.kill("SIGTERM");
    await Promise.all(started.map(({ exited }) => exited));
    await simulations.close();
    await store.close();
  }
}

export async function benchWorkers(
  json: boolean,
  numbers: Readonly<Record<string, number | undefined>>,
): Promise<boolean> {
  const { turns = TURNS, concurrency = CONCURRENCY } = numbers;
  const { conversations = 3 * concurrency * ROUNDS } = numbers;
  const postgres = await startPostgres();
  const server = await answerServer();
  try {
    const timed = async (workers: number) =>
      await time(await postgres.database(), { url: server.url, workers, conversations, turns, concurrency });
    const one = await timed(1);
    const three = await timed(3);
    const ratio = three.seconds / one.seconds;
    const passed =
      ratio <= MOST_RATIO && one.completed === conversations && three.completed === conversations;
    if (json) {
      const found = { conversations, turns, concurrency, latencyMs: LATENCY_MS, one, three, ratio };
      process.stdout.write(`${JSON.stringify({ bench: "workers", ...found, bound: MOST_RATIO, passed })}\n`);
      return passed;
    }
    console.table(
      [one, three].map(({ workers, seconds, cpuShare, completed }) => ({
        workers,
        completed: `${completed} of ${conversations}`,
        seconds: Number(seconds.toFixed(1)),
        "workers' share of the processors": `${(cpuShare * 100).toFixed(0)}%`,
      })),
    );
    process.stdout.write(
      `Three workers took ${ratio.toFixed(3)} of the time of one (bound ${MOST_RATIO}): ${conversations} conversations of ${turns} turns, ${concurrency} at a time each, ${LATENCY_MS} ms latency.\n`,
    );
    return passed;
  } finally {
    server.close();
    await postgres.stop();
  }
}
