/** LangGraph's own suite for checkpointers. */
import { specTest } from "@langchain/langgraph-checkpoint-validation";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openStore, type Store } from "../../src/store/store.ts";
import { onEachEngine } from "./engines.ts";

/** The suite expects the functions of its runner as globals. */
Object.assign(globalThis, { describe, it, test: it, expect, beforeAll, afterAll, beforeEach, afterEach });

onEachEngine("store.checkpointer", ({ engine, address }) => {
  let store: Store;
  specTest(
    {
      checkpointerName: "by LangGraph's suite",
      beforeAllTimeout: 60_000,
      async beforeAll() {
        store = await openStore(await address());
      },
      createCheckpointer: () => store.checkpointer,
      async destroyCheckpointer() {
        await store.pool.query(
          "truncate dramatis.checkpoints, dramatis.checkpoint_blobs, dramatis.checkpoint_writes",
        );
      },
      async afterAll() {
        await store.close();
      },
    },
    // The hundreds of combinations of `list` are one statement on either engine.
    engine === "postgres" ? undefined : ["put", "putWrites", "getTuple", "deleteThread"],
  );
});
