/** Batches whose end a webhook tells of, over HTTP, while nobody would ask after them for an hour. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { type Endpoint, openEndpoint, WEBHOOK_PATH } from "../../src/fleet/endpoint.ts";
import { signedHeaders } from "../../src/offline/batch/webhook.ts";
import { createOfflineServer } from "../../src/offline/server.ts";
import { loadScenario } from "../../src/scenario/scenario.ts";
import { openSimulations, type Simulations } from "../../src/simulation/simulations.ts";
import { batchesOf, type StoredBatch } from "../../src/store/batches.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { TWO_PEOPLE } from "../cli/two-people.ts";
import { newStore } from "../store/new-store.ts";

const SECRET = `whsec_${Buffer.from("the ferry leaves at eight").toString("base64")}`;
const HOUR_MS = 3_600_000;
/** A batch takes so long, by the provider's clock; its events are never far from this machine's. */
const BATCH_MS = 60_000;

const folder = mkdtempSync(join(tmpdir(), "dramatis-webhook-"));
let now = Date.now();
/** Questions after a batch. */
const asked: string[] = [];
let endpoint: Endpoint;
let store: Store;
let simulations: Simulations;

const server = createOfflineServer({
  models: [...loadCatalog().models.values()],
  clock: () => now,
  batch: { processingMs: BATCH_MS },
  webhook: {
    url: "http://worker.invalid/",
    secret: SECRET,
    fetch: (_, init) => fetch(`${endpoint.url}${WEBHOOK_PATH}`, init),
  },
});

const waves = { lookMs: 5, firstPollMs: HOUR_MS, mostPollMs: HOUR_MS, settleMs: 0 };
const open = () =>
  openSimulations(store, {
    apiKey: "sk-batch",
    baseUrl: "http://offline.invalid/v1",
    fetch: (input, init) => {
      const { method, url } = new Request(input, init);
      if (method === "GET" && /\/batches\/\w+$/.test(url)) asked.push(url);
      return server.fetch(input, init);
    },
    env: {},
    waves,
  });

beforeAll(async () => {
  store = await openStore(await newStore(join(folder, "store")));
  simulations = await open();
  endpoint = await openEndpoint({
    port: 0,
    host: "127.0.0.1",
    checkStore: async () => undefined,
    isStopping: () => false,
    metrics: { contentType: "text/plain", text: async () => "" },
    hear: (event) => hearing().hear({ ...event, secret: SECRET }),
  });
}, 60_000);
/** Whose process the events come to. */
let hearing = () => simulations;
afterAll(async () => {
  await endpoint.close();
  await simulations.close();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The batch of a wave, once it was asked after for the first time, and was not over. */
async function underWay(runId: string, wave: number): Promise<StoredBatch & { providerId: string }> {
  let found: StoredBatch | undefined;
  await expect
    .poll(
      async () => {
        found = (await batchesOf(store.sql, { runId, isOpen: true })).find((batch) => batch.wave === wave);
        return found?.status;
      },
      { timeout: 30_000, interval: 5 },
    )
    .toBe("in_progress");
  const { providerId } = found ?? {};
  if (found === undefined || providerId === undefined) throw new Error(`There is no batch of wave ${wave}.`);
  return { ...found, providerId };
}

/** Sends an event as the provider would, or as somebody else. */
async function send(providerId: string, { secret = SECRET, ageS = 0 } = {}): Promise<number> {
  const body = JSON.stringify({
    object: "event",
    id: "evt_1",
    type: "batch.completed",
    created_at: 0,
    data: { id: providerId },
  });
  const timestamp = Math.floor(Date.now() / 1000) - ageS;
  const headers = signedHeaders({ id: "evt_1", timestamp, body, secret });
  return (await fetch(`${endpoint.url}${WEBHOOK_PATH}`, { method: "POST", headers, body })).status;
}

async function plan(id: string) {
  const file = join(folder, "two-people.yaml");
  writeFileSync(file, TWO_PEOPLE);
  await simulations.plan({
    id,
    scenario: loadScenario(file),
    conversations: 2,
    seed: 7,
    context: { maxTurns: 2, models: { "*": "gpt-4.1-mini" } },
    transport: "batch",
  });
  return await simulations.work({ name: "test", concurrency: 2 });
}

it("goes on at once when the provider tells of an end, and never when somebody else does", async () => {
  const worker = await plan("told");
  const first = await underWay("told", 1);
  expect(asked).toHaveLength(1);
  expect(await send(first.providerId, { secret: "whsec_c29tZWJvZHkgZWxzZQ==" })).toBe(400);
  expect(await send(first.providerId, { ageS: 301 })).toBe(400);
  expect(await send("batch_of_somebody_else")).toBe(200);
  expect((await underWay("told", 1)).id).toBe(first.id);
  expect(asked).toHaveLength(1);
  // Signed, but not so: it is asked about, once.
  expect(await send(first.providerId)).toBe(200);
  await expect.poll(() => asked.length, { interval: 5 }).toBe(2);
  await underWay("told", 1);

  now += BATCH_MS;
  await server.batches.tick();
  await underWay("told", 2);
  expect(asked).toHaveLength(4);
  now += BATCH_MS;
  const toldAt = performance.now();
  await server.batches.tick();
  const { byStatus, turns } = await simulations.ended("told");
  expect({ byStatus, turns }).toEqual({ byStatus: { completed: 2 }, turns: 4 });
  expect(performance.now() - toldAt).toBeLessThan(10_000);
  expect(asked).toHaveLength(5);
  await worker.stop();
}, 60_000);

it("goes on as well where the event comes to another worker's process", async () => {
  const other = await open();
  hearing = () => other;
  const worker = await plan("told-another");
  for (const wave of [1, 2]) {
    await underWay("told-another", wave);
    now += BATCH_MS;
    await server.batches.tick();
  }
  expect((await simulations.ended("told-another")).byStatus).toEqual({ completed: 2 });
  await worker.stop();
  await other.close();
}, 60_000);
