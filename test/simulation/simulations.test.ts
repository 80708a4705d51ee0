import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findExperiment } from "../../src/experiment/experiment-file.ts";
import { findScenario } from "../../src/scenario/find-scenario.ts";
import type { ExperimentPlan, SimulationPlan } from "../../src/simulation/planning.ts";
import { openSimulations, type Simulations } from "../../src/simulation/simulations.ts";
import { listRuns } from "../../src/store/runs.ts";
import { storeOfFile } from "../store/new-store.ts";

const scenario = findScenario("product-roundtable");
const experiment = findExperiment("who-speaks-next");
const store = await storeOfFile();
let simulations: Simulations;

beforeAll(async () => {
  simulations = await openSimulations(store, { env: {} });
}, 60_000);
afterAll(async () => {
  await simulations.close();
});

const ids = async () => (await listRuns(store.sql)).map(({ id }) => id);

/** What programs without types may ask for. */
const wrong = [
  [{ id: "a b" }, /^A run's id: expected up to 100 letters.*, got "a b"\.$/],
  [{ id: 7 }, /^A run's id: expected .*, got number 7\.$/],
  [{ seed: -1 }, /^A run's seed: expected a whole number from 0 to 2,147,483,647, got number -1\.$/],
  [{ seed: 1.5 }, /^A run's seed: expected .*, got number 1\.5\.$/],
  [{ seed: Number.NaN }, /^A run's seed: expected .*, got number NaN\.$/],
  [{ maxCostUsd: 0 }, /^A run's cap maxCostUsd: expected dollars above 0, .*, got number 0\.$/],
  [{ maxCostUsd: -1 }, /^A run's cap maxCostUsd: expected .*, got number -1\.$/],
  [{ maxCostUsd: Number.NaN }, /^A run's cap maxCostUsd: expected .*, got number NaN\.$/],
  [{ maxCostUsd: Number.POSITIVE_INFINITY }, /^A run's cap maxCostUsd: expected .*, got number Infinity\.$/],
  [{ transport: "pigeon" }, /^A run's transport: expected network or batch, got "pigeon"\.$/],
  [{ context: null }, /^A run's context: expected a mapping, got nothing\.$/],
  [{ context: { maxTurns: -3 } }, /maxTurns: .*expected number to be >=1, got number -3\.$/],
  [{ context: { nonsense: 1 } }, /^The context has no key "nonsense"/],
] as const;

describe("a plan that cannot be", () => {
  it.each([
    ...wrong,
    [{ conversations: 0 }, /^A run's conversations: expected .*, got number 0\.$/] as const,
  ])("is refused before anything is written: %j", async (part, message) => {
    const plan = { id: "wrong", scenario, conversations: 1, seed: 7, ...part } as unknown as SimulationPlan;
    await expect(simulations.plan(plan)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(message),
    });
    expect(await ids()).not.toContain("wrong");
  });

  it.each(wrong)("is refused of an experiment as well: %j", async (part, message) => {
    const plan = { id: "wrong", experiment, ...part } as unknown as ExperimentPlan;
    await expect(simulations.planExperiment(plan)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(message),
    });
    expect(await ids()).not.toContain("wrong");
  });

  it("names no persona that an arm does not have", async () => {
    const context = { models: { nobody: "gpt-4.1" } };
    await expect(simulations.planExperiment({ id: "wrong", experiment, context })).rejects.toMatchObject({
      code: "unknown-name",
    });
  });

  it.each([0, Number.NaN, 1.5])("is not worked on %d at a time", async (concurrency) => {
    const worker = simulations.work({ concurrency, name: "wrong", onProblem: () => undefined });
    await expect(worker).rejects.toMatchObject({
      code: "invalid-argument",
      message: `A worker's concurrency: expected a whole number from 1 to 10,000, got number ${concurrency}.`,
    });
  });

  it("is not gone on with at a cap that is none", async () => {
    await simulations.plan({ id: "capped", scenario, conversations: 1, seed: 7, maxCostUsd: 1 });
    await expect(simulations.resume("capped", { maxCostUsd: Number.NaN })).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("maxCostUsd"),
    });
  });
});

describe("an experiment that is planned again under its id", () => {
  const plan = { id: "compared", experiment, maxCostUsd: 2 };
  const [first, ...others] = experiment.arms;
  if (first === undefined) throw new Error("an experiment without arms");
  const changed = { ...first, scenario: { ...first.scenario, title: "Another one" } };

  beforeAll(async () => {
    expect(await simulations.planExperiment(plan)).toBe(true);
  });

  it("is left as it is when it is the same", async () => {
    expect(await simulations.planExperiment(plan)).toBe(false);
  });

  it.each<[Partial<ExperimentPlan>, string]>([
    [{ maxCostUsd: 1 }, "it has a cap of $2.0000, asked was a cap of $1.0000"],
    [{ seed: 8 }, "its seed is 7, asked was 8"],
    [{ transport: "batch" }, "its transport is network there, asked was batch"],
    [{ context: { maxTurns: 3 } }, "the setting maxTurns is null there, asked was 3"],
    [{ experiment: { ...experiment, id: "another" } }, "it is of another experiment"],
    [{ experiment: { ...experiment, repeats: 6 } }, "the experiment differs in repeats"],
    [
      { experiment: { ...experiment, arms: [changed, ...others] } },
      `1 of its arms differ, the first of them is ${first.name}`,
    ],
    [{ experiment: { ...experiment, arms: [first] } }, "it has 4 arms, asked were 1"],
  ])("is refused when it is another one %#: %2$s", async (part, difference) => {
    await expect(simulations.planExperiment({ ...plan, ...part })).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining(difference),
    });
  });

  it("is none of a scenario's runs, and none of those is it", async () => {
    const single = { id: "single", scenario, conversations: 1, seed: 7 };
    expect(await simulations.plan(single)).toBe(true);
    await expect(simulations.planExperiment({ ...plan, id: "single" })).rejects.toThrow(
      "it is no experiment",
    );
    await expect(simulations.plan({ ...single, id: "compared" })).rejects.toThrow("it is an experiment");
  });

  it("keeps the seed that was drawn for it", async () => {
    const drawn = { ...plan, id: "drawn", experiment: { ...experiment, seed: undefined } };
    expect(await simulations.planExperiment(drawn)).toBe(true);
    expect(await simulations.planExperiment(drawn)).toBe(false);
  });
});

describe("a worker whose program throws where it is told something", () => {
  const context = { maxTurns: 2 };
  const wrong = (what: string) => () => {
    throw new Error(what);
  };

  it("goes on with the conversation, and says so as a problem", async () => {
    const problems: string[] = [];
    await simulations.plan({ id: "thrown", scenario, conversations: 1, seed: 7, context });
    const worker = await simulations.work({
      concurrency: 1,
      name: "test",
      runId: "thrown",
      onBegin: wrong("begin"),
      onTurn: wrong("turn"),
      onLeave: wrong("leave"),
      onEnd: wrong("end"),
      onProblem(conversation, error) {
        problems.push(`${conversation?.runId} ${(error as Error).message}`);
        throw error;
      },
    });
    const { byStatus, turns } = await simulations.ended("thrown");
    await worker.stop();
    expect({ byStatus, turns }).toEqual({ byStatus: { completed: 1 }, turns: 2 });
    expect(problems).toEqual(["begin", "turn", "turn", "leave", "end"].map((what) => `thrown ${what}`));
  }, 60_000);

  it("is warned of it where it did not ask to be told of problems", async () => {
    await simulations.plan({ id: "warned", scenario, conversations: 1, seed: 7, context });
    const warnings: string[] = [];
    const listen = ({ message }: Error) => warnings.push(message);
    process.on("warning", listen);
    const options = { concurrency: 1, name: "test", runId: "warned", onEnd: wrong("end") };
    const worker = await simulations.work(options);
    await simulations.ended("warned");
    await worker.stop();
    process.off("warning", listen);
    expect(warnings.filter((text) => text.includes("warned-"))).toEqual([
      expect.stringMatching(
        /^The conversation warned-.*, what its worker is to tell threw; it goes on: end$/,
      ),
    ]);
  }, 60_000);
});

describe("the end of a run", () => {
  it("is waited for, and says what became of its conversations", async () => {
    const context = { maxTurns: 2 };
    await simulations.plan({ id: "awaited", scenario, conversations: 2, seed: 7, context });
    const worker = await simulations.work({ concurrency: 2, name: "test", runId: "awaited" });
    const { byStatus, turns } = await simulations.ended("awaited");
    await worker.stop();
    expect({ byStatus, turns }).toEqual({ byStatus: { completed: 2 }, turns: 4 });
  }, 60_000);

  it("comes when it is cancelled, with nothing begun any more", async () => {
    await simulations.plan({ id: "unwanted", scenario, conversations: 3, seed: 7 });
    await simulations.cancel("unwanted");
    const { byStatus, turns } = await simulations.ended("unwanted");
    expect({ byStatus, turns }).toEqual({ byStatus: { cancelled: 3 }, turns: 0 });
    await expect(simulations.cancel("nothing")).rejects.toMatchObject({ code: "unknown-name" });
  });

  it("is not that of a run which is not there, and not waited for once the signal is aborted", async () => {
    await expect(simulations.ended("nothing")).rejects.toMatchObject({ code: "unknown-name" });
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(simulations.ended("compared", { signal })).rejects.toThrow("enough");
  });
});
