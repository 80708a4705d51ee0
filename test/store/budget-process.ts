/** A process that holds a conversation in a store up to a cap, or goes on with it, and ends: <address> <dollars>. */
import { openDramatis } from "../../src/app.ts";
import { findScenario } from "../../src/scenario/find-scenario.ts";
import { openStore } from "../../src/store/store.ts";

const [address = "", maxCostUsd = ""] = process.argv.slice(2);
const store = await openStore(address);
const dramatis = await openDramatis({ offline: true });
const graph = dramatis.conversation(findScenario("product-roundtable"), { checkpointer: store.checkpointer });
const thread = { configurable: { thread_id: "roundtable" } };
const { values } = await graph.getState(thread);
const isBegun = (values as { turns?: unknown[] }).turns !== undefined;
const context = { maxTurns: 8, budget: { maxCostUsd: Number(maxCostUsd) } };
const { turns, status, totals } = await graph.invoke(isBegun ? {} : { seed: 7 }, { ...thread, context });
await store.close();
process.stdout.write(
  JSON.stringify({ status, turns: turns.map(({ message }) => message), costNanoUsd: totals.costNanoUsd }),
);
