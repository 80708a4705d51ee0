/** Workers as processes on one Postgres: their figures, how they stop, and what happens when one falls silent. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { signedHeaders } from "../../src/offline/batch/webhook.ts";
import { loadScenario, type Scenario } from "../../src/scenario/scenario.ts";
import { openSimulations } from "../../src/simulation/simulations.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { parseExposition } from "../fleet/exposition.ts";
import { createPrograms, type Program } from "../fleet/programs.ts";
import { newStore } from "../store/new-store.ts";
import { type PostgresServer, startPostgres } from "../store/postgres-server.ts";

const scenario = loadScenario(join(import.meta.dirname, "../../scenarios/product-roundtable.yaml"));
const ofTurns = (turns: number): Scenario => ({ ...scenario, endings: [{ maxTurns: turns }] });

// Processes that start on a busy machine take their time.
vi.setConfig({ testTimeout: 120_000 });

const programs = createPrograms();
let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterEach(() => programs.end());
afterAll(async () => {
  await server.stop();
});

interface Planned {
  conversations: number;
  turns: number;
  maxCostUsd?: number;
}

async function plan(address: string, { conversations, turns, maxCostUsd }: Planned): Promise<Store> {
  const store = await openStore(address);
  const simulations = await openSimulations(store, { offline: true });
  await simulations.plan({ id: "run", scenario: ofTurns(turns), conversations, seed: 7, maxCostUsd });
  await simulations.close();
  return store;
}

const ready = (worker: Program) => worker.until(/takes conversations from/);

/** Looks again and again, at what only other processes change. */
async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const byStatus = async ({ sql }: Store) => {
  const rows = await sql.query<{ status: string; count: number }>(
    "select status, count(*)::int as count from dramatis.conversations group by 1",
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
};

describe("a worker", () => {
  it("is alive, ready, and its figures are what the store says", async () => {
    const address = await server.database();
    const store = await plan(address, { conversations: 6, turns: 4, maxCostUsd: 5 });
    const env = await programs.offline(0);
    const flags = ["worker", "--store", address, "--concurrency", "2", "--name", "w1", "--port", "0"];
    const worker = programs.start(flags, env);
    const [, url] = await worker.until(/(http:\/\/127\.0\.0\.1:\d+)\/metrics/);
    expect(await (await fetch(`${url}/healthz`)).text()).toBe("ok\n");
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    await eventually(async () => ((await byStatus(store)).completed === 6 ? true : undefined));
    const metrics = await eventually(async () => {
      const answer = await fetch(`${url}/metrics`);
      expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
      const read = parseExposition(await answer.text());
      return read.get("dramatis_conversations_total")?.samples[0]?.value === 6 ? read : undefined;
    });
    const sum = (name: string, labels: Record<string, string> = {}) =>
      (metrics.get(name)?.samples ?? [])
        .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
        .reduce((total, { value }) => total + value, 0);
    const [stored] = await store.sql.query<Record<string, number>>(
      `select count(*)::int as requests, sum(cost_nano_usd)::bigint as cost, sum(input_tokens)::bigint as input,
         sum(output_tokens)::bigint as output from dramatis.usage_entries`,
    );
    expect({
      turns: sum("dramatis_turns_total"),
      requests: sum("dramatis_requests_total", { outcome: "answered" }),
      cost: sum("dramatis_cost_nanodollars_total"),
      input:
        sum("dramatis_tokens_total", { kind: "input" }) +
        sum("dramatis_tokens_total", { kind: "cached_input" }),
      output:
        sum("dramatis_tokens_total", { kind: "output" }) +
        sum("dramatis_tokens_total", { kind: "reasoning" }),
    }).toEqual({ turns: 24, ...stored });
    expect(sum("dramatis_cost_dollars_total")).toBeCloseTo((stored?.cost ?? Number.NaN) / 1e9, 12);
    expect(sum("dramatis_store_up")).toBe(1);
    expect(metrics.get("dramatis_conversations_running")?.samples).toMatchObject([{ value: 0 }]);
    for (const histogram of [
      "dramatis_rate_limit_wait_seconds",
      "dramatis_request_duration_seconds",
      "dramatis_store_statement_duration_seconds",
    ]) {
      const { type, samples = [] } = metrics.get(histogram) ?? {};
      expect(type).toBe("histogram");
      expect(samples.find(({ name }) => name.endsWith("_count"))?.value).toBeGreaterThan(0);
    }
    worker.child.kill("SIGTERM");
    expect((await worker.exit()).code).toBe(0);
    await store.close();
  });

  it("takes webhooks where it has their secret, which it never shows", async () => {
    const place = (name: string) => ["worker", "--offline", "--store", join(folder, name), "--port", "0"];
    const folder = mkdtempSync(join(tmpdir(), "dramatis-worker-"));
    const secret = `whsec_${Buffer.from("MARKED: the ferry leaves").toString("base64")}`;
    for (const name of ["deaf", "hearing"]) await newStore(join(folder, name));
    const deaf = programs.start(place("deaf"), { OPENAI_WEBHOOK_SECRET: "" });
    const hearing = programs.start(place("hearing"), { OPENAI_WEBHOOK_SECRET: secret });
    const [, closed] = await deaf.until(/(http:\/\/127\.0\.0\.1:\d+)\/metrics/);
    const [, address = ""] = await hearing.until(/Webhooks: (\S+)/);
    const body = JSON.stringify({ type: "batch.completed", data: { id: "batch_of_nobody" } });
    const signed = (secret: string, timestamp = Math.floor(Date.now() / 1000)) =>
      signedHeaders({ id: "evt_1", timestamp, body, secret });
    const post = async (url: string, headers: Record<string, string>) =>
      (await fetch(url, { method: "POST", headers, body })).status;
    expect(await post(`${closed}/webhooks/openai`, signed(secret))).toBe(404);
    expect(await post(address, signed(secret))).toBe(200);
    expect(await post(address, signed(`${secret.slice(0, -4)}AAAA`))).toBe(400);
    expect(await post(address, signed(secret, 1_000_000))).toBe(400);
    expect(await post(address, {})).toBe(400);
    expect(hearing.written()).not.toContain(secret.slice("whsec_".length));
    const useless = ["worker", "--offline", "--store", join(folder, "none"), "--webhook-secret-file", "x"];
    expect(await programs.start(useless).exit()).toMatchObject({
      code: 1,
      written: expect.stringContaining("Name one with --port"),
    });
    const broken = await programs.start(place("none"), { OPENAI_WEBHOOK_SECRET: "whsec_MARKED%" }).exit();
    expect(broken).toMatchObject({ code: 1, written: expect.stringContaining("is not whole") });
    expect(broken.written).not.toContain("MARKED");
    expect(existsSync(join(folder, "none"))).toBe(false);
    rmSync(folder, { recursive: true, force: true });
  });

  it("gives back what it holds after the turn in flight when it is stopped, and ends with 0", async () => {
    const address = await server.database();
    const store = await plan(address, { conversations: 3, turns: 40 });
    const env = await programs.offline(100);
    const worker = programs.start(["worker", "--store", address, "--concurrency", "3"], env);
    await eventually(async () => {
      const [{ count = 0 } = {}] = await store.sql.query<{ count: number }>(
        "select count(*)::int as count from dramatis.requests where state = 'answered'",
      );
      return count > 6 ? true : undefined;
    });
    worker.child.kill("SIGTERM");
    const { code, written } = await worker.exit();
    expect({ code, written }).toMatchObject({ code: 0, written: expect.stringContaining("Stopped.") });
    expect(await byStatus(store)).toEqual({ waiting: 3 });
    expect(
      await store.sql.query("select state from dramatis.requests where state in ('held', 'sent', 'open')"),
    ).toEqual([]);
    await store.close();
  });

  it("ends at once when told twice", async () => {
    const address = await server.database();
    const store = await plan(address, { conversations: 1, turns: 4 });
    const env = await programs.offline(60_000);
    const worker = programs.start(["worker", "--store", address, "--json"], env);
    await eventually(async () => {
      const sent = await store.sql.query("select 1 from dramatis.requests where state = 'sent'");
      return sent.length > 0 ? true : undefined;
    });
    worker.child.kill("SIGTERM");
    await worker.until(/"event":"stopping"/);
    // A signal that comes sooner is an echo of the first, as npm passes them on.
    await new Promise((resolve) => setTimeout(resolve, 700));
    worker.child.kill("SIGTERM");
    const { code, written } = await worker.exit();
    expect(code).toBe(130);
    for (const line of written.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("message");
    await store.close();
  });

  it("is refused a directory that another process has, and says whose it is and what to do", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dramatis-worker-"));
    const store = await openStore(await newStore(join(folder, "store")));
    const { code, written } = await programs
      .start(["worker", "--offline", "--store", join(folder, "store")])
      .exit();
    expect(code).toBe(1);
    expect(written).toContain(`process ${process.pid}`);
    expect(written).toContain("Many processes at once need Postgres");
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("is refused without a key, rather than answering a run with what nobody said", async () => {
    const address = await server.database();
    const { code, written } = await programs.start(["worker", "--store", address]).exit();
    expect({ code, written }).toMatchObject({
      code: 1,
      written: expect.stringMatching(/There is no key.*--offline/),
    });
  });
});

describe("a worker that falls silent", () => {
  it("loses what it held to another within seconds, and writes nothing when it wakes", async () => {
    const address = await server.database();
    const store = await plan(address, { conversations: 4, turns: 6 });
    const env = await programs.offline(400);
    const flags = (name: string) => ["worker", "--store", address, "--concurrency", "2", "--name", name];
    const killed = programs.start(flags("killed"), env);
    const asleep = programs.start(flags("asleep"), env);
    await Promise.all([ready(killed), ready(asleep)]);
    await eventually(async () => {
      const [{ count = 0 } = {}] = await store.sql.query<{ count: number }>(
        "select count(distinct conversation_id)::int as count from dramatis.requests where state = 'answered'",
      );
      return count === 4 ? true : undefined;
    });
    killed.child.kill("SIGKILL");
    asleep.child.kill("SIGSTOP");
    const silentSince = performance.now();
    const held = await store.sql.query<{ worker: string }>(
      "select worker from dramatis.conversations where status = 'running'",
    );
    expect(held.map(({ worker }) => worker).sort()).toEqual(["asleep", "asleep", "killed", "killed"]);
    const heir = programs.start([...flags("heir"), "--concurrency", "4", "--drain"], env);
    await eventually(async () => {
      const rows = await store.sql.query("select 1 from dramatis.conversations where worker = 'heir'");
      return rows.length === 4 ? true : undefined;
    });
    const takeoverMs = performance.now() - silentSince;
    expect(takeoverMs).toBeGreaterThan(5000);
    expect(takeoverMs).toBeLessThan(14_000);
    asleep.child.kill("SIGCONT");
    // Both of its conversations come to nothing under its lease.
    await asleep.until(/another worker's by now[\s\S]*another worker's by now/);
    expect(await heir.exit()).toMatchObject({ code: 0, written: expect.stringContaining("Nothing waits") });
    const ended = await store.sql.query<{ worker: string; turns: number }>(
      "select worker, turns from dramatis.conversations where status = 'completed'",
    );
    expect(ended).toEqual(Array.from({ length: 4 }, () => ({ worker: "heir", turns: 6 })));
    const turns = await store.sql.query("select conversation_id, turn from dramatis.turns");
    expect(turns).toHaveLength(24);
    expect(await store.sql.query("select 1 from dramatis.requests")).toEqual([]);
    expect(asleep.written()).not.toContain("completed");
    process.stdout.write(`taken over after ${(takeoverMs / 1000).toFixed(1)} s\n`);
    await store.close();
  });
});
