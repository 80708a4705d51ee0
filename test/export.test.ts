/** A run's rows as programs get them, on both engines. */
import { beforeAll, expect, it } from "vitest";
import { exportConversations, exportTrainingExamples, exportTurns, type Store } from "../src/index.ts";
import { createArms } from "../src/store/arms.ts";
import { samplePersona } from "./domain/sample-persona.ts";
import { brokenRules } from "./report/fine-tuning-rules.ts";
import { sampleTurn, usage } from "./report/sample-record.ts";
import { onEachEngine } from "./store/engines.ts";
import { storedScenario, storeRun } from "./store/stored-run.ts";

const failed = { status: "failed", ending: { kind: "unreachable", evidence: "Turn 3." } } as const;

/** All that comes, in its order. */
async function all<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const got: Row[] = [];
  for await (const row of rows) got.push(row);
  return got;
}

onEachEngine("an export", ({ open }) => {
  let store: Store;
  beforeAll(async () => {
    store = await open();
  }, 60_000);

  it("is a row a turn, with its conversation's place, arm and seed and with exact money", async () => {
    await storeRun(store, "run1", [{ record: {}, arm: "gpt-4.1 × flat" }, { record: {} }]);
    const rows = await all(exportTurns(store, "run1"));
    expect(rows.map(({ conversation, turn, seed }) => `${conversation} ${turn} ${seed}`)).toEqual([
      ...["run1-1 1 100", "run1-1 2 100", "run1-1 4 100", "run1-1 5 100"],
      ...["run1-2 1 101", "run1-2 2 101", "run1-2 4 101", "run1-2 5 101"],
    ]);
    expect(rows[1]).toMatchObject({
      run: "run1",
      position: 0,
      arm: "gpt-4.1 × flat",
      status: "completed",
      scenario: "api-pricing",
      transport: "offline",
      speaker: "tomas-berg",
      name: "Tomáš Berg",
      role: "Staff engineer",
      model: "gpt-4.1",
      addressedTo: "lin-wei",
      citations: ["load-tests#2", "beta-usage#1"],
      requests: 2,
      costNanoUsd: 4_648_000,
      costUsd: "0.004648000",
      startedAt: "2026-03-02T09:00:01.000Z",
      durationMs: 812,
    });
    expect(rows[0]?.addressedTo).toBe("tomas-berg");
    expect(rows[2]?.addressedTo).toBeUndefined();
  });

  it("leaves out what did not complete, tells of each, and has it where it is asked for", async () => {
    await storeRun(store, "run2", [
      { record: failed },
      { record: {} },
      { record: { status: "budget" } },
      { record: undefined },
    ]);
    const leftOut: string[] = [];
    const onLeftOut = ({ id, status }: { id: string; status: string }) => leftOut.push(`${id} ${status}`);
    const rows = await all(exportConversations(store, "run2", { onLeftOut }));
    expect(rows.map(({ conversation }) => conversation)).toEqual(["run2-2"]);
    expect(leftOut).toEqual(["run2-1 failed", "run2-3 budget", "run2-4 waiting"]);
    const every = await all(exportConversations(store, "run2", { include: ["failed", "budget", "waiting"] }));
    expect(every.map(({ status, ending }) => [status, ending])).toEqual([
      ["failed", "unreachable"],
      ["completed", "consensus"],
      ["budget", "consensus"],
      ["waiting", undefined],
    ]);
    const turns = await all(exportTurns(store, "run2", { include: ["failed"] }));
    expect(new Set(turns.map(({ status }) => status))).toEqual(new Set(["failed", "completed"]));
  });

  it("says of a conversation what it was as a whole, and of one that has not ended only what was planned", async () => {
    await storeRun(store, "run3", [{ record: {} }, { record: undefined }]);
    const [ended, waiting] = await all(exportConversations(store, "run3", { include: ["waiting"] }));
    expect(ended).toMatchObject({
      turns: 4,
      failures: 2,
      requests: 7,
      reasoningTokens: 0,
      unpricedRequests: 0,
    });
    expect(Number(ended?.costUsd) * 1e9).toBeCloseTo(ended?.costNanoUsd ?? 0, 0);
    expect(ended?.durationMs).toBe(Date.parse(ended?.endedAt ?? "") - Date.parse(ended?.startedAt ?? ""));
    expect(Object.entries(waiting ?? {}).filter(([, value]) => value !== undefined)).toEqual([
      ["run", "run3"],
      ["conversation", "run3-2"],
      ["position", 1],
      ["seed", 101],
      ["status", "waiting"],
      ["scenario", "api-pricing"],
    ]);
  });

  it("leaves a cost unknown where it is, and says the most it can be", async () => {
    const unpriced = usage({ costNanoUsd: undefined, unpricedRequests: 1, unpricedBoundNanoUsd: 900 });
    await storeRun(store, "run4", [{ record: { turns: [sampleTurn({ usage: unpriced })] } }]);
    expect(await all(exportTurns(store, "run4"))).toMatchObject([
      { costNanoUsd: undefined, costUsd: undefined, unpricedRequests: 1, unpricedBoundNanoUsd: 900 },
    ]);
  });

  it("is a training example for each persona that spoke, of its own scenario, within the provider's rules", async () => {
    await storeRun(store, "run5", [{ record: {} }, { record: failed }]);
    const examples = await all(exportTrainingExamples(store, "run5"));
    expect(examples.flatMap(brokenRules)).toEqual([]);
    expect(examples).toHaveLength(3);
    for (const [index, id] of ["maya-okafor", "tomas-berg", "lin-wei"].entries()) {
      const system = examples[index]?.messages[0]?.content ?? "";
      expect(system).toContain(`# You are ${id} name`);
      expect(system.match(/[a-z]+-[a-z]+ note/g)).toEqual([`${id} note`]);
    }
    const [first] = examples;
    expect(first?.messages.filter(({ role }) => role === "assistant")).toHaveLength(2);
    const one = await all(exportTrainingExamples(store, "run5", { persona: "maya-okafor" }));
    expect(one).toEqual([first]);
  });

  it("is of one persona where it is asked for, and says who there is where there is no such one", async () => {
    await storeRun(store, "run6", [{ record: {} }]);
    const turns = await all(exportTurns(store, "run6", { persona: "tomas-berg" }));
    expect(turns.map(({ turn }) => turn)).toEqual([2]);
    await expect(all(exportTurns(store, "run6", { persona: "tomas" }))).rejects.toMatchObject({
      code: "unknown-name",
      message: expect.stringContaining("tomas-berg"),
    });
    await expect(all(exportTurns(store, "other"))).rejects.toMatchObject({
      code: "unknown-name",
    });
  });

  it("is a training example of an experiment as its arm tells the persona, whoever sits there in it", async () => {
    const another = samplePersona("ana-ruiz", { name: "Ana Ruiz", privateNotes: ["ana-ruiz note"] });
    await storeRun(store, "arms", [
      { record: {}, arm: "flat" },
      { record: { turns: [sampleTurn({ speaker: another.id })] }, arm: "guest" },
    ]);
    await createArms(store.sql, "arms", [
      { name: "flat", levels: {}, changes: {} },
      { name: "guest", levels: {}, changes: { topic: "Who pays for support?", cast: [another] } },
    ]);
    const examples = await all(exportTrainingExamples(store, "arms"));
    const systems = examples.map(({ messages }) => messages[0]?.content ?? "");
    expect(systems).toHaveLength(4);
    for (const system of systems.slice(0, 3)) expect(system).toContain(storedScenario.topic);
    expect(systems[3]).toContain("Who pays for support?");
    expect(systems[3]).toContain("ana-ruiz note");
    expect(systems[3]).not.toContain("maya-okafor");
    expect(await all(exportTrainingExamples(store, "arms", { persona: another.id }))).toEqual([examples[3]]);
    expect(await all(exportTurns(store, "arms", { persona: "of-another-arm" }))).toEqual([]);
  });
});
