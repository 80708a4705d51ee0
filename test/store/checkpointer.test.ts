/** Checkpoints in a store: forks of one checkpoint keep what is theirs, and a conversation goes on in another process. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Annotation, type BaseCheckpointSaver, StateGraph } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { expect, it } from "vitest";
import { onEachEngine } from "./engines.ts";

const State = Annotation.Root({
  said: Annotation<string[]>({ reducer: (before, more) => [...before, ...more], default: () => [] }),
});

/** Says what it is told; two nodes, so that there is a checkpoint in the middle. */
const graphOn = (checkpointer: BaseCheckpointSaver) =>
  new StateGraph(State)
    .addNode("first", () => ({ said: ["first"] }))
    .addNode("second", () => ({ said: ["second"] }))
    .addEdge("__start__", "first")
    .addEdge("first", "second")
    .compile({ checkpointer });

/** Two branches of one checkpoint, and what is read of each afterwards. */
async function fork(checkpointer: BaseCheckpointSaver): Promise<unknown[]> {
  const graph = graphOn(checkpointer);
  const thread = { configurable: { thread_id: crypto.randomUUID() } };
  await graph.invoke({ said: ["begin"] }, thread);
  let middle: Awaited<ReturnType<typeof graph.getState>> | undefined;
  for await (const snapshot of graph.getStateHistory(thread)) {
    if (snapshot.next[0] === "second") middle = snapshot;
  }
  if (middle === undefined) throw new Error("There is no checkpoint between the two nodes.");
  const branches = ["left", "right"].map((word) =>
    graph.updateState(middle.config, { said: [word] }, "first"),
  );
  const configs = await Promise.all(branches);
  for (const config of configs) await graph.invoke(null, config);
  const read = await Promise.all(configs.map((config) => graph.getState(config)));
  return read.map(({ values }) => values.said);
}

const BRANCHES = [
  ["begin", "first", "left"],
  ["begin", "first", "right"],
];

onEachEngine("a checkpointer", ({ address, open }) => {
  it("keeps two forks of one checkpoint apart", async () => {
    const store = await open();
    expect(await fork(store.checkpointer)).toEqual(BRANCHES);
  });

  it("does what the plain saver does not", async () => {
    const store = await open();
    const plain = new PostgresSaver(store.pool, undefined, { schema: "plain" });
    await plain.setup();
    expect(await fork(plain)).not.toEqual(BRANCHES);
  });

  it("lets a conversation that reached its budget go on with a higher cap after its process ended", async () => {
    const place = await address();
    // Each a process of its own, one after the other.
    const hold = (maxCostUsd: number) =>
      JSON.parse(
        execFileSync(
          process.execPath,
          [join(import.meta.dirname, "budget-process.ts"), place, String(maxCostUsd)],
          {
            encoding: "utf8",
          },
        ),
      );
    const capped = hold(0.002);
    expect(capped).toMatchObject({ status: "budget" });
    const { turns, costNanoUsd } = hold(1);
    expect(turns.length).toBeGreaterThan(capped.turns.length);
    expect(turns.slice(0, capped.turns.length)).toEqual(capped.turns);
    expect(capped.costNanoUsd).toBeGreaterThan(0);
    expect(costNanoUsd).toBeGreaterThan(capped.costNanoUsd);
  });
});
