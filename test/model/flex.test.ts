/** Flex where there is no room: tried again, or sent at standard; what it cost is the server's own bill in every case. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HumanMessage } from "@langchain/core/messages";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import type { ConversationRecord } from "../../src/domain/record.ts";
import { createBudget } from "../../src/model/budget.ts";
import { createGateway } from "../../src/model/gateway.ts";
import { createRecorder } from "../../src/model/recording/recorder.ts";
import { openReplay } from "../../src/model/recording/replay.ts";
import { openStage, type StageOptions } from "../conversation/stage.ts";

const FLEX = { models: { "*": "gpt-5-mini" }, tier: "flex" } as const;
const OR_STANDARD = { ...FLEX, tierFallback: "standard" } as const;

/** Of requests at flex, so many find no room. */
const noRoom = (share: number, more: StageOptions = {}): StageOptions => ({
  ...more,
  scenario: { endings: [{ maxTurns: 8 }], ...more.scenario },
  server: { faults: { seed: 5, share, kinds: ["429-flex"] }, ...more.server },
  gateway: { random: () => 0, ...more.gateway },
});

const tiersOf = ({ usage }: ConversationRecord) => new Set(usage.entries.map(({ tier }) => tier));

describe("flex without room", () => {
  it("is tried again, for nothing, until there is some", async () => {
    const { server, run } = await openStage(noRoom(0.5, { gateway: { maxRetries: 30 } }));
    const record = await run({ context: FLEX });
    expect(record).toMatchObject({ status: "completed", turns: { length: 8 } });
    expect(server.traffic.faultsByKind["429-flex"]).toBe(record.attempts.length);
    expect(record.attempts.length).toBeGreaterThan(3);
    for (const attempt of record.attempts) {
      expect(attempt).toMatchObject({
        problem: "tier-unavailable",
        status: 429,
        tier: "flex",
        mayBeBilled: false,
      });
      expect(attempt.waitMs).toBeDefined();
    }
    expect(tiersOf(record)).toEqual(new Set(["flex"]));
    expect(record.usage.totals.costNanoUsd).toBe(server.bill.costNanoUsd);
  });

  it("ends a conversation that never found any, and says what to do", async () => {
    const { server, run } = await openStage(noRoom(1, { gateway: { maxRetries: 1 } }));
    const { status, ending } = await run({ context: FLEX });
    expect(status).toBe("failed");
    expect(ending.evidence).toMatch(/tier-unavailable.*Resource unavailable.*--tier-fallback standard/);
    expect(server.bill.requests).toBe(0);
  });

  it("goes at standard where a fallback is given, at once and without a retry, and is priced so", async () => {
    const { server, run } = await openStage(noRoom(0.5, { gateway: { maxRetries: 0 } }));
    const record = await run({ context: OR_STANDARD });
    expect(record).toMatchObject({ status: "completed", turns: { length: 8 }, failures: [] });
    expect(record.attempts.every(({ waitMs, tier }) => waitMs === 0 && tier === "flex")).toBe(true);
    expect(tiersOf(record)).toEqual(new Set(["flex", "standard"]));
    for (const { requestId = "", tier, costNanoUsd } of record.usage.entries) {
      const charge = server.charges.get(requestId);
      expect(charge?.costNanoUsd).toBe(costNanoUsd);
      expect(charge?.tier).toBe(tier === "flex" ? "flex" : "default");
    }
    expect(record.usage.totals.costNanoUsd).toBe(server.bill.costNanoUsd);
  });

  it("leaves models at standard that are not offered at flex, where a fallback is given", async () => {
    const { server, run } = await openStage();
    const record = await run({ context: { tier: "flex", tierFallback: "standard" } });
    expect(tiersOf(record)).toEqual(new Set(["standard"]));
    expect(
      server.requests.every(
        ({ body }) => (body as object & { service_tier: string }).service_tier === "default",
      ),
    ).toBe(true);
    expect(record.usage.totals.costNanoUsd).toBe(server.bill.costNanoUsd);
  });

  it("goes at standard where the server does not know the tier for the model, although the catalog does", async () => {
    const refusal = {
      message: "Flex is not available for this model.",
      param: "service_tier",
      type: "invalid_request_error",
      code: null,
    };
    const refused = {
      kind: "status",
      status: 400,
      body: { error: refusal },
      times: Number.POSITIVE_INFINITY,
    } as const;
    const stage = async (context: object) => {
      const { server, run } = await openStage();
      server.script.next({ ...refused, when: ({ service_tier: tier }) => tier === "flex" });
      return { server, record: await run({ context }) };
    };
    const plain = await stage(FLEX);
    expect(plain.record).toMatchObject({ status: "failed", failures: [{ kind: "tier-unavailable" }] });
    expect(plain.record.attempts).toMatchObject([{ attempt: 1, status: 400 }]);
    const { server, record } = await stage(OR_STANDARD);
    expect(record.status).toBe("completed");
    expect(record.usage.totals.costNanoUsd).toBe(server.bill.costNanoUsd);
  });

  it("says that a fallback needs the tier flex", async () => {
    const { run } = await openStage();
    await expect(run({ context: { tierFallback: "standard" } })).rejects.toThrow(
      /Add tier: "flex" \(--tier flex\)/,
    );
  });
});

describe("a cap beside a fallback", () => {
  it.each([0.003, 0.01, 0.02])("of $%s is never passed, whichever tier answers", async (maxCostUsd) => {
    const options = noRoom(0.4, { scenario: { endings: [{ maxTurns: 60 }] } });
    const { server, run } = await openStage(options);
    const { usage, status } = await run({ context: { ...OR_STANDARD, budget: { maxCostUsd } } });
    expect(status).toBe("budget");
    expect(server.bill.costNanoUsd).toBe(usage.totals.costNanoUsd ?? 0);
    expect(server.bill.costNanoUsd).toBeLessThanOrEqual(maxCostUsd * 1e9);
  });

  it("is held at the standard price, and without one at half of it", async () => {
    const held = async (context: object) => {
      const { server, gateway } = await openStage();
      const budget = createBudget({ maxCostUsd: 1 });
      let most = 0;
      const watched = createGateway({
        catalog: gateway.catalog,
        apiKey: "offline",
        baseUrl: "http://offline.invalid/v1",
        budget,
        hasOpenAiOptions: true,
        fetch: (input, init) => {
          most = Math.max(most, budget.heldNanoUsd);
          return server.fetch(input, init);
        },
      });
      const schema = z.strictObject({ word: z.string() });
      const line = watched.line({ model: "gpt-5-mini", schema, maxOutputTokens: 100 });
      await line.ask({ messages: [new HumanMessage("Say a word.")], purpose: "turn", turn: 1, ...context });
      expect(budget.heldNanoUsd).toBe(0);
      expect(budget.spentNanoUsd).toBe(server.bill.costNanoUsd);
      return most;
    };
    const [standard, flex, either] = [await held({}), await held({ tier: "flex" }), await held(OR_STANDARD)];
    expect(flex).toBe(Math.ceil(standard / 2));
    expect(either).toBe(standard);
  });
});

describe("a recording of both tiers", () => {
  it("is replayed at the prices that were paid", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dramatis-flex-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "exchanges.jsonl");
    const recorder = createRecorder({ file, transport: "offline", apiKey: "offline", clock: () => 0 });
    const live = await openStage(noRoom(0.5, { gateway: { maxRetries: 0, recorder, isOffline: true } }));
    const paid = await live.run({ context: OR_STANDARD });
    expect(tiersOf(paid)).toEqual(new Set(["flex", "standard"]));
    const replay = openReplay({ file, apiKey: "offline" });
    const again = await openStage({ ...noRoom(0), gateway: { replay } });
    const replayed = await again.run({ context: OR_STANDARD });
    expect(replayed.usage).toEqual(paid.usage);
    expect(replayed.attempts).toEqual(paid.attempts);
    expect(again.server.bill.requests).toBe(0);
  });
});

describe("the time of an attempt", () => {
  afterEach(() => void vi.useRealTimers());

  const ask = (tier: "standard" | "flex", timeoutMs?: number) => {
    const fetch: typeof globalThis.fetch = (_, init) =>
      new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
    const options = { apiKey: "none", baseUrl: "http://offline.invalid/v1", maxRetries: 0, fetch, timeoutMs };
    return openStage({ gateway: options }).then(({ gateway }) => {
      const schema = z.strictObject({ word: z.string() });
      const line = gateway.line({ model: "gpt-5-mini", schema, maxOutputTokens: 100 });
      return {
        gateway,
        reply: () => line.ask({ messages: [new HumanMessage("?")], purpose: "turn", turn: 1, tier }),
      };
    });
  };

  it.each([
    ["standard", undefined, 120_000],
    ["flex", undefined, 900_000],
    ["flex", 5_000, 5_000],
  ] as const)("at %s, set to %s, is %i ms", async (tier, timeoutMs, expected) => {
    const { reply } = await ask(tier, timeoutMs);
    vi.useFakeTimers();
    let isOver = false;
    const over = reply().finally(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(expected - 1);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await over).toMatchObject({ kind: "problem", problem: "timed-out" });
  });

  it("leaves a turn room for as many attempts at flex as at standard", async () => {
    const { gateway } = await ask("flex");
    expect(gateway.turnTimeoutMs() / 120_000).toBe(gateway.turnTimeoutMs("flex") / 900_000);
  });
});
