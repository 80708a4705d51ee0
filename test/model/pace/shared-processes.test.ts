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
  const done = new AbortController();
  const { signal } = done;
  const told = once(child, "message", { signal }).then(([message]) => message as T);
  const ended = once(child, "exit", { signal }).then(([code]) =>
    Promise.reject(new Error(`ended with code ${code}`)),
  );
  return await Promise.race([told, ended]).finally(() => done.abort());
}

const LIMIT = 6000;
/** A minute is too long for a test: windows of 10 s, which leave a sixth of its room for what is late. */
const WINDOW_MS = 10_000;

interface Stage {
  rateLimit: RateLimit;
  tasks: Partial<Task>[];
  latencyMs?: number;
  /** Done while they send. */
  meanwhile?: (workers: readonly ChildProcess[], report: () => Promise<Arrivals>) => Promise<void>;
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
      durationMs: 11_000,
      limits: {},
      ...task,
    });
    await messageOf(worker);
    workers.push(worker);
  }
  server.send("begin");
  for (const worker of workers) worker.send("start");
  const ended = workers.map((worker) => messageOf<Outcome>(worker).catch(() => undefined));
  const report = () => {
    server.send("report");
    return messageOf<Arrivals>(server);
  };
  await meanwhile?.(workers, report);
  const outcomes = (await Promise.all(ended)).filter((one) => one !== undefined);
  const arrivals = await report();
  const sent = arrivals.at.map((at) => ({ at, tokens: 1 }));
  const ratio = (windowMs: number) =>
    mostInWindow(sent, windowMs, () => 1) / ((rateLimit.requestsPerMinute * windowMs) / 60_000);
  const spanMs = (sent.at(-1)?.at ?? 0) - (sent[0]?.at ?? 0);
  const throughput = ((sent.length - 1) * 60_000) / spanMs / rateLimit.requestsPerMinute;
  const statements = outcomes.reduce((sum, one) => sum + one.statements, 0) / sent.length;
  return { arrivals, outcomes, sent, ratio, throughput, statements };
}

describe("three processes at a limit they know", () => {
  it("use 95 % of it, are never turned away, and pass no window, though one's clock jumps", async () => {
    const { arrivals, outcomes, ratio, throughput, statements } = await converse({
      rateLimit: { requestsPerMinute: LIMIT, tokensPerMinute: 1e9, windowMs: WINDOW_MS },
      tasks: [{}, {}, { jumpMs: 3_600_000 }].map((task) => ({
        ...task,
        durationMs: 11_000,
        limits: { requestsPerMinute: LIMIT },
      })),
    });
    expect(outcomes.flatMap(({ failures }) => failures)).toEqual([]);
    expect(arrivals.rejected).toBe(0);
    expect(ratio(WINDOW_MS)).toBeLessThanOrEqual(1);
    expect(throughput).toBeGreaterThanOrEqual(0.95);
    // A slot costs a statement where it is booked alone.
    expect(statements).toBeLessThan(0.3);
    // Nobody is left behind: each had its share.
    for (const { sent } of outcomes) expect(sent).toBeGreaterThan(arrivals.requests / 6);
  });
});

describe("a process that is killed", () => {
  it("loses its own permits only: the others go on at the limit", async () => {
    let before = 0;
    const { arrivals, outcomes, sent } = await converse({
      rateLimit: { requestsPerMinute: LIMIT, tokensPerMinute: 1e9 },
      tasks: [{}, {}].map(() => ({ durationMs: 3500, limits: { requestsPerMinute: LIMIT } })),
      meanwhile: async ([victim], report) => {
        const count = async () => {
          before = (await report()).at.length;
          return before;
        };
        await expect.poll(count, { timeout: 10_000 }).toBeGreaterThan(100);
        victim?.kill("SIGKILL");
      },
    });
    expect(outcomes).toHaveLength(1);
    expect(arrivals.rejected).toBe(0);
    const after = sent.slice(before);
    const spanMs = (after.at(-1)?.at ?? 0) - (after[0]?.at ?? 0);
    expect(spanMs).toBeGreaterThan(1000);
    // What it had booked, and a statement that was on its way: two batches of ten.
    expect(after.length + 25).toBeGreaterThanOrEqual((spanMs / 60_000) * LIMIT * 0.95);
  });
});
