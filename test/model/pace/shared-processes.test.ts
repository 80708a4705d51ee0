/** Several processes on one Postgres at a server's limit: together they use it, and never pass it. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { RateLimit } from "../../../src/offline/rate-limit.ts";
import { type PostgresServer, startPostgres } from "../../store/postgres-server.ts";
import type { Outcome, Task } from "./shared-client.ts";
import type { Arrivals } from "./shared-server.ts";
import { mostInWindow } from "./simulation.ts";

let postgres: PostgresServer;
const children: ChildProcess[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

afterAll(() => postgres.stop());

function start(file: string, options: object): ChildProcess {
  const child = fork(join(import.meta.dirname, file), [JSON.stringify(options)]);
  children.push(child);
  return child;
}

async function messageOf<T>(child: ChildProcess): Promise<T> {
  const told = once(child, "message").then(([message]) => message as T);
  const ended = once(child, "exit").then(([code]) => Promise.reject(new Error(`ended with code ${code}`)));
  return await Promise.race([told, ended]);
}

const LIMIT = 6000;
/** A minute is too long for a test: windows of 6 s, of a limit that is high enough for them. */
const WINDOW_MS = 6000;

interface Stage {
  rateLimit: RateLimit;
  tasks: Partial<Task>[];
  latencyMs?: number;
  /** Done while they send. */
  meanwhile?: (workers: readonly ChildProcess[]) => Promise<void>;
}

async function converse({ rateLimit, tasks, latencyMs = 200, meanwhile }: Stage) {
  const server = start("shared-server.ts", { rateLimit, latencyMs });
  const url = await messageOf<string>(server);
  const store = await postgres.database();
  const workers: ChildProcess[] = [];
  for (const task of tasks) {
    const worker = start("shared-client.ts", {
      store,
      server: url,
      conversations: 40,
      durationMs: 12_000,
      limits: {},
      ...task,
    });
    await messageOf(worker);
    workers.push(worker);
  }
  server.send("begin");
  for (const worker of workers) worker.send("start");
  const ended = workers.map((worker) => messageOf<Outcome>(worker).catch(() => undefined));
  await meanwhile?.(workers);
  const outcomes = (await Promise.all(ended)).filter((one) => one !== undefined);
  server.send("report");
  const arrivals = await messageOf<Arrivals>(server);
  const sent = arrivals.at.map((at) => ({ at, tokens: 1 }));
  const ratio = (windowMs: number) =>
    mostInWindow(sent, windowMs, () => 1) / ((rateLimit.requestsPerMinute * windowMs) / 60_000);
  const spanMs = (sent.at(-1)?.at ?? 0) - (sent[0]?.at ?? 0);
  const throughput = ((sent.length - 1) * 60_000) / spanMs / rateLimit.requestsPerMinute;
  const statements = outcomes.reduce((sum, one) => sum + one.statements, 0) / sent.length;
  return { arrivals, outcomes, sent, ratio, throughput, statements };
}

describe("three processes at a limit they know", () => {
  it("use 95 % of it, are never turned away, and no window is passed", async () => {
    const { arrivals, outcomes, ratio, throughput, statements } = await converse({
      rateLimit: { requestsPerMinute: LIMIT, tokensPerMinute: 1e9, windowMs: WINDOW_MS },
      tasks: Array.from({ length: 3 }, () => ({ limits: { requestsPerMinute: LIMIT } })),
    });
    console.log({
      r6: ratio(WINDOW_MS),
      r2: ratio(2000),
      throughput,
      statements,
      outcomes: outcomes.map((o) => ({ ...o, failures: o.failures.length })),
      n: arrivals.at.length,
      rej: arrivals.rejected,
    });
    expect(outcomes.flatMap(({ failures }) => failures)).toEqual([]);
    expect(arrivals.rejected).toBe(0);
    expect(ratio(WINDOW_MS)).toBeLessThanOrEqual(1);
    expect(throughput).toBeGreaterThanOrEqual(0.95);
    expect(statements).toBeLessThan(0.5);
  });
});
