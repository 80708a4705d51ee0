import { describe, expect, it } from "vitest";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { cancelSimulation } from "../../src/fleet/run-ends.ts";
import {
  createOfflineServer,
  type OfflineServer,
  type OfflineServerOptions,
} from "../../src/offline/server.ts";
import { findScenario } from "../../src/scenario/find-scenario.ts";
import type { SimulationPlan } from "../../src/simulation/planning.ts";
import { openSimulations, type SimulationsOptions } from "../../src/simulation/simulations.ts";
import { batchesOf, runsInBatches } from "../../src/store/batches.ts";
import { inconsistenciesOf } from "../../src/store/consistency.ts";
import { recordOf } from "../../src/store/conversations.ts";
import { openCount } from "../../src/store/progress.ts";
import { requestsOf } from "../../src/store/requests.ts";
import { storeOfFile } from "../store/new-store.ts";

const catalog = loadCatalog();
const CONVERSATIONS = 4;
const TURNS = 4;

/** Of all tests; each has a run of its own in it, and a server. */
const store = await storeOfFile();
let runs = 0;

const serverOf = (options: Partial<OfflineServerOptions> = {}) =>
  createOfflineServer({ models: [...catalog.models.values()], ...options });

/** A server whose files come as another text. */
const withFiles =
  (server: OfflineServer, change: (text: string) => string): typeof fetch =>
  async (input, init) => {
    const answer = await server.fetch(input, init);
    return String(input).endsWith("/content") ? new Response(change(await answer.text())) : answer;
  };

interface Stage {
  server: OfflineServer;
  /** Its id. */
  run: string;
  /** Holds the run until all its conversations have ended. */
  hold(
    plan?: Partial<SimulationPlan>,
    options?: SimulationsOptions,
  ): Promise<Awaited<ReturnType<typeof recordOf>>[]>;
  /** Holds the run until the provider has a batch of it, and no longer. */
  leaveOnceSent(): Promise<void>;
  /** Cancels the run once the provider has a batch of it. */
  cancelOnceSent(): Promise<void>;
  problems: unknown[];
}

const statusesOf = async (run: string) => ({
  rows: await store.sql.query<{ status: string; count: number }>(
    "select status, count(*)::int as count from dramatis.conversations where run_id = $1 group by 1 order by 1",
    [run],
  ),
});

const optionsFor = (server: OfflineServer): SimulationsOptions => ({
  apiKey: "sk-batch",
  baseUrl: "http://offline.invalid/v1",
  fetch: server.fetch,
  catalog,
  env: {},
  waves: { lookMs: 5, firstPollMs: 1, mostPollMs: 5, settleMs: 0 },
});

const onceSent = (run: string) =>
  expect
    .poll(
      async () =>
        (await batchesOf(store.sql, { runId: run })).filter(({ state }) => state === "created").length,
      { timeout: 60_000, interval: 20 },
    )
    .toBeGreaterThan(0);

function openStage(server: OfflineServer): Stage {
  const run = `run-${++runs}`;
  const problems: unknown[] = [];
  const scenario = {
    ...findScenario("product-roundtable"),
    endings: [{ maxTurns: TURNS }],
    budget: undefined,
  };
  return {
    server,
    run,
    problems,
    async cancelOnceSent() {
      await onceSent(run);
      await cancelSimulation(store, run);
    },
    async leaveOnceSent() {
      const simulations = await openSimulations(store, optionsFor(server));
      await simulations.plan({
        ...{ id: run, scenario, conversations: CONVERSATIONS, seed: 7, transport: "batch" },
      });
      const worker = await simulations.work({ name: "gone", concurrency: 2 });
      await onceSent(run);
      await worker.stop();
      await simulations.close();
    },
    async hold(plan = {}, options = {}) {
      const simulations = await openSimulations(store, { ...optionsFor(server), ...options });
      await simulations.plan({ id: run, scenario, conversations: CONVERSATIONS, seed: 7, ...plan });
      const worker = await simulations.work({
        name: "test",
        concurrency: 2,
        onProblem: (_, error) => problems.push(error),
      });
      await expect
        .poll(async () => openCount(await simulations.progress(run)), { timeout: 60_000, interval: 20 })
        .toBe(0);
      await worker.stop();
      await simulations.close();
      const ids = Array.from({ length: CONVERSATIONS }, (_, n) => `${run}-${String(n + 1).padStart(6, "0")}`);
      return await Promise.all(ids.map((id) => recordOf(store.sql, id)));
    },
  };
}

const said = (records: Awaited<ReturnType<Stage["hold"]>>) =>
  records.map((record) => record?.turns.map(({ speaker, message }) => [speaker, message]));
const costs = (records: Awaited<ReturnType<Stage["hold"]>>) =>
  records.reduce((sum, record) => sum + (record?.usage.totals.costNanoUsd ?? 0), 0);

describe("a run by batch", () => {
  it("says the same as over the network, for exactly half, in about as many waves as it has turns", async () => {
    const network = openStage(serverOf());
    const full = await network.hold({ transport: "network" });
    const batch = openStage(serverOf());
    const half = await batch.hold({ transport: "batch", maxCostUsd: 100 });
    expect(said(half)).toEqual(said(full));
    expect(2 * batch.server.bill.costNanoUsd).toBe(network.server.bill.costNanoUsd);
    expect(costs(half)).toBe(batch.server.bill.costNanoUsd);
    const tiers = half.flatMap((record) => record?.usage.entries.map(({ tier }) => tier) ?? []);
    expect(new Set(tiers)).toEqual(new Set(["batch"]));
    const rounds = Math.max(...half.map((record) => record?.usage.totals.requests ?? 0)) - TURNS;
    const batches = await batchesOf(store.sql, { runId: batch.run });
    expect(Math.max(...batches.map(({ wave }) => wave))).toBeLessThanOrEqual(TURNS + rounds + 2);
    expect(batch.server.batches.repeatedCustomIds).toEqual([]);
    expect(batch.problems).toEqual([]);
    expect(await inconsistenciesOf(store.sql)).toEqual([]);
  }, 120_000);

  it("never passes its cap, and ends what it cannot pay", async () => {
    const { server, hold } = openStage(serverOf());
    const capped = await hold({ transport: "batch", maxCostUsd: 0.006 });
    expect(server.bill.costNanoUsd).toBeLessThanOrEqual(6_000_000);
    expect(new Set(capped.map((record) => record?.status))).toContain("budget");
    expect(costs(capped)).toBe(server.bill.costNanoUsd);
    expect(await inconsistenciesOf(store.sql)).toEqual([]);
  }, 120_000);

  it("sends no summary of a conversation that has ended at its cap meanwhile", async () => {
    const { server, run, hold } = openStage(serverOf());
    const scenario = {
      ...findScenario("product-roundtable"),
      endings: [{ maxTurns: 12 }],
      // Holds the summary before the third turn, and not that turn.
      budget: { maxCostUsd: 0.012 },
      context: { strategy: "compact", afterTurns: 4, blockTurns: 2, keepTurns: 2 } as const,
    };
    const records = await hold({
      ...{ transport: "batch", scenario, context: { models: { "*": "gpt-4.1" } } },
    });
    expect(records.map((record) => record?.status)).toEqual(Array(CONVERSATIONS).fill("budget"));
    const unsent = await requestsOf(store.sql, `${run}-000001`);
    expect(unsent.filter(({ purpose }) => purpose === "summary")).toMatchObject([{ state: "open" }]);
    expect(await runsInBatches(store.sql)).not.toContain(run);
    expect(costs(records)).toBe(server.bill.costNanoUsd);
    expect(await inconsistenciesOf(store.sql)).toEqual([]);
  }, 120_000);

  it("makes again what failed in a batch, without its failure being paid", async () => {
    const { server, hold } = openStage(serverOf({ batch: { faults: { seed: 1, share: 0.3 } } }));
    const logged: Record<string, unknown>[] = [];
    const log = { logger: { warn: (fields: Record<string, unknown>) => logged.push(fields) } };
    const records = await hold({ transport: "batch" }, { log });
    expect(records.map((record) => record?.status)).toEqual(Array(CONVERSATIONS).fill("completed"));
    const attempts = records.flatMap((record) => record?.attempts ?? []);
    expect(attempts.length).toBeGreaterThan(0);
    expect(logged.length).toBe(attempts.length);
    expect(new Set(attempts.map(({ status, mayBeBilled }) => `${status} ${mayBeBilled}`))).toEqual(
      new Set(["500 false"]),
    );
    expect(costs(records)).toBe(server.bill.costNanoUsd);
    expect(server.batches.repeatedCustomIds).toEqual([]);
  }, 120_000);

  it("sends again, in another batch, what one did not come to before it expired", async () => {
    let now = Date.now();
    const server = serverOf({
      clock: () => now,
      batch: { processingMs: (batch) => (batch <= 2 ? Number.POSITIVE_INFINITY : 0) },
    });
    const { run, hold } = openStage(server);
    const passing = setInterval(() => {
      now += 3_600_000;
    }, 20);
    const records = await hold({ transport: "batch" }).finally(() => clearInterval(passing));
    expect(records.map((record) => record?.status)).toEqual(Array(CONVERSATIONS).fill("completed"));
    const batches = await batchesOf(store.sql, { runId: run });
    expect(batches.map(({ status }) => status)).toContain("expired");
    expect(costs(records)).toBe(server.bill.costNanoUsd);
    expect(server.batches.repeatedCustomIds).toEqual([]);
  }, 120_000);

  it("goes in smaller waves where too many tokens would be enqueued", async () => {
    const limits = Object.fromEntries([...catalog.models.keys()].map((model) => [model, 4000]));
    const { server, run, hold } = openStage(serverOf({ batch: { enqueuedTokens: limits } }));
    const records = await hold({ transport: "batch" });
    expect(records.map((record) => record?.status)).toEqual(Array(CONVERSATIONS).fill("completed"));
    const batches = await batchesOf(store.sql, { runId: run });
    expect(
      batches.filter(({ problem }) => problem?.startsWith("token_limit_exceeded")).length,
    ).toBeGreaterThan(0);
    expect(costs(records)).toBe(server.bill.costNanoUsd);
    expect(await inconsistenciesOf(store.sql)).toEqual([]);
  }, 120_000);

  it("brings what can be read of a result file, and bounds what cannot", async () => {
    const server = serverOf();
    let isBroken = false;
    const { run, hold, problems } = openStage({
      ...server,
      fetch: withFiles(server, (text) => {
        const lines = text.trim().split("\n");
        if (isBroken || lines.length < 2) return text;
        isBroken = true;
        return [lines[0]?.slice(0, -9), ...lines.slice(1)].join("\n");
      }),
    });
    const records = await hold({ transport: "batch" });
    expect(records.map((record) => record?.status)).toEqual(Array(CONVERSATIONS).fill("completed"));
    expect(problems.map(String)).toEqual([expect.stringContaining("1 line of a result file cannot be read")]);
    const attempts = records.flatMap((record) => record?.attempts ?? []);
    expect(attempts).toMatchObject([{ problem: "lost", mayBeBilled: true }]);
    expect(costs(records)).toBeLessThan(server.bill.costNanoUsd);
    const bound = attempts[0]?.costBoundNanoUsd ?? 0;
    expect(costs(records) + bound).toBeGreaterThanOrEqual(server.bill.costNanoUsd);
    const batches = await batchesOf(store.sql, { runId: run });
    expect(batches.every(({ state }) => state === "ended")).toBe(true);
    expect(await inconsistenciesOf(store.sql)).toEqual([]);
  }, 120_000);

  it.each(["created", "creating"])(
    "sends again what an offline server took along, once %s",
    async (state) => {
      const gone = openStage(serverOf({ batch: { processingMs: Number.POSITIVE_INFINITY } }));
      await gone.leaveOnceSent();
      await store.sql.query("update dramatis.batches set state = $2 where run_id = $1", [gone.run, state]);
      const records = await gone.hold({ transport: "batch" }, { offline: true, apiKey: undefined });
      expect(records.map((record) => record?.status)).toEqual(Array(CONVERSATIONS).fill("completed"));
      expect(gone.problems).toEqual([]);
      const batches = await batchesOf(store.sql, { runId: gone.run });
      expect(batches.filter(({ problem }) => problem?.startsWith("unknown"))).toHaveLength(1);
      expect(await inconsistenciesOf(store.sql)).toEqual([]);
    },
    120_000,
  );

  it("says which batch another project's key does not know, and keeps it", async () => {
    const { run, problems, leaveOnceSent } = openStage(
      serverOf({ batch: { processingMs: Number.POSITIVE_INFINITY } }),
    );
    await leaveOnceSent();
    const [sent] = await batchesOf(store.sql, { runId: run });
    const simulations = await openSimulations(store, optionsFor(serverOf()));
    const worker = await simulations.work({
      ...{ name: "other", concurrency: 1, runId: run },
      onProblem: (_, error) => problems.push(error),
    });
    await expect.poll(() => problems.length, { timeout: 60_000 }).toBeGreaterThan(0);
    await worker.stop();
    await simulations.close();
    expect(problems[0]).toMatchObject({
      ...{ code: "model-not-found", status: 404 },
      message: `Batch API: the project of this key does not know the batch ${sent?.providerId}. Use the key that it was sent with, or another of the same project.`,
    });
    expect(await batchesOf(store.sql, { runId: run })).toMatchObject([{ state: "created" }]);
    // Else later tests would look after it.
    await store.sql.query("delete from dramatis.runs where id = $1", [run]);
  }, 120_000);

  it("keeps answers with characters that no store takes", async () => {
    const server = serverOf();
    const odd = (text: string) => text.replaceAll('"id":"chatcmpl', '"id":"\\u0000\\ud800chatcmpl');
    const { hold, problems } = openStage({ ...server, fetch: withFiles(server, odd) });
    const records = await hold({ transport: "batch" });
    expect(records.map((record) => record?.status)).toEqual(Array(CONVERSATIONS).fill("completed"));
    expect(problems).toEqual([]);
    expect(costs(records)).toBe(server.bill.costNanoUsd);
  }, 120_000);

  it("ends when it is cancelled, with what was answered paid and counted", async () => {
    const server = serverOf({ batch: { processingMs: Number.POSITIVE_INFINITY } });
    const { run, hold, cancelOnceSent } = openStage(server);
    const cancelled = cancelOnceSent();
    const records = await hold({ transport: "batch" });
    await cancelled;
    const { rows } = await statusesOf(run);
    expect(rows).toEqual([{ status: "cancelled", count: CONVERSATIONS }]);
    expect(costs(records)).toBe(server.bill.costNanoUsd);
    expect(await inconsistenciesOf(store.sql)).toEqual([]);
  }, 120_000);
});
