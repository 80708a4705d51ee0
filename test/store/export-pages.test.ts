/** Reading a run in pages, on both engines: everything once, in order, and never much at a time. */
import { beforeAll, describe, expect, it } from "vitest";
import {
  batchesOf,
  conversationPages,
  type StoredConversation,
  type StoredOutcome,
  turnsOf,
} from "../../src/store/export-pages.ts";
import type { Sql } from "../../src/store/sql.ts";
import type { Store } from "../../src/store/store.ts";
import { onEachEngine } from "./engines.ts";
import { storeRun } from "./stored-run.ts";

async function pagesOf(sql: Sql, runId: string): Promise<StoredConversation[][]> {
  const pages: StoredConversation[][] = [];
  for await (const page of conversationPages(sql, runId)) pages.push(page);
  return pages;
}

onEachEngine("the pages of a run", ({ open }) => {
  let store: Store;
  beforeAll(async () => {
    store = await open();
  }, 60_000);

  it("are all conversations in their order, a hundred rows a statement at most", async () => {
    await storeRun(
      store,
      "long",
      Array.from({ length: 250 }, () => ({ record: undefined })),
    );
    const sizes: number[] = [];
    const counted: Sql = {
      ...store.sql,
      async query<Row extends object>(text: string, values?: readonly unknown[]) {
        const rows = await store.sql.query<Row>(text, values);
        sizes.push(rows.length);
        return rows;
      },
    };
    const positions = (await pagesOf(counted, "long")).flat().map(({ position }) => position);
    expect(positions).toEqual(Array.from({ length: 250 }, (_, position) => position));
    expect(sizes).toEqual([1, 100, 100, 50]);
  });

  it("say what became of a conversation, and nothing of one that has not ended", async () => {
    await storeRun(store, "two", [{ record: {}, arm: "a" }, { record: undefined }]);
    const pages = await pagesOf(store.sql, "two");
    const [ended, waiting] = pages.flat();
    expect(ended).toMatchObject({
      arm: "a",
      status: "completed",
      outcome: { turns: 4, failures: 2, seed: 100, ending: { kind: "consensus" } },
    });
    expect(waiting).toMatchObject({ arm: undefined, status: "waiting", outcome: undefined });
    expect(await pagesOf(store.sql, "none")).toEqual([]);
  });

  it("give each conversation its own turns, in their order", async () => {
    await storeRun(store, "three", [{ record: {} }, { record: undefined }, { record: {} }]);
    const [page = []] = await pagesOf(store.sql, "three");
    const turns = await turnsOf(store.sql, page);
    expect([...turns].map(([id, those]) => [id, those.map(({ turn }) => turn)])).toEqual([
      ["three-1", [1, 2, 4, 5]],
      ["three-2", []],
      ["three-3", [1, 2, 4, 5]],
    ]);
  });
});

describe("conversations whose turns are read together", () => {
  const withTurns = (turns: number): StoredConversation => ({
    id: String(turns),
    runId: "run",
    scenario: "s",
    position: 0,
    arm: undefined,
    settings: {},
    status: "completed",
    startedAt: undefined,
    outcome: { turns } as StoredOutcome,
  });
  it.each([
    { turns: [], batches: [] },
    { turns: [4, 6, 1], batches: [[4, 6], [1]] },
    { turns: [30, 2, 8, 0, 9], batches: [[30], [2, 8, 0], [9]] },
    { turns: [9, 30, 1], batches: [[9], [30], [1]] },
  ])("have ten turns in all, or are one: $turns", ({ turns, batches }) => {
    const got = batchesOf(turns.map(withTurns), 10);
    expect(got.map((batch) => batch.map(({ outcome }) => outcome?.turns))).toEqual(batches);
  });
});
