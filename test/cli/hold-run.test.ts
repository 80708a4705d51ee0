import { expect, it } from "vitest";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { holdRun } from "../../src/cli/hold-run.ts";
import { DramatisError } from "../../src/domain/errors.ts";
import { createOfflineServer } from "../../src/offline/server.ts";
import { findScenario } from "../../src/scenario/find-scenario.ts";
import { openSimulations, type Simulations } from "../../src/simulation/simulations.ts";
import { storeOfFile } from "../store/new-store.ts";
import { sampleTerminal } from "./sample-terminal.ts";

const catalog = loadCatalog();
const store = await storeOfFile();

/** Of the store's doing. */
const away = new DramatisError("store-failed", "The store is away.");

/** Whose workers tell of so many problems of the store with every conversation, each time it is begun or gone on with. */
const disturbed = (simulations: Simulations, problems: number): Simulations => ({
  ...simulations,
  work: (options) =>
    simulations.work({
      ...options,
      onBegin(conversation) {
        for (let told = 0; told < problems; told += 1) options.onProblem?.(conversation, away);
      },
    }),
});

/** Holds a run of one conversation; `fault` answers in the provider's place. */
async function hold(
  runId: string,
  fault: (method: string, path: string) => Response | undefined,
  { turns = 1, problems = 0 }: { turns?: number; problems?: number } = {},
) {
  const server = createOfflineServer({ models: [...catalog.models.values()] });
  const simulations = await openSimulations(store, {
    apiKey: "sk-batch",
    baseUrl: "http://offline.invalid/v1",
    fetch: async (input, init) => {
      const request = new Request(input, init);
      return fault(request.method, new URL(request.url).pathname) ?? (await server.fetch(request));
    },
    catalog,
    env: {},
    waves: { lookMs: 5, firstPollMs: 1, mostPollMs: 5, settleMs: 0 },
  });
  const scenario = {
    ...findScenario("product-roundtable"),
    endings: [{ maxTurns: turns }],
    budget: undefined,
  };
  await simulations.plan({ id: runId, scenario, conversations: 1, seed: 7, transport: "batch" });
  const notes: string[] = [];
  const { terminal } = sampleTerminal();
  try {
    const { progress } = await holdRun(
      { store, simulations: disturbed(simulations, problems), runId, concurrency: 1, terminal },
      { show: () => undefined, note: (text) => notes.push(text), close: () => undefined },
    );
    return { progress, notes };
  } finally {
    await simulations.close();
  }
}

/** Not sent again by the client itself. */
const failing = (status: number, count: number) =>
  Response.json(
    { error: { message: "No.", type: "server_error", param: null, code: null } },
    { status, headers: { "x-should-retry": "false", "x-request-id": `req_${count}` } },
  );

it("goes on however often its batches cannot be asked after, and tells of it once", async () => {
  let failed = 0;
  const { progress, notes } = await hold("shaken", (method, path) => {
    if (method !== "GET" || !path.startsWith("/v1/batches/") || failed >= 12) return undefined;
    failed += 1;
    return failing(503, failed);
  });
  expect(failed).toBe(12);
  expect(progress.byStatus).toEqual({ completed: 1 });
  expect(notes).toEqual([
    expect.stringMatching(/^The batches of shaken: Batch API: .* It is tried again\.$/),
  ]);
});

it("goes on where the files of its batches cannot be deleted, and says that they go by themselves", async () => {
  const { progress, notes } = await hold("littered", (method, path) =>
    method === "DELETE" && path.startsWith("/v1/files/") ? failing(403, 1) : undefined,
  );
  expect(progress.byStatus).toEqual({ completed: 1 });
  expect(notes).toEqual([
    expect.stringMatching(/^The batches of littered: A file of a batch .* It expires by itself\.$/),
  ]);
});

it("goes on however often the store failed a conversation, as long as it got on between", async () => {
  const { progress, notes } = await hold("wavering", () => undefined, { turns: 3, problems: 3 });
  expect(progress.byStatus).toEqual({ completed: 1 });
  expect(notes).toEqual(["wavering-000001: The store is away. It is tried again."]);
});

it("ends where the store fails a conversation eight times in a row", async () => {
  const failing = hold("failing", () => undefined, { problems: 8 });
  await expect(failing).rejects.toMatchObject({ code: "store-failed", command: "resume failing" });
});

it("ends at what cannot pass, with how to go on", async () => {
  const refused = hold("refused", (_, path) => (path === "/v1/files" ? failing(401, 1) : undefined));
  await expect(refused).rejects.toMatchObject({
    code: "unauthorised",
    command: "resume refused",
    message: expect.stringMatching(/Check the API key .* To go on: dramatis resume refused$/),
  });
  expect((await hold("refused", () => undefined)).progress.byStatus).toEqual({ completed: 1 });
});
