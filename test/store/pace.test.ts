/** The shared pace in SQL, on both engines, at times that the tests name. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createGcra } from "../../src/model/pace/gcra.ts";
import { bookPace, LATE_MS, type PaceStep, pausePace } from "../../src/store/pace.ts";
import type { Sql } from "../../src/store/sql.ts";
import { createRandom, mostInWindow, type Sent } from "../model/pace/simulation.ts";
import { onEachEngine } from "./engines.ts";

const START = 1_700_000_000_000;
const countOf = () => 1;
const tokensOf = ({ tokens }: Sent) => tokens;
let models = 0;

onEachEngine("the pace of a store", ({ open }) => {
  let sql: Sql;
  beforeAll(async () => {
    sql = (await open()).sql;
  }, 60_000);

  /** A model that nobody has asked for. */
  function newPace(through: () => Sql = () => sql) {
    const key = { account: "a", model: `m${models++}` };
    return {
      book: (step: Partial<PaceStep>) =>
        bookPace(through(), key, { costs: [], limits: {}, at: START, ...step }),
      pause: (step: Partial<Parameters<typeof pausePace>[2]>) =>
        pausePace(sql, key, { limits: {}, pauses: 0, jitter: 1, at: START, ...step }),
    };
  }

  /** Books what is wanted without end, with pauses in between, and sends each some time after its slot. */
  async function demand(options: {
    limits: PaceStep["limits"];
    tokens: () => number;
    random: () => number;
    bookings: number;
    batch: number;
  }): Promise<Sent[]> {
    const { limits, tokens, random, bookings, batch } = options;
    const { book } = newPace();
    const sent: Sent[] = [];
    let at = START;
    for (let i = 0; i < bookings; i++) {
      const costs = Array.from({ length: 1 + Math.floor(random() * batch) }, tokens);
      const { slots } = await book({ costs, limits, at });
      for (const [index, slot] of slots.entries()) {
        sent.push({ at: slot + random() * LATE_MS, tokens: costs[index] ?? 0 });
      }
      // Mostly before the last slot is due, as several processes do; now and then much later.
      at = Math.max(at, (slots.at(-1) ?? at) - random() * 200) + (random() < 0.05 ? random() * 90_000 : 0);
    }
    return sent.sort((a, b) => a.at - b.at);
  }

  const seed = fc.integer({ min: 1, max: 2 ** 31 - 1 });

  it("keeps requests within the limit in every window of 6 s and of a minute", async () => {
    const settings = fc.record({ seed, perMinute: fc.integer({ min: 1, max: 20_000 }) });
    await fc.assert(
      fc.asyncProperty(settings, async ({ seed, perMinute }) => {
        const sent = await demand({
          limits: { requestsPerMinute: perMinute },
          tokens: () => 1,
          random: createRandom(seed),
          bookings: 40,
          batch: 64,
        });
        expect(mostInWindow(sent, 60_000, countOf)).toBeLessThanOrEqual(perMinute);
        expect(mostInWindow(sent, 6000, countOf)).toBeLessThanOrEqual(Math.ceil(perMinute / 10));
      }),
      { numRuns: 8 },
    );
  });

  it("keeps tokens within the limit of a minute, whatever the requests' sizes", async () => {
    const settings = fc.record({
      seed,
      /** The largest request, as a share of the limit. */
      largest: fc.oneof(
        fc.double({ min: 0.0005, max: 0.03, noNaN: true }),
        fc.double({ min: 0.03, max: 1, noNaN: true }),
      ),
      /** Above 1: mostly small ones, and now and then a large one. */
      skew: fc.constantFrom(1, 6),
    });
    await fc.assert(
      fc.asyncProperty(settings, async ({ seed, largest, skew }) => {
        const random = createRandom(seed);
        const perMinute = 100_000;
        const sent = await demand({
          limits: { tokensPerMinute: perMinute },
          tokens: () => Math.ceil(random() ** skew * largest * perMinute),
          random,
          bookings: 50,
          batch: 30,
        });
        expect(mostInWindow(sent, 60_000, tokensOf)).toBeLessThanOrEqual(perMinute);
      }),
      { numRuns: 14 },
    );
  });

  /** Slots of 600 requests of so many tokens, and when the limiter of one process would let each of them go. */
  async function sideBySide({
    seed: drawn,
    ...limits
  }: { seed: number } & { requestsPerMinute: number; tokensPerMinute: number }) {
    const random = createRandom(drawn);
    const largest = (limits.tokensPerMinute / 30) * 0.01;
    const costs = Array.from({ length: 600 }, () => Math.ceil(random() * largest));
    const lanes = { requests: createGcra({ isCounted: true }), tokens: createGcra({ isCounted: false }) };
    lanes.requests.limitTo(limits.requestsPerMinute);
    lanes.tokens.limitTo(limits.tokensPerMinute);
    let now = START;
    const inProcess = costs.map((cost) => {
      now = Math.max(now, lanes.requests.dueAt(1, now), lanes.tokens.dueAt(cost, now));
      lanes.requests.charge(1, now);
      lanes.tokens.charge(cost, now);
      return now;
    });
    const { book } = newPace();
    const slots: number[] = [];
    for (let from = 0; from < costs.length; from += 50) {
      slots.push(...(await book({ costs: costs.slice(from, from + 50), limits })).slots);
    }
    return Math.max(...slots.map((slot, index) => Math.abs(slot - (inProcess[index] ?? 0))));
  }

  const tokensPerMinute = fc.integer({ min: 300_000, max: 20_000_000 });

  it.each([
    ["requests", { min: 600, max: 4000 }],
    ["tokens", { min: 9000, max: 12_000 }],
  ])("lets requests go when the limiter of one process would, where %s are short", async (_, range) => {
    const settings = fc.record({ seed, requestsPerMinute: fc.integer(range), tokensPerMinute });
    await fc.assert(
      fc.asyncProperty(settings, async (one) => {
        // One may be 100 ms early, the other 50; the coarse window of the one holds up to 10 ms more.
        expect(await sideBySide(one)).toBeLessThanOrEqual(65);
      }),
      { numRuns: 8 },
    );
  });

  it("stays near it where both are short by turns", async () => {
    // The mean cost lets 6,000 a minute go. Whichever limit does not hold loses what it has in hand, more or less by its tolerance.
    const requestsPerMinute = fc.integer({ min: 4000, max: 9000 });
    await fc.assert(
      fc.asyncProperty(fc.record({ seed, requestsPerMinute, tokensPerMinute }), async (one) => {
        expect(await sideBySide(one)).toBeLessThanOrEqual(200);
      }),
      { numRuns: 8 },
    );
  });

  it("gives each of many that ask at once a time of its own", async () => {
    const { book } = newPace();
    const limits = { requestsPerMinute: 600 };
    const bookings = await Promise.all(
      Array.from({ length: 30 }, () => book({ costs: [1, 1], limits, at: undefined })),
    );
    const slots = bookings.flatMap(({ slots }) => slots).sort((a, b) => a - b);
    const gaps = slots.slice(1).map((slot, index) => slot - (slots[index] ?? 0));
    expect(slots).toHaveLength(60);
    expect(Math.min(...gaps.slice(1))).toBeGreaterThan(100);
  });

  it("takes limits that headers tell one process for all, and the lower of those and the set ones", async () => {
    const { book } = newPace();
    await book({ told: { requestsPerMinute: 600, tokensPerMinute: 5000 } });
    const { limits } = await book({ limits: { requestsPerMinute: 6000, tokensPerMinute: 4000 } });
    expect(limits).toEqual({ requestsPerMinute: 600, tokensPerMinute: 4000 });
  });

  it("gives back what was booked and not used, and charges what was used beyond", async () => {
    const { book } = newPace();
    const limits = { tokensPerMinute: 60_000 };
    const ms = 1 / 0.975;
    await book({ costs: [1000], limits });
    expect((await book({ costs: [1], limits })).slots[0]).toBeCloseTo(START + 1000 * ms - 50, 1);
    const less = await book({ costs: [1], limits, unused: { requests: 0, tokens: 400 } });
    expect(less.slots[0]).toBeCloseTo(START + 601 * ms - 50, 1);
    const more = await book({ costs: [1], limits, unused: { requests: 0, tokens: -300 } });
    expect(more.slots[0]).toBeCloseTo(START + 902 * ms - 50, 1);
  });

  it.each(["one after the other", "at the same time"])(
    "gives back once what is said twice, since the first answer got lost, %s",
    async (when) => {
      const twice = {
        async query(statement: string, values: readonly unknown[]) {
          const first = sql.query(statement, values);
          if (when === "one after the other") await first;
          const second = sql.query(statement, values);
          await first;
          return await second;
        },
      } as unknown as Sql;
      /** When the next one goes after some of it was given back, each time by the given way. */
      async function slotAfter(givingBack: Sql) {
        let through = sql;
        const { book } = newPace(() => through);
        const limits = { requestsPerMinute: 60_000, tokensPerMinute: 60_000 };
        await book({ costs: [5000], limits });
        through = givingBack;
        await book({ limits, unused: { requests: 1, tokens: 1000 } });
        await book({ limits, unused: { requests: 0, tokens: 500 } });
        await book({ limits, unused: { requests: 0, tokens: -200 } });
        through = sql;
        return (await book({ costs: [1], limits })).slots[0];
      }
      expect(await slotAfter(twice)).toBe(await slotAfter(sql));
    },
  );

  it("forgets after an hour what it knows a booking by", async () => {
    const { book } = newPace();
    await sql.query(
      `insert into dramatis.marks (token, at)
       select gen_random_uuid(), clock_timestamp() - interval '61 minutes' from generate_series(1, 15)`,
    );
    const old = "select token from dramatis.marks where at < clock_timestamp() - interval '1 hour'";
    expect(await sql.query(old)).toHaveLength(15);
    for (let i = 0; i < 2; i++) await book({ unused: { requests: 0, tokens: 1 } });
    expect(await sql.query(old)).toEqual([]);
  });

  it("pauses everybody for as long as the provider asks, and lets them come back one by one", async () => {
    const { book, pause } = newPace();
    const limits = { requestsPerMinute: 600 };
    await book({ costs: [1], limits });
    const { pausedUntil, pauses } = await pause({ limits, retryAfterMs: 3000, jitter: 0 });
    expect({ pausedUntil, pauses }).toEqual({ pausedUntil: START + 3000, pauses: 1 });
    const { slots } = await book({ costs: [1, 1, 1], limits, at: START + 100 });
    const ms = 100 / 0.975;
    expect(slots[0]).toBe(START + 3000);
    expect(slots[1]).toBeCloseTo(START + 3000 + ms, 1);
    expect(slots[2]).toBeCloseTo(START + 3000 + 2 * ms, 1);
  });

  it("doubles pauses without a word from the provider, takes rejections of one time as one, and begins anew", async () => {
    const { book, pause } = newPace();
    const limits = { requestsPerMinute: 600 };
    const lengths: number[] = [];
    let at = START;
    for (let pauses = 0; pauses < 8; pauses++) {
      const { pausedUntil } = await pause({ limits, pauses, at });
      expect((await pause({ limits, pauses, at })).pausedUntil).toBe(pausedUntil);
      lengths.push(pausedUntil - at);
      at = pausedUntil;
    }
    expect(lengths).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    expect((await book({ accepted: 7, at })).growth).toBe(8);
    expect((await book({ accepted: 8, at })).growth).toBe(0);
    expect((await pause({ limits, pauses: 8, at })).pausedUntil - at).toBe(1000);
  });

  it("concludes a pace from rejections where no limit is known, halves it, and lets it come back", async () => {
    const { book, pause } = newPace();
    // 4,000 in 2 s are 120,000 a minute.
    for (let i = 0; i < 40; i++) await book({ costs: Array(100).fill(1), at: START + i * 50 });
    const at = START + 2000;
    const first = await pause({ at, jitter: 0 });
    expect((await book({ at })).limits.requestsPerMinute).toBeCloseTo(120_000, -2);
    await pause({ at, jitter: 0, pauses: first.pauses });
    expect((await book({ at })).limits.requestsPerMinute).toBeCloseTo(60_000, -2);
    expect((await book({ at: at + 10_000 })).limits.requestsPerMinute).toBeCloseTo(90_000, -2);
    expect((await book({ at: at + 20_000 })).limits.requestsPerMinute).toBeUndefined();
  });

  it("holds nobody up for more than ten minutes when the database's clock was set back", async () => {
    const { book } = newPace();
    const limits = { requestsPerMinute: 6000 };
    await book({ costs: [1], limits });
    const at = START - 24 * 3_600_000;
    expect((await book({ costs: [1], limits, at })).slots[0]).toBeLessThanOrEqual(at + 600_000);
  });
});

describe("a pace's account", () => {
  it("is a digest of server and key, which tells keys and servers apart and shows neither", async () => {
    const { accountOf } = await import("../../src/model/pace/shared-limiter.ts");
    const account = accountOf("https://a.example/v1", "sk-MARKED");
    expect(account).toMatch(/^[0-9a-f]{32}$/);
    expect(accountOf("https://a.example/v1", "sk-MARKED")).toBe(account);
    expect(accountOf("https://b.example/v1", "sk-MARKED")).not.toBe(account);
    expect(accountOf("https://a.example/v1", "sk-OTHER")).not.toBe(account);
  });
});
