/** Simulations on a store: on Postgres all workers keep one pace; an embedded store's one process keeps its own. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadCatalog } from "../src/catalog/catalog.ts";
import { createOfflineServer } from "../src/offline/server.ts";
import { loadScenario } from "../src/scenario/scenario.ts";
import { shippedFolder } from "../src/scenario/shipped-folder.ts";
import { openSimulations, type SimulationsOptions } from "../src/simulation/simulations.ts";
import { openStore } from "../src/store/store.ts";
import { onEachEngine } from "./store/engines.ts";

const KEY = "sk-MARKED-0123456789abcdef";
const CONVERSATIONS = 6;
const TURNS = 4;
const REQUESTS_PER_MINUTE = 1200;

const shipped = loadScenario(`${shippedFolder("scenarios")}/product-roundtable.yaml`);
const scenario = { ...shipped, endings: [{ maxTurns: TURNS }], knowledge: undefined };
const server = createOfflineServer({
  models: [...loadCatalog().models.values()],
  rateLimit: { requestsPerMinute: REQUESTS_PER_MINUTE, tokensPerMinute: 1e9, windowMs: 6000 },
});
let listening: Awaited<ReturnType<typeof server.listen>>;

beforeAll(async () => {
  listening = await server.listen();
});
afterAll(() => listening.close());

onEachEngine("simulations", ({ engine, address }) => {
  async function hold(workers: number, options: SimulationsOptions = {}) {
    const place = await address();
    const stores = await Promise.all(Array.from({ length: workers }, () => openStore(place)));
    const ended = Promise.withResolvers<void>();
    let left = CONVERSATIONS;
    server.reset();
    const opened = await Promise.all(
      stores.map((store) =>
        openSimulations(store, {
          env: {},
          apiKey: KEY,
          baseUrl: `${listening.url}/v1`,
          limits: { requestsPerMinute: REQUESTS_PER_MINUTE },
          ...options,
        }),
      ),
    );
    const [first] = opened;
    await first?.plan({ id: "r", scenario, conversations: CONVERSATIONS, seed: 1 });
    const fleet = await Promise.all(
      opened.map((simulations, index) =>
        simulations.work({
          name: `w${index}`,
          concurrency: CONVERSATIONS / workers,
          onEnd: () => {
            left -= 1;
            if (left === 0) ended.resolve();
          },
          onProblem: (_, error) => ended.reject(error),
        }),
      ),
    );
    await ended.promise;
    const [store] = stores;
    const paces = await store?.sql.query("select account, model, sent from dramatis.paces");
    const answers = await store?.sql.query(
      "select key from dramatis.response_cache where completion is not null",
    );
    await Promise.all(fleet.map((worker) => worker.stop()));
    await Promise.all(opened.map((simulations) => simulations.close()));
    await Promise.all(stores.map((one) => one.close()));
    return { paces, answers, traffic: server.traffic };
  }

  it.runIf(engine === "postgres")("keep one pace on all workers, by account and model", async () => {
    const { paces, traffic } = await hold(2);
    expect(traffic.rejected).toBe(0);
    expect(traffic.requests).toBeGreaterThanOrEqual(CONVERSATIONS * TURNS);
    expect(paces).toHaveLength(Object.keys(traffic.byModel).length);
    for (const pace of paces ?? [])
      expect(pace).toMatchObject({ account: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(JSON.stringify(paces)).not.toContain("MARKED");
  });

  it("keep a pace of the process where that was asked for, or the store is embedded", async () => {
    const { paces, traffic } = await hold(1, engine === "postgres" ? { sharedPace: false } : {});
    expect(traffic.rejected).toBe(0);
    expect(paces).toEqual([]);
  });

  it("share answers where that was asked for", async () => {
    const { answers, traffic } = await hold(1, { sharedCache: true });
    expect(answers?.length).toBeGreaterThan(0);
    expect(answers?.length).toBeLessThanOrEqual(traffic.requests);
  });
});
