/** The statements of requests, repeated and broken off at random: money and answers come out as if nothing had happened. */
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { claim } from "../../src/store/conversations.ts";
import { PATIENCE } from "../../src/store/outage.ts";
import {
  fundsOf,
  hold,
  markSent,
  type RequestId,
  requestsOf,
  settle,
  takeOver,
} from "../../src/store/requests.ts";
import { createRun } from "../../src/store/runs.ts";
import { type Sql, sqlOf } from "../../src/store/sql.ts";
import type { Store } from "../../src/store/store.ts";
import { onEachEngine } from "./engines.ts";
import { flakyPool } from "./flaky-pool.ts";

const CAP = 100;

const step = fc.oneof(
  fc.record({
    kind: fc.constant("hold" as const),
    request: fc.nat(2),
    amount: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({
    kind: fc.constant("send" as const),
    request: fc.nat(2),
    amount: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({ kind: fc.constant("answer" as const), request: fc.nat(2), amount: fc.nat(60) }),
  fc.record({ kind: fc.constant("fail" as const), request: fc.nat(2), amount: fc.nat(60) }),
  fc.record({ kind: fc.constant("takeOver" as const), request: fc.constant(0), amount: fc.constant(0) }),
);
type Step = ReturnType<typeof fc.sample<typeof step extends fc.Arbitrary<infer T> ? T : never>>[number];

const idOf = (request: number): RequestId => ({
  digest: `d${request}`,
  occurrence: 0,
  purpose: "turn",
  turn: request,
  persona: "p",
  model: "m",
});

interface Expected {
  state: string;
  held: number | undefined;
  bound: number | undefined;
}

/** What should be in the store, figured without one. */
class Model {
  spent = 0;
  held = 0;
  readonly requests = new Map<number, Expected>();

  apply({ kind, request, amount }: Step): boolean | undefined {
    const before = this.requests.get(request);
    switch (kind) {
      case "hold": {
        const rest = this.held - (before?.held ?? 0);
        if (this.spent + rest + amount > CAP) return false;
        this.held = rest + amount;
        this.requests.set(request, { state: "held", held: amount, bound: before?.bound });
        return true;
      }
      case "send":
        this.requests.set(request, { state: "sent", held: before?.held, bound: amount });
        return undefined;
      case "answer":
      case "fail":
        this.close(request, kind === "answer" ? "answered" : "failed", amount);
        return undefined;
      case "takeOver":
        for (const [each, { state, bound }] of this.requests) {
          if (state === "sent") this.close(each, "open", bound ?? 0);
          if (state === "held") this.close(each, "open", 0);
        }
        return undefined;
    }
  }

  private close(request: number, state: string, spent: number): void {
    const held = this.requests.get(request)?.held;
    if (held !== undefined) {
      this.held -= held;
      this.spent += spent;
    }
    this.requests.set(request, { state, held: undefined, bound: undefined });
  }
}

onEachEngine("the statements of requests", ({ open }) => {
  let store: Store;
  let count = 0;
  beforeAll(async () => {
    store = await open();
  }, 60_000);

  async function carryOut(sql: Sql, holder: Parameters<typeof hold>[1], { kind, request, amount }: Step) {
    const id = idOf(request);
    switch (kind) {
      case "hold":
        return (await hold(sql, holder, { ...id, amountNanoUsd: amount })).isGranted;
      case "send":
        return void (await markSent(sql, holder, { ...id, attempts: [], boundNanoUsd: amount }));
      case "answer":
      case "fail": {
        const state = kind === "answer" ? "answered" : "failed";
        const outcome = { n: amount };
        return void (await settle(sql, holder, {
          ...id,
          state,
          attempts: [],
          outcome,
          spentNanoUsd: amount,
        }));
      }
      case "takeOver":
        return void (await takeOver(sql, holder));
    }
  }

  it("change nothing more when they are carried out again, whenever the connection breaks", async () => {
    let broken = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(step, fc.integer({ min: 1, max: 2 })), { maxLength: 12 }),
        fc.infiniteStream(fc.nat(999)),
        async (steps, draws) => {
          const runId = `run-${count++}`;
          const holder = { runId, conversationId: `${runId}-1`, lease: "lease" };
          const draw = () => {
            const drawn = Number(draws.next().value) / 1000;
            if (drawn < 0.3) broken += 1;
            return drawn;
          };
          const sql = sqlOf(flakyPool(store.pool, { draw, share: 0.3 }), {
            isRemote: true,
            patience: { ...PATIENCE, wait: async () => undefined },
          });
          // Not in a transaction of the flaky pool: what it lost at a commit only a server can tell.
          await createRun(store.sql, {
            id: runId,
            scenario: "s",
            definition: {},
            maxCostNanoUsd: CAP,
            conversations: [{ id: holder.conversationId, position: 0, settings: {} }],
          });
          await claim(sql, { conversationId: holder.conversationId, lease: "lease", worker: "w" });
          const model = new Model();
          for (const [each, times] of steps) {
            const expected = model.apply(each);
            for (let time = 0; time < times; time += 1) {
              expect(await carryOut(sql, holder, each)).toBe(expected);
            }
            const funds = await fundsOf(store.sql, runId);
            expect(funds).toEqual({ spentNanoUsd: model.spent, heldNanoUsd: model.held, capNanoUsd: CAP });
          }
          const kept = await requestsOf(store.sql, holder.conversationId);
          expect(Object.fromEntries(kept.map(({ digest, state }) => [digest, state]))).toEqual(
            Object.fromEntries([...model.requests].map(([each, { state }]) => [`d${each}`, state])),
          );
          for (const { attempts } of kept) expect(attempts.length).toBeLessThanOrEqual(steps.length);
        },
      ),
      { numRuns: 25, seed: 4 },
    );
    expect(broken).toBeGreaterThan(50);
  }, 60_000);
});
