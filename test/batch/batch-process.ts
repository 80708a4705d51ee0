/** Holds a run by batch in a process of its own, which kills itself at the moment that it is told. */
import { loadScenario } from "../../src/scenario/scenario.ts";
import { shippedFolder } from "../../src/scenario/shipped-folder.ts";
import { openSimulations } from "../../src/simulation/simulations.ts";
import { openCount, progressOf } from "../../src/store/progress.ts";
import { openStore } from "../../src/store/store.ts";
import type { BatchTask, KillAt, Phase } from "./batch-task.ts";

const SETTLE_MS = 400;

const task = JSON.parse(process.argv[2] ?? "{}") as BatchTask;
const { run, kill } = task;

const die = () => process.kill(process.pid, "SIGKILL");
let left = kill?.skip ?? 0;
/** Undefined: the moment has not come yet. */
let statementsLeft: number | undefined;

function come(phase: Phase, when: KillAt["when"]): void {
  if (kill === undefined || phase !== kill.phase || when !== kill.when || statementsLeft !== undefined)
    return;
  left -= 1;
  if (left >= 0) return;
  statementsLeft = kill.statements;
  if (statementsLeft === 0) die();
}

function phaseOf(method: string, path: string): Phase | undefined {
  if (method === "DELETE") return "clearing";
  if (path.endsWith("/content")) return "results";
  if (path.endsWith("/files")) return method === "POST" ? "upload" : undefined;
  if (path.endsWith("/batches")) return method === "POST" ? "create" : undefined;
  return path.includes("/batches/") ? "poll" : undefined;
}

const watched: typeof globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const phase = phaseOf(request.method, new URL(request.url).pathname);
  if (phase !== undefined) come(phase, "before");
  const response = await fetch(input, init);
  if (phase !== undefined) come(phase, "after");
  return response;
};

const shipped = loadScenario(`${shippedFolder("scenarios")}/product-roundtable.yaml`);
const scenario = { ...shipped, endings: [{ maxTurns: run.turns }], budget: undefined };
const store = await openStore(task.store, {
  onStatement() {
    if (kill?.phase === "parking") come("parking", kill.when);
    if (statementsLeft === undefined) return;
    statementsLeft -= 1;
    if (statementsLeft < 0) die();
  },
});
const simulations = await openSimulations(store, {
  apiKey: "sk-batch",
  baseUrl: task.baseUrl,
  fetch: watched,
  waves: { lookMs: 20, firstPollMs: 10, mostPollMs: 50, settleMs: SETTLE_MS },
});
await simulations.plan({ ...run, scenario, seed: 1 });
const worker = await simulations.work({
  name: "batch",
  concurrency: task.concurrency,
  runId: run.id,
  onProblem: (conversation, error) => {
    process.stderr.write(
      `${conversation?.conversationId ?? ""} ${error instanceof Error ? error.stack : error}\n`,
    );
  },
});
while (openCount(await progressOf(store.sql, run.id)) > 0)
  await new Promise((resolve) => setTimeout(resolve, 100));
await worker.stop();
await simulations.close();
await store.close();
