/** Runs with everything a store can hold: ended and waiting conversations, requests of each state, checkpoints. */
import { MessagesAnnotation, StateGraph } from "@langchain/langgraph";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { createOfflineServer } from "../../src/offline/server.ts";
import { loadScenario } from "../../src/scenario/scenario.ts";
import type { SimulationPlan } from "../../src/simulation/planning.ts";
import { openSimulations } from "../../src/simulation/simulations.ts";
import type { Store } from "../../src/store/store.ts";

/** The offline server takes any. */
const OFFLINE_KEY = "offline";

const scenario = {
  ...loadScenario("scenarios/product-roundtable.yaml"),
  endings: [{ maxTurns: 3 }],
} as unknown as SimulationPlan["scenario"];

/** Holds the conversations of a run to their ends, offline; `faults` is the share of requests that go wrong. */
export async function simulate(
  store: Store,
  {
    id,
    conversations,
    faults,
    clock,
  }: { id: string; conversations: number; faults?: number; clock?: () => number },
): Promise<{ billNanoUsd: number | undefined; records: string[] }> {
  const server = createOfflineServer({
    models: [...loadCatalog().models.values()],
    recordRequests: false,
    ...(faults === undefined
      ? {}
      : { faults: { share: faults, seed: 5, kinds: ["429", "500", "reset-billed"] as const } }),
  });
  const simulations = await openSimulations(store, {
    apiKey: OFFLINE_KEY,
    baseUrl: "http://offline.invalid/v1",
    fetch: server.fetch,
    ...(clock === undefined ? {} : { clock }),
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const records: string[] = [];
  await simulations.plan({ id, scenario, conversations, seed: 7, maxCostUsd: 50 });
  const worker = await simulations.work({
    concurrency: 4,
    name: "test",
    onEnd(_, record) {
      records.push(JSON.stringify([record.status, record.turns.map(({ message }) => message)]));
      if (records.length === conversations) resolve();
    },
    onProblem: (_, error) => reject(error),
  });
  await promise;
  await worker.stop();
  await simulations.close();
  return { billNanoUsd: server.bill.costNanoUsd, records: records.sort() };
}

/** Plans conversations that nobody has begun. */
export async function planOnly(store: Store, { id, conversations }: { id: string; conversations: number }) {
  const simulations = await openSimulations(store, { offline: true });
  await simulations.plan({ id, scenario, conversations, seed: 7 });
  await simulations.close();
}

/** Values that are hard to carry: quotes, backslashes, JSON null next to no value, bytes, far numbers and times. */
export async function addOddRows(store: Store): Promise<void> {
  const text = "a 'quoted' \"text\" \\ with {braces}, NULL, \t tabs, \n lines, ünïcödé 🦉";
  await store.sql.query(
    `insert into dramatis.response_cache (key, completion, bytes, expires_at)
     values ($1, $2, 1, '2400-01-01T00:00:00.123456+05:30'), ('null', 'null', 0, 'infinity')`,
    [text, `{ "spaces":   1,"b": ${JSON.stringify(text)}, "b": 1e400 }`],
  );
  await store.sql.query(
    "insert into dramatis.paces (account, model, told_requests, told_tokens) values ('a', 'm', 0.1, 1e300)",
  );
}

/** A thread of a graph with a few checkpoints. */
export async function addThread(store: Store, threadId: string): Promise<void> {
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("speak", () => ({ messages: [{ role: "ai", content: "hello" }] }))
    .addEdge("__start__", "speak")
    .compile({ checkpointer: store.checkpointer });
  const thread = { configurable: { thread_id: threadId } };
  await graph.invoke({ messages: [{ role: "human", content: "hi" }] }, thread);
}
