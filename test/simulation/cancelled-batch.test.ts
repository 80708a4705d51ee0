/** A batch that somebody cancels while its run goes on: by `dramatis batches cancel`, or at the provider's own site. */
import { describe, expect, it } from "vitest";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import type { ConversationContextInput } from "../../src/conversation/state.ts";
import type { Purpose } from "../../src/domain/usage.ts";
import { createOfflineServer } from "../../src/offline/server.ts";
import { findScenario } from "../../src/scenario/find-scenario.ts";
import type { Scenario } from "../../src/scenario/scenario.ts";
import { openSimulations } from "../../src/simulation/simulations.ts";
import { findBatch, type StoredBatch } from "../../src/store/batches.ts";
import { inconsistenciesOf } from "../../src/store/consistency.ts";
import { recordOf } from "../../src/store/conversations.ts";
import { openCount } from "../../src/store/progress.ts";
import { type KeptRequest, requestsOf } from "../../src/store/requests.ts";
import { storeOfFile } from "../store/new-store.ts";

const catalog = loadCatalog();
const store = await storeOfFile();
const BATCH_MS = 1000;
let runs = 0;

interface Cancelling {
  /** Asked of every batch as it is made, until it says yes. */
  isIt(batch: StoredBatch): boolean | Promise<boolean>;
  /** How much of it is answered before. */
  share: number;
}

/** A run whose batches take their time by a clock that stands still while it is looked which of them is to be cancelled. */
function openStage(scenario: Scenario, conversations: number, context: ConversationContextInput = {}) {
  const run = `cancelled-${++runs}`;
  let now = Date.now();
  let making = 0;
  const fresh: string[] = [];
  const server = createOfflineServer({
    models: [...catalog.models.values()],
    clock: () => now,
    batch: { processingMs: BATCH_MS },
  });
  const watched: typeof fetch = async (input, init) => {
    if (!(init?.method === "POST" && String(input).endsWith("/batches")))
      return await server.fetch(input, init);
    making += 1;
    const answer = await server.fetch(input, init);
    fresh.push(((await answer.clone().json()) as { metadata: { batch: string } }).metadata.batch);
    making -= 1;
    return answer;
  };
  const problems: unknown[] = [];

  /** Holds the run until all its conversations have ended. Gives back the batch that was cancelled. */
  async function hold(cancelling?: Cancelling): Promise<StoredBatch | undefined> {
    const simulations = await openSimulations(store, {
      apiKey: "sk-batch",
      baseUrl: "http://offline.invalid/v1",
      fetch: watched,
      catalog,
      env: {},
      waves: { lookMs: 5, firstPollMs: 1, mostPollMs: 5, settleMs: 0 },
    });
    if (cancelling === undefined) await simulations.retry(run);
    else
      await simulations.plan({
        id: run,
        scenario,
        context,
        conversations,
        seed: 7,
        transport: "batch",
        maxCostUsd: 9,
      });
    const worker = await simulations.work({
      ...{ name: "test", concurrency: 2, runId: run },
      onProblem: (_, error) => problems.push(error),
    });
    let wanted = cancelling;
    let cancelled: StoredBatch | undefined;
    const goOn = async () => {
      for (const id of fresh.splice(0)) {
        const batch = await findBatch(store.sql, id);
        if (batch.providerId === undefined) fresh.push(id);
        else if (wanted !== undefined && (await wanted.isIt(batch))) {
          now += wanted.share * BATCH_MS;
          wanted = undefined;
          await simulations.dramatis.batches?.cancel(batch.providerId);
          cancelled = batch;
        }
      }
      if (making === 0 && fresh.length === 0) now += BATCH_MS;
      return openCount(await simulations.progress(run));
    };
    await expect.poll(goOn, { timeout: 60_000, interval: 10 }).toBe(0);
    await worker.stop();
    await simulations.close();
    return cancelled;
  }

  const ids = Array.from({ length: conversations }, (_, n) => `${run}-${String(n + 1).padStart(6, "0")}`);
  return {
    ...{ run, server, problems, hold, ids },
    async records() {
      const records = await Promise.all(ids.map((id) => recordOf(store.sql, id)));
      return records.filter((record) => record !== undefined);
    },
    async failures() {
      const simulations = await openSimulations(store, { offline: true, env: {} });
      const { failures } = await simulations.progress(run);
      await simulations.close();
      return failures;
    },
  };
}

const scenarioOf = (maxTurns: number, change: Partial<Scenario> = {}): Scenario => ({
  ...findScenario("product-roundtable"),
  endings: [{ maxTurns }],
  budget: undefined,
  ...change,
});

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
const costs = (records: Awaited<ReturnType<ReturnType<typeof openStage>["records"]>>) =>
  sum(records.map(({ usage }) => usage.totals.costNanoUsd ?? Number.NaN));
const requests = (records: Awaited<ReturnType<ReturnType<typeof openStage>["records"]>>) =>
  sum(records.map(({ usage }) => usage.totals.requests));

/** What of a batch's model waits for an answer. */
async function waitingIn(ids: readonly string[], { model }: StoredBatch): Promise<KeptRequest[]> {
  const kept = await Promise.all(ids.map((id) => requestsOf(store.sql, id)));
  return kept.flat().filter((request) => request.state === "parked" && request.model === model);
}

const isOnly = (ids: readonly string[], purpose: Purpose) => async (batch: StoredBatch) =>
  (await waitingIn(ids, batch)).every((request) => request.purpose === purpose);

describe("a batch that is cancelled while its run goes on", () => {
  it("fails what it did not come to, keeps what it did, and is made good by a retry that pays nothing twice", async () => {
    const { run, server, problems, hold, records, failures, ids } = openStage(scenarioOf(3), 4);
    const isLater = async (batch: StoredBatch) =>
      batch.requests >= 3 && (await waitingIn(ids, batch)).every(({ turn = 0 }) => turn >= 2);
    const batch = await hold({ isIt: isLater, share: 0.5 });
    const before = await records();
    const failed = before.filter(({ status }) => status === "failed");
    const finished = Math.floor((batch?.requests ?? 0) / 2);
    expect(failed).toHaveLength((batch?.requests ?? 0) - finished);
    expect(before.filter(({ status }) => status === "completed")).toHaveLength(4 - failed.length);
    expect(await failures()).toEqual({ "batch-cancelled": failed.length });
    for (const { ending, failures, turns } of failed) {
      expect(failures).toMatchObject([{ kind: "batch-cancelled", outcome: "stopped" }]);
      expect(turns.length).toBeGreaterThan(0);
      expect(ending?.evidence).toContain(
        `the batch ${batch?.providerId} was cancelled before this request was made, by dramatis batches cancel or at the provider's own site. To have it made: dramatis retry ${run}`,
      );
    }
    expect(costs(before)).toBe(server.bill.costNanoUsd);
    expect(await inconsistenciesOf(store.sql)).toEqual([]);

    const paid = server.bill.requests;
    await hold();
    const after = await records();
    expect(after.map(({ status }) => status)).toEqual(Array(4).fill("completed"));
    expect(costs(after)).toBe(server.bill.costNanoUsd);
    expect(server.bill.requests - paid).toBe(requests(after) - requests(before));
    expect(await inconsistenciesOf(store.sql)).toEqual([]);
    expect(problems).toEqual([]);
  }, 120_000);

  it("ends conversations whose moderator it was to ask, rather than have others speak than it would have chosen", async () => {
    const scenario = scenarioOf(2, { moderator: { policy: "model", pingPongLimit: 3 } });
    const { run, server, hold, records, ids } = openStage(scenario, 2);
    await hold({ isIt: isOnly(ids, "moderator"), share: 0 });
    const before = await records();
    expect(before).toMatchObject(Array(2).fill({ status: "failed", ending: { kind: "failure" } }));
    for (const { ending } of before)
      expect(ending?.evidence).toMatch(
        new RegExp(`^the moderator before turn 1: batch-cancelled\\. .* dramatis retry ${run}$`),
      );
    expect(server.bill.requests).toBe(0);
    await hold();
    const after = await records();
    expect(after.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(after.flatMap(({ turns }) => turns.map(({ choice }) => choice.policy))).toEqual(
      Array(4).fill("model"),
    );
    expect(costs(after)).toBe(server.bill.costNanoUsd);
  }, 120_000);

  it("ends conversations that want the summary it was to make; turns that were taken meanwhile are not paid again", async () => {
    const context = { strategy: "compact", afterTurns: 4, blockTurns: 2, keepTurns: 2 } as const;
    const { server, hold, records, ids } = openStage(scenarioOf(9, { context }), 2, {
      models: { "*": "gpt-4.1-mini" },
    });
    await hold({ isIt: isOnly(ids, "summary"), share: 0 });
    const before = await records();
    const failed = before.filter(({ status }) => status === "failed");
    expect(failed.length).toBeGreaterThan(0);
    for (const { ending, summaries } of failed) {
      expect(ending?.evidence).toMatch(/^the summary before turn \d: batch-cancelled\. /);
      expect(summaries.at(-1)).toMatchObject({ failure: { kind: "batch-cancelled" } });
    }
    await hold();
    const after = await records();
    expect(after.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(
      after.flatMap(({ summaries }) => summaries.filter(({ failure }) => failure !== undefined)),
    ).toEqual([]);
    expect(costs(after)).toBe(server.bill.costNanoUsd);
    expect(await inconsistenciesOf(store.sql)).toEqual([]);
  }, 120_000);

  it("ends a turn whose prompt was too long and wants the summary it was to make", async () => {
    const models = { "*": "gpt-4.1-mini" };
    const { run, server, hold, records, ids, failures } = openStage(scenarioOf(6), 1, { models });
    const error = { message: "Too long.", type: "invalid_request_error", code: "context_length_exceeded" };
    server.script.next({
      ...{ kind: "status", status: 400, body: { error }, times: 2 },
      when: ({ model, messages }) => model === "gpt-4.1-mini" && messages.length >= 7,
    });
    await hold({ isIt: isOnly(ids, "summary"), share: 0 });
    const before = await records();
    expect(before).toMatchObject([{ status: "failed", ending: { kind: "failure" } }]);
    expect(before[0]?.ending?.evidence).toMatch(
      new RegExp(`^\\S+ in turn \\d: batch-cancelled\\. .* dramatis retry ${run}$`),
    );
    expect(before[0]?.failures.map(({ kind }) => kind)).toEqual(["context-too-long", "batch-cancelled"]);
    expect(await failures()).toEqual({ "batch-cancelled": 1 });
    await hold();
    const after = await records();
    expect(after).toMatchObject([
      { status: "completed", summaries: [{ forced: true, summary: expect.anything() }] },
    ]);
    expect(costs(after)).toBe(server.bill.costNanoUsd);
  }, 120_000);
});
