/** Limiters of several processes over one store, here in one process, on both engines. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Limits, PermitRequest } from "../../../src/model/pace/permit.ts";
import { createSharedLimiter } from "../../../src/model/pace/shared-limiter.ts";
import type { Sql } from "../../../src/store/sql.ts";
import { onEachEngine } from "../../store/engines.ts";
import { createSimulatedTime } from "./simulation.ts";

const ratesOf = (fields: Record<string, string>) =>
  new Headers(
    Object.entries(fields).map(([name, value]): [string, string] => [`x-ratelimit-${name}`, value]),
  );

let accounts = 0;

onEachEngine("limiters of one store", ({ open }) => {
  let sql: Sql;
  beforeAll(async () => {
    sql = (await open()).sql;
  }, 60_000);

  /** Two processes' limiters of an account that nobody has used, and how many statements they made. */
  function stage(limits: Limits = {}) {
    const account = `a${accounts++}`;
    const count = { statements: 0 };
    const counted: Sql = {
      query(text, values) {
        count.statements += 1;
        return sql.query(text, values);
      },
      transaction: (run) => sql.transaction(run),
    };
    const make = () => createSharedLimiter({ sql: counted, account, limits, random: () => 0 });
    return { one: make(), other: make(), count };
  }

  const request = (fields: Partial<PermitRequest> = {}): PermitRequest => ({
    model: "m",
    tokens: 100,
    ...fields,
  });

  it("let through together what one would, with few statements", async () => {
    const { one, other, count } = stage({ requestsPerMinute: 6000 });
    const startedAt = performance.now();
    const all = [one, other].flatMap((limiter) =>
      Array.from({ length: 60 }, (_, index) => limiter.acquire(request({ conversation: `c${index}` }))),
    );
    await Promise.all(all);
    // 120 at 97.5 per second, of which the first may be 50 ms early.
    expect(performance.now() - startedAt).toBeGreaterThan((119 * 10) / 0.975 - 55);
    expect(count.statements).toBeLessThan(40);
  });

  it("let nobody wait where nothing is limited", async () => {
    const { one } = stage();
    const permits = await Promise.all(Array.from({ length: 300 }, () => one.acquire(request())));
    expect(permits).toHaveLength(300);
    expect(one.limitsOf("m")).toEqual({ requestsPerMinute: undefined, tokensPerMinute: undefined });
  });

  it("take turns between conversations, and let interactive ones go before bulk that has a slot already", async () => {
    const { one } = stage({ requestsPerMinute: 600 });
    const gone: string[] = [];
    const ask = async (name: string, fields: Partial<PermitRequest> = {}) => {
      await one.acquire(request({ conversation: name.slice(0, 1), ...fields }));
      gone.push(name);
    };
    await ask("x");
    const all = [ask("a1"), ask("a2"), ask("a3"), ask("b1"), ask("c1")];
    const urgent = ask("i1", { priority: "interactive" });
    await Promise.all([...all, urgent]);
    expect(gone).toEqual(["x", "i1", "a1", "b1", "c1", "a2", "a3"]);
  });

  it("leave at once when they are aborted, and leave their slot to the next", async () => {
    const { one } = stage({ requestsPerMinute: 120 });
    await one.acquire(request());
    const startedAt = performance.now();
    const controllers = Array.from({ length: 10 }, () => new AbortController());
    const leaving = controllers.map(({ signal }, index) =>
      one.acquire(request({ signal, conversation: `l${index}` })).catch((error: unknown) => error),
    );
    const staying = one.acquire(request({ conversation: "s" }));
    for (const [index, controller] of controllers.entries()) controller.abort(index);
    expect(await Promise.all(leaving)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(performance.now() - startedAt).toBeLessThan(400);
    await staying;
    expect(performance.now() - startedAt).toBeLessThan(900);
  });

  it("give a slot back that nobody here can use", async () => {
    const { one } = stage({ tokensPerMinute: 60_000 });
    await one.acquire(request({ tokens: 1400 }));
    const controller = new AbortController();
    const leaving = one.acquire(request({ tokens: 1400, signal: controller.signal }));
    // Its booking is on its way by then.
    await Promise.resolve();
    controller.abort("gone");
    await expect(leaving).rejects.toBe("gone");
    // Behind 1,400 at 975 a second, not behind 2,800.
    expect((await one.acquire(request({ tokens: 1 }))).waitedMs).toBeLessThan(2200);
  });

  it("pause together after a rejection, for as long as it asks", async () => {
    const { one, other } = stage({ requestsPerMinute: 6000 });
    const [permit] = await Promise.all([one.acquire(request()), other.acquire(request())]);
    permit.rejected({ retryAfterMs: 600 });
    const startedAt = performance.now();
    const own = await one.acquire(request());
    const elapsed = performance.now() - startedAt;
    expect(own.waitedMs).toBeGreaterThan(550);
    const afterwards = await other.acquire(request());
    expect(elapsed + afterwards.waitedMs).toBeGreaterThan(550);
  });

  it("pause also for those who have a slot already", async () => {
    const { one, other } = stage({ requestsPerMinute: 60 });
    const permit = await one.acquire(request());
    const waiting = other.acquire(request());
    const startedAt = performance.now();
    permit.rejected({ retryAfterMs: 2000 });
    await waiting;
    expect(performance.now() - startedAt).toBeGreaterThan(1900);
  });

  it("take limits that one was told for all", async () => {
    const { one, other } = stage();
    const permit = await one.acquire(request());
    permit.settle({ headers: ratesOf({ "limit-requests": "600", "limit-tokens": "5000" }) });
    await one.acquire(request());
    await other.acquire(request());
    expect(other.limitsOf("m")).toEqual({ requestsPerMinute: 600, tokensPerMinute: 5000 });
    await expect(other.acquire(request({ tokens: 5001 }))).rejects.toMatchObject({
      code: "invalid-argument",
    });
  });

  it("charge what was used instead of what was estimated", async () => {
    const { one } = stage({ tokensPerMinute: 60_000 });
    const permit = await one.acquire(request({ tokens: 1400 }));
    permit.settle({ tokens: 400 });
    // 400 at 975 a second, not 1,400; whatever the machine takes besides.
    expect((await one.acquire(request())).waitedMs).toBeLessThan(1000);
  });
});

describe("a limiter whose store is away", () => {
  /** A store whose first statements fail. */
  function stage(failing: number) {
    const time = createSimulatedTime();
    let statements = 0;
    const sql: Sql = {
      async query<Row extends object>() {
        statements += 1;
        if (statements <= failing) throw new Error("connection lost");
        const at = time.now();
        return [{ at, slots: [at], paused_until: 0, pauses: 0, growth: 0 }] as unknown as Row[];
      },
      transaction: () => Promise.reject(new Error("not used")),
    };
    const limiter = createSharedLimiter({ sql, account: "a", clock: time.now, timer: time.timer(() => 0) });
    return { time, limiter, statements: () => statements };
  }

  it("waits for it, asking ever more seldom, and goes on", async () => {
    const { time, limiter, statements } = stage(6);
    const permit = limiter.acquire({ model: "m", tokens: 1 });
    await time.run(permit.then(() => undefined));
    expect(statements()).toBe(7);
    expect((await permit).waitedMs).toBeGreaterThan(10_000);
  });

  it("tells those who wait after a minute that it is away", async () => {
    const { time, limiter, statements } = stage(Number.POSITIVE_INFINITY);
    const waiting = limiter.acquire({ model: "m", tokens: 1 }).catch((error: unknown) => error);
    await time.run(waiting.then(() => undefined));
    expect(await waiting).toMatchObject({ code: "store-failed" });
    expect(statements()).toBeLessThan(20);
  });
});

describe("a slot", () => {
  /** A store whose slots are all 200 ms ahead, and timers that are late. */
  async function ask(lateMs: number) {
    const time = createSimulatedTime();
    const late = [lateMs];
    let statements = 0;
    const sql: Sql = {
      async query<Row extends object>() {
        statements += 1;
        const at = time.now();
        return [{ at, slots: [at + 200], paused_until: 0, pauses: 0, growth: 0 }] as unknown as Row[];
      },
      transaction: () => Promise.reject(new Error("not used")),
    };
    const timer = time.timer(() => late.shift() ?? 0);
    const limiter = createSharedLimiter({ sql, account: "a", clock: time.now, timer });
    const permit = limiter.acquire({ model: "m", tokens: 1 });
    await time.run(permit.then(() => undefined));
    return { waitedMs: (await permit).waitedMs, statements };
  }

  it("is used by a process that is a little late", async () => {
    expect(await ask(90)).toEqual({ waitedMs: 290, statements: 1 });
  });

  it("is booked anew by a process that was stopped for longer, so that no window is passed", async () => {
    expect(await ask(500)).toEqual({ waitedMs: 900, statements: 2 });
  });
});
