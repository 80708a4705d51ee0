import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DramatisError } from "../../../src/domain/errors.ts";
import {
  createLimiter,
  type Limits,
  type Permit,
  type PermitRequest,
} from "../../../src/model/pace/limiter.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

const request = (fields: Partial<PermitRequest> = {}): PermitRequest => ({
  model: "m",
  tokens: 1000,
  ...fields,
});

/** A limiter and the names of whom it let go, in order. */
function stage(limits?: Limits, random: () => number = () => 0.5) {
  const limiter = createLimiter({ limits, random });
  const gone: string[] = [];
  const ask = async (name: string, fields: Partial<PermitRequest> = {}): Promise<Permit> => {
    const permit = await limiter.acquire(request(fields));
    gone.push(name);
    return permit;
  };
  return { limiter, gone, ask };
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const ratesOf = (fields: Record<string, string>) =>
  new Headers(
    Object.entries(fields).map(([name, value]): [string, string] => [`x-ratelimit-${name}`, value]),
  );

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("acquiring", () => {
  it("is at once where nothing is limited, and sets no timer", async () => {
    const { ask } = stage();
    const permits = await Promise.all(Array.from({ length: 1000 }, (_, index) => ask(String(index))));
    expect(permits.every(({ waitedMs }) => waitedMs === 0)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("waits for the pace of the model, with one timer, and says how long", async () => {
    const { ask, gone } = stage({ requestsPerMinute: 60 });
    const permits = ["a", "b", "c"].map((name) => ask(name));
    await pass(0);
    expect(gone).toEqual(["a"]);
    expect(vi.getTimerCount()).toBe(1);
    await pass(1100);
    expect(gone).toEqual(["a", "b"]);
    await pass(1100);
    expect(gone).toEqual(["a", "b", "c"]);
    expect(vi.getTimerCount()).toBe(0);
    const waited = await Promise.all(permits.map(async (permit) => (await permit).waitedMs));
    expect(waited[0]).toBe(0);
    expect(waited[2]).toBeGreaterThanOrEqual(1900);
    expect(waited[2]).toBeLessThanOrEqual(2200);
  });

  it("paces each model by itself, by limits that may come later", async () => {
    const limits = new Map<string, Limits>();
    const limiter = createLimiter({ limits: (model) => limits.get(model) });
    await limiter.acquire(request());
    limits.set("m", { requestsPerMinute: 1 });
    const waiting = limiter.acquire(request());
    expect((await limiter.acquire(request({ model: "other" }))).waitedMs).toBe(0);
    await pass(61_000);
    expect((await waiting).waitedMs).toBeGreaterThan(50_000);
  });

  it("lets conversations take turns, and interactive ones go first", async () => {
    const { ask, gone } = stage({ requestsPerMinute: 60 });
    await ask("first");
    for (const name of ["a0", "a1", "a2"]) void ask(name, { conversation: "a" });
    void ask("b0", { conversation: "b" });
    void ask("i0", { conversation: "c", priority: "interactive" });
    await pass(6000);
    expect(gone).toEqual(["first", "i0", "a0", "b0", "a1", "a2"]);
  });

  it("refuses at once what can never be sent", async () => {
    const { ask } = stage({ tokensPerMinute: 30_000 });
    const error = await errorOf(ask("a", { tokens: 30_001 }));
    expect(error).toBeInstanceOf(DramatisError);
    expect(error).toMatchObject({ code: "invalid-argument" });
    expect(String(error)).toMatch(/m: a request needs 30001 tokens .* limit is 30000 .*Shorten/);
    expect((await ask("b", { tokens: 30_000 })).waitedMs).toBe(0);
  });

  it("refuses those who wait when the limit turns out to be lower than their request", async () => {
    const { ask } = stage({ requestsPerMinute: 60 });
    const permit = await ask("a", { tokens: 10 });
    const large = errorOf(ask("b", { tokens: 5000 }));
    permit.settle({ headers: ratesOf({ "limit-tokens": "4000" }) });
    expect(await large).toMatchObject({ code: "invalid-argument" });
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([-1, Number.NaN, 1e10])("refuses %d tokens", async (tokens) => {
    expect(await errorOf(stage().ask("a", { tokens }))).toMatchObject({ code: "invalid-argument" });
  });

  it.each([0, -5, Number.NaN, Number.POSITIVE_INFINITY])("refuses a limit of %d", (requestsPerMinute) => {
    expect(() => createLimiter({ limits: { requestsPerMinute } })).toThrow(
      /requestsPerMinute: expected a number/,
    );
  });

  it("refuses a limit that there is not, since a misspelt one must not be none", async () => {
    const misspelt = { requestPerMinute: 60 } as Limits;
    const words = 'There is no limit "requestPerMinute". Did you mean requestsPerMinute?';
    expect(() => createLimiter({ limits: misspelt })).toThrow(words);
    expect(await errorOf(createLimiter({ limits: () => misspelt }).acquire(request()))).toMatchObject({
      code: "invalid-argument",
      message: words,
    });
  });
});

describe("abort", () => {
  it("leaves the queue at once with the signal's reason, and the next takes the place", async () => {
    const { ask, gone } = stage({ requestsPerMinute: 60 });
    await ask("a");
    const controller = new AbortController();
    const leaving = errorOf(ask("b", { signal: controller.signal }));
    void ask("c");
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await leaving).toBe(reason);
    await pass(1100);
    expect(gone).toEqual(["a", "c"]);
  });

  it("of the last who waits stops the timer", async () => {
    const { ask } = stage({ requestsPerMinute: 60 });
    await ask("a");
    const controller = new AbortController();
    const leaving = errorOf(ask("b", { signal: controller.signal }));
    await pass(0);
    expect(vi.getTimerCount()).toBe(1);
    controller.abort();
    await leaving;
    expect(vi.getTimerCount()).toBe(0);
  });

  it("before asking rejects, and counts nothing", async () => {
    const { ask } = stage({ requestsPerMinute: 60 });
    const signal = AbortSignal.abort(new Error("before"));
    expect(await errorOf(ask("a", { signal }))).toBe(signal.reason);
    expect((await ask("b")).waitedMs).toBe(0);
  });

  it("leaves no listener on the signal of one who was let go", async () => {
    const { ask } = stage({ requestsPerMinute: 60 });
    const { signal } = new AbortController();
    await ask("a", { signal });
    const waiting = ask("b", { signal });
    await pass(0);
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    await pass(1100);
    await waiting;
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("settling", () => {
  const limits = { tokensPerMinute: 60_000 };

  it("gives back what was reserved and not used, to those who wait already", async () => {
    const { ask } = stage(limits);
    const permit = await ask("a", { tokens: 20_000 });
    const next = ask("b", { tokens: 1000 });
    permit.settle({ tokens: 1000 });
    await pass(1000);
    expect((await next).waitedMs).toBeLessThanOrEqual(1000);
  });

  it("charges what was used beyond", async () => {
    const { ask, gone } = stage(limits);
    (await ask("a", { tokens: 1000 })).settle({ tokens: 20_000 });
    void ask("b", { tokens: 1000 });
    await pass(19_000);
    expect(gone).toEqual(["a"]);
    await pass(6000);
    expect(gone).toEqual(["a", "b"]);
  });

  it("keeps the reservation when nothing is known, and once is once", async () => {
    const { ask, gone } = stage(limits);
    const permit = await ask("a", { tokens: 10_000 });
    permit.settle({});
    permit.settle({ tokens: 0 });
    permit.rejected({ retryAfterMs: 60_000 });
    void ask("b");
    await pass(9000);
    expect(gone).toEqual(["a"]);
    await pass(2000);
    expect(gone).toEqual(["a", "b"]);
  });

  it.each([Number.NaN, -1, 1e99])("takes %d used tokens for no report", async (tokens) => {
    const { ask, gone } = stage(limits);
    (await ask("a", { tokens: 1000 })).settle({ tokens });
    void ask("b");
    await pass(1100);
    expect(gone).toEqual(["a", "b"]);
  });
});

describe("learning from headers", () => {
  it("gives unknown limits, and smaller ones than are set, never larger ones", async () => {
    const { limiter, ask } = stage({ requestsPerMinute: 500 });
    expect(limiter.limitsOf("m")).toEqual({ requestsPerMinute: 500 });
    (await ask("a")).settle({ headers: ratesOf({ "limit-requests": "10000", "limit-tokens": "30000" }) });
    expect(limiter.limitsOf("m")).toEqual({ requestsPerMinute: 500, tokensPerMinute: 30_000 });
    await pass(2000);
    (await ask("b")).settle({ headers: ratesOf({ "limit-requests": "100" }) });
    expect(limiter.limitsOf("m")).toEqual({ requestsPerMinute: 100, tokensPerMinute: 30_000 });
    expect(limiter.limitsOf("other")).toEqual({ requestsPerMinute: 500 });
  });

  it("ignores a token limit below what it just let through", async () => {
    const { limiter, ask } = stage();
    (await ask("a", { tokens: 5000 })).settle({ headers: ratesOf({ "limit-tokens": "4999" }) });
    expect(limiter.limitsOf("m").tokensPerMinute).toBeUndefined();
  });

  it("goes slower when the provider has less left than we think", async () => {
    const { ask, gone } = stage({ requestsPerMinute: 6000 });
    const rates = { "limit-requests": "6000", "remaining-requests": "0", "reset-requests": "5s" };
    (await ask("a")).settle({ headers: ratesOf(rates) });
    void ask("b");
    await pass(4900);
    expect(gone).toEqual(["a"]);
    await pass(200);
    expect(gone).toEqual(["a", "b"]);
  });

  it("does not wait for a bucket to be full that refills all the time", async () => {
    const { ask, gone } = stage({ requestsPerMinute: 600 });
    const rates = { "limit-requests": "600", "remaining-requests": "0", "reset-requests": "1m0s" };
    (await ask("a")).settle({ headers: ratesOf(rates) });
    void ask("b");
    await pass(90);
    expect(gone).toEqual(["a"]);
    await pass(120);
    expect(gone).toEqual(["a", "b"]);
  });

  it.each(["1d", "48h0m0s", "6m0s", "1e99s", "-1s"])("is not held up by a reset of %s", async (reset) => {
    const { ask, gone } = stage({ requestsPerMinute: 6000 });
    const rates = { "limit-requests": "6000", "remaining-requests": "0", "reset-requests": reset };
    (await ask("a")).settle({ headers: ratesOf(rates) });
    void ask("b");
    await pass(20);
    expect(gone).toEqual(["a", "b"]);
  });
});

describe("a rejection", () => {
  it("holds everybody as long as the provider says, and lets them go one by one", async () => {
    const { ask, gone } = stage({ requestsPerMinute: 600 }, () => 0);
    const permit = await ask("a");
    for (let i = 0; i < 20; i++) void ask(`w${i}`, { conversation: `c${i}` });
    permit.rejected({ retryAfterMs: 90_000 });
    await pass(89_999);
    expect(gone).toEqual(["a"]);
    await pass(2);
    expect(gone).toEqual(["a", "w0"]);
    await pass(1000);
    expect(gone.length).toBeGreaterThanOrEqual(10);
    expect(gone.length).toBeLessThanOrEqual(12);
  });

  it("holds those who come later, and other models not", async () => {
    const { ask, gone } = stage({}, () => 0);
    (await ask("a")).rejected({ retryAfterMs: 2000 });
    void ask("b");
    await ask("other", { model: "n" });
    await pass(1990);
    expect(gone).toEqual(["a", "other"]);
    await pass(20);
    expect(gone).toEqual(["a", "other", "b"]);
  });

  it("without a known limit spreads those who wait at a pace that is learned, and lower each time", async () => {
    const { limiter, ask, gone } = stage({}, () => 0);
    (await ask("a")).rejected({ retryAfterMs: 1000 });
    expect(limiter.limitsOf("m").requestsPerMinute).toBe(600);
    const later = Array.from({ length: 30 }, (_, index) => ask(`w${index}`));
    await pass(1005);
    expect(gone).toHaveLength(2);
    await pass(1000);
    expect(gone.length).toBeLessThanOrEqual(13);
    (await later[0])?.rejected({});
    expect(limiter.limitsOf("m").requestsPerMinute).toBeLessThanOrEqual(320);
    await pass(60_000);
    expect(gone).toHaveLength(31);
    expect(limiter.limitsOf("m").requestsPerMinute).toBeUndefined();
  });
});

describe("what is gone", () => {
  it("leaves nothing behind", async () => {
    const { limiter, ask } = stage();
    (await ask("a", { model: "old" })).settle({ headers: ratesOf({ "limit-requests": "100" }) });
    expect(limiter.limitsOf("old").requestsPerMinute).toBe(100);
    await pass(11 * 60_000);
    await ask("b", { model: "new" });
    expect(limiter.limitsOf("old").requestsPerMinute).toBeUndefined();
  });

  it("is not forgotten while it is held or somebody waits", async () => {
    const { limiter, ask, gone } = stage({}, () => 0);
    (await ask("a", { model: "old" })).rejected({ retryAfterMs: 20 * 60_000 });
    void ask("b", { model: "old" });
    await pass(11 * 60_000);
    await ask("c", { model: "new" });
    expect(limiter.limitsOf("old").requestsPerMinute).toBe(600);
    await pass(10 * 60_000);
    expect(gone).toEqual(["a", "c", "b"]);
  });
});
