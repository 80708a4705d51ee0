/** An experiment from its file to its results: planned, stopped, gone on with, and compared; on the embedded engine, offline. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { runCommand } from "../../src/cli/program.ts";
import { findExperiment } from "../../src/experiment/experiment-file.ts";
import { experimentResults } from "../../src/experiment/read-results.ts";
import { createOfflineServer } from "../../src/offline/server.ts";
import { openSimulations, type Simulations } from "../../src/simulation/simulations.ts";
import { recordOf } from "../../src/store/conversations.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { sampleTerminal } from "../cli/sample-terminal.ts";
import { newStore } from "../store/new-store.ts";

const RUN = "compared";
const REFUSED = "gpt-4.1-mini";
const EXPERIMENT = `
id: two-by-two
title: Two policies, two models
scenario: product-roundtable
factors:
  - name: policy
    levels: [directed, round-robin]
  - name: model
    levels: [gpt-4.1-nano, ${REFUSED}]
repeats: 5
seed: 40
`;

const folder = mkdtempSync(join(tmpdir(), "dramatis-experiment-"));
const place = join(folder, "store");
const catalog = loadCatalog();
let store: Store;

/** A provider that does not know one of the models. */
const server = createOfflineServer({
  models: [...catalog.models.values()].filter(({ id }) => id !== REFUSED),
  recordRequests: false,
});
const open = () =>
  openSimulations(store, {
    apiKey: "none",
    baseUrl: "http://offline.invalid/v1",
    fetch: server.fetch,
    catalog,
    env: {},
  });

/** Holds conversations until `enough` have ended. */
async function work(simulations: Simulations, enough: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let ended = 0;
  const worker = await simulations.work({
    name: "test",
    concurrency: 2,
    onEnd: () => {
      ended += 1;
      if (ended === enough) resolve();
    },
    onProblem: (_, error) => reject(error),
  });
  await promise.finally(() => worker.stop());
}

const endedByArm = async () =>
  await store.sql.query<{ arm: string; ended: number }>(
    `select arm, count(*) filter (where status not in ('waiting', 'running'))::int as ended
     from dramatis.conversations where run_id = $1 group by arm order by arm`,
    [RUN],
  );

describe("an experiment, two by two with five repeats", () => {
  beforeAll(async () => {
    store = await openStore(await newStore(place));
    const file = join(folder, "two-by-two.yaml");
    writeFileSync(file, EXPERIMENT);
    const experiment = findExperiment(file, { catalog });
    const simulations = await open();
    const plan = { id: RUN, experiment, context: { maxTurns: 3 } };
    expect(await simulations.planExperiment(plan)).toBe(true);
    expect(await simulations.planExperiment(plan)).toBe(false);
    await work(simulations, 9);
    await simulations.close();
  }, 60_000);

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("has balanced data where it is stopped in the middle", async () => {
    const counts = (await endedByArm()).map(({ ended }) => ended);
    expect(counts).toHaveLength(4);
    expect(counts.reduce((sum, ended) => sum + ended, 0)).toBeLessThan(20);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  it("goes on where it was, and holds every conversation once", { timeout: 60_000 }, async () => {
    const left = 20 - (await endedByArm()).reduce((sum, { ended }) => sum + ended, 0);
    const simulations = await open();
    await work(simulations, left);
    await simulations.close();
    expect((await endedByArm()).map(({ ended }) => ended)).toEqual([5, 5, 5, 5]);
  });

  it("gave every arm the same seeds, and its own scenario", async () => {
    const { rows } = await experimentResults(store, RUN);
    const seedsOf = new Map<string, number[]>();
    for (const { arm, seed } of rows) seedsOf.set(arm, [...(seedsOf.get(arm) ?? []), seed]);
    expect([...seedsOf.values()]).toEqual(Array.from({ length: 4 }, () => [40, 41, 42, 43, 44]));
    const finished = rows.filter(({ status }) => status === "completed");
    for (const { conversation, levels, seed } of finished) {
      const record = await recordOf(store.sql, conversation);
      expect(record?.seed).toBe(seed);
      const said = record?.turns.map((turn) => [turn.model.id, turn.choice.policy]);
      expect(said).toEqual(said?.map(() => [levels.model, levels.policy]));
      expect(said?.length).toBe(3);
    }
    expect(finished).toHaveLength(10);
  });

  it("counts the arms that failed, and leaves them out", async () => {
    const { arms, differences, rows } = await experimentResults(store, RUN);
    expect(arms.map(({ arm, finished, failed }) => ({ arm, finished, failed }))).toEqual([
      { arm: "policy=directed,model=gpt-4.1-nano", finished: 5, failed: 0 },
      { arm: `policy=directed,model=${REFUSED}`, finished: 0, failed: 5 },
      { arm: "policy=round-robin,model=gpt-4.1-nano", finished: 5, failed: 0 },
      { arm: `policy=round-robin,model=${REFUSED}`, finished: 0, failed: 5 },
    ]);
    expect(arms[1]?.estimates.turns).toEqual({ n: 0, mean: undefined, low: undefined, high: undefined });
    expect(arms[0]?.estimates.turns).toEqual({ n: 5, mean: 3, low: 3, high: 3 });
    expect(differences?.arms.map(({ pairs }) => pairs)).toEqual([0, 5, 0]);
    expect(differences?.arms[1]?.estimates.wordsPerTurn.n).toBe(5);
    const failed = rows.filter(({ status }) => status === "failed");
    expect(failed.every(({ confidence, wordsPerTurn }) => confidence ?? wordsPerTurn === undefined)).toBe(
      true,
    );
  });

  it("agrees with the ledger on what each arm cost", async () => {
    const { rows } = await experimentResults(store, RUN);
    const [ledger] = await store.sql.query<{ cost: number }>(
      "select sum(cost_nano_usd)::bigint as cost from dramatis.usage_entries",
    );
    expect(rows.reduce((sum, { costNanoUsd = 0 }) => sum + costNanoUsd, 0)).toBe(ledger?.cost);
    expect(server.bill.costNanoUsd).toBe(ledger?.cost);
  });

  it("keeps of each arm only what differs from the run's scenario", async () => {
    const kept = await store.sql.query<{ changes: object }>(
      "select changes from dramatis.arms where run_id = $1 order by position",
      [RUN],
    );
    expect(kept.map(({ changes }) => Object.keys(changes).sort())).toEqual([
      ["cast"],
      ["cast"],
      ["cast", "moderator"],
      ["cast", "moderator"],
    ]);
  });

  it("is shown, and written as JSON, by the command line", async () => {
    await store.close();
    const command = async (...flags: string[]) => {
      const { terminal, written } = sampleTerminal({ columns: 140 });
      const code = await runCommand(["experiment", "results", RUN, "--store", place, ...flags], terminal);
      return { code, ...written };
    };
    const shown = await command();
    expect(shown).toMatchObject({ code: 0, stderr: "" });
    expect(shown.stdout).toContain("10 of 20 conversations finished");
    expect(shown.stdout).toMatch(/3 round-robin, gpt-4\.1-nano +5 +3\.00 +3\.00 to 3\.00 +0\.00/);
    expect(JSON.parse((await command("--json")).stdout)).toMatchObject({
      run: RUN,
      experiment: { id: "two-by-two", seed: 40 },
      arms: [{ finished: 5 }, { finished: 0, estimates: { turns: { n: 0, mean: null } } }, {}, {}],
    });
    const out = await command("--out", join(folder, "results.tsv"));
    expect(out.code).toBe(1);
    expect(out.stderr).toContain("*.csv, *.json or *.txt");
  });
});
