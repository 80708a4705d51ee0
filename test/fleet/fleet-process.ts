/** A worker in a process of its own, to be killed: holds the conversations of a run until the run is over. */

import { loadScenario } from "../../src/scenario/scenario.ts";
import { shippedFolder } from "../../src/scenario/shipped-folder.ts";
import { openSimulations } from "../../src/simulation/simulations.ts";
import { progressOf } from "../../src/store/progress.ts";
import { openStore } from "../../src/store/store.ts";

export interface WorkerTask {
  store: string;
  /** Of the provider. */
  baseUrl: string;
  name: string;
  concurrency: number;
  run: { id: string; conversations: number; turns: number; maxCostUsd?: number | undefined };
}

/** What it tells whoever started it. */
export type WorkerMessage =
  | { kind: "working" }
  | { kind: "problem"; conversationId: string | undefined; code: string; message: string }
  | { kind: "over" };

const tell = (message: WorkerMessage) => process.send?.(message);

const task = JSON.parse(process.argv[2] ?? "{}") as WorkerTask;
const { run } = task;
const shipped = loadScenario(`${shippedFolder("scenarios")}/product-roundtable.yaml`);
const scenario = { ...shipped, endings: [{ maxTurns: run.turns }] };

const store = await openStore(task.store);
const simulations = await openSimulations(store, {
  apiKey: "sk-fleet",
  baseUrl: task.baseUrl,
  offline: undefined,
});
await simulations.plan({
  id: run.id,
  scenario,
  conversations: run.conversations,
  seed: 1,
  maxCostUsd: run.maxCostUsd,
});
const worker = await simulations.work({
  name: task.name,
  concurrency: task.concurrency,
  onProblem: (conversation, error) => {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    tell({ kind: "problem", conversationId: conversation?.conversationId, code, message });
  },
});
tell({ kind: "working" });

const isOver = async () => {
  const { byStatus } = await progressOf(store.sql, run.id);
  return (byStatus.waiting ?? 0) + (byStatus.running ?? 0) === 0;
};
const timer = setInterval(async () => {
  if (!(await isOver().catch(() => false))) return;
  clearInterval(timer);
  await worker.stop();
  await simulations.close();
  await store.close();
  tell({ kind: "over" });
  process.disconnect?.();
}, 500);
