/** Conversations on a server that fails in every way there is: all complete, and the ledger is the server's own bill. */
import { HumanMessage } from "@langchain/core/messages";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { runConversation } from "../../src/conversation/run.ts";
import type { ConversationRecord } from "../../src/domain/record.ts";
import { spentAtMost } from "../../src/ledger/totals.ts";
import { createBudget } from "../../src/model/budget.ts";
import type { FaultKind } from "../../src/offline/faults.ts";
import type { OfflineServer } from "../../src/offline/server.ts";
import { answer, openStage, type StageOptions } from "../conversation/stage.ts";

const CONVERSATIONS = 50;
const TURNS = 6;
/** Waits that the server asks for are real. */
const LONG = { timeout: 180_000 };

async function runAll(options: StageOptions, conversations = CONVERSATIONS) {
  let said = 0;
  const stage = await openStage({
    passages: [],
    ...options,
    scenario: { endings: [{ maxTurns: TURNS }], ...options.scenario },
    server: {
      generator: () => ({ kind: "content", content: JSON.stringify(answer(`Point ${++said}.`)) }),
      ...options.server,
    },
    // No draw, no jitter: waits that are not asked for take no time.
    gateway: { maxRetries: 30, timeoutMs: 20_000, random: () => 0, ...options.gateway },
  });
  const records = await Promise.all(
    Array.from({ length: conversations }, (_, index) =>
      runConversation(stage.graph, {
        scenario: stage.scenario,
        conversationId: `c-${index}`,
        transport: "offline",
      }),
    ),
  );
  return { ...stage, records };
}

const sum = (amounts: readonly number[]) => amounts.reduce((a, b) => a + b, 0);

/** The ledger against the bill: each answered request to the nano-dollar, and the rest within its bounds. */
function checkLedger(records: readonly ConversationRecord[], server: OfflineServer): void {
  const entries = records.flatMap(({ usage }) => usage.entries);
  for (const { requestId, costNanoUsd } of entries) {
    if (requestId !== undefined) expect(server.charges.get(requestId)?.costNanoUsd).toBe(costNanoUsd);
  }
  const known = sum(entries.map(({ costNanoUsd = 0 }) => costNanoUsd));
  const bound = sum(entries.map(({ costBoundNanoUsd = 0 }) => costBoundNanoUsd));
  expect(known).toBeLessThanOrEqual(server.bill.costNanoUsd);
  expect(server.bill.costNanoUsd).toBeLessThanOrEqual(known + bound);
  expect(sum(records.map(({ usage }) => spentAtMost(usage.totals)))).toBe(known + bound);
}

describe("a server of which 30 % of requests fail", () => {
  it("is talked through by every conversation, and the ledger is its bill", LONG, async () => {
    const { records, server } = await runAll({
      server: { faults: { seed: 11, share: 0.3 } },
      gateway: { timeoutMs: 2_000 },
    });
    expect(records.map(({ status, turns }) => [status, turns.length])).toEqual(
      records.map(() => ["completed", TURNS]),
    );
    expect(server.traffic.faulted).toBeGreaterThan(CONVERSATIONS * TURNS * 0.3);
    const attempts = sum(records.map((record) => record.attempts.length));
    // A machine under load may time a good answer out as well.
    expect(attempts).toBeGreaterThanOrEqual(
      server.traffic.faulted - (server.traffic.faultsByKind["slow-body"] ?? 0),
    );
    checkLedger(records, server);
  });

  it.each<[FaultKind, boolean]>([
    ["429", false],
    ["429-retry-after", false],
    ["429-bare", false],
    ["500", false],
    ["502", true],
    ["503", false],
    ["reset", true],
    ["reset-billed", true],
    ["hang", true],
    ["hang-billed", true],
  ])(
    "%s: all complete; a cost is unknown only where an answer may have been lost",
    async (kind, isUnknown) => {
      const hangs = kind.startsWith("hang");
      const { records, server } = await runAll(
        {
          server: { faults: { seed: 3, share: 0.3, kinds: [kind] } },
          ...(hangs ? { gateway: { timeoutMs: 200 } } : {}),
        },
        8,
      );
      expect(records.every(({ status, turns }) => status === "completed" && turns.length === TURNS)).toBe(
        true,
      );
      const attempts = records.flatMap((record) => record.attempts);
      expect(attempts.length).toBeGreaterThan(0);
      expect(attempts.every(({ mayBeBilled }) => mayBeBilled === isUnknown)).toBe(true);
      if (!isUnknown)
        expect(sum(records.map(({ usage }) => usage.totals.costNanoUsd ?? 0))).toBe(server.bill.costNanoUsd);
      checkLedger(records, server);
    },
  );
});

describe("a stream that is cut", () => {
  it("is asked for again, and what was lost is bounded", async () => {
    const stage = await openStage({
      passages: [],
      scenario: { endings: [{ maxTurns: 1 }] },
      gateway: { maxRetries: 3, random: () => 0 },
    });
    const pieces: [number, string][] = [];
    stage.server.script.next({ kind: "cut-stream", afterChunks: 4, times: 2 });
    const line = stage.gateway.line({
      model: "gpt-4.1-mini",
      schema: z.strictObject({ word: z.string() }),
      maxOutputTokens: 100,
    });
    const reply = await line.ask({
      messages: [new HumanMessage("Say a word.")],
      purpose: "turn",
      turn: 1,
      onDelta: ({ attempt, content }) => pieces.push([attempt, content]),
    });
    expect(reply).toMatchObject({ kind: "answer", attempts: [{ attempt: 1 }, { attempt: 2 }] });
    expect(reply.usage.map(({ costNanoUsd }) => costNanoUsd === undefined)).toEqual([true, true, false]);
    expect(new Set(pieces.map(([attempt]) => attempt))).toEqual(new Set([1, 2, 3]));
    const known = sum(reply.usage.map(({ costNanoUsd = 0 }) => costNanoUsd));
    const bound = sum(reply.usage.map(({ costBoundNanoUsd = 0 }) => costBoundNanoUsd));
    expect(stage.server.bill.costNanoUsd).toBeGreaterThan(known);
    expect(stage.server.bill.costNanoUsd).toBeLessThanOrEqual(known + bound);
    const whole = pieces.filter(([attempt]) => attempt === 3).map(([, content]) => content);
    expect(JSON.parse(whole.join(""))).toEqual(reply.kind === "answer" ? reply.value : undefined);
  });
});

describe("a cap that 50 conversations share", () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed);

  it("is never passed, by the server's own bill, over 20 seeds and with failures", LONG, async () => {
    const free = await runAll({});
    const third = free.server.bill.costNanoUsd / 3 / 1e9;
    for (const seed of seeds) {
      const budget = createBudget({ maxCostUsd: third });
      const { records, server } = await runAll({
        server:
          seed % 2 === 0
            ? {}
            : { faults: { seed, share: 0.1, kinds: ["500", "reset-billed", "reset", "502"] } },
        gateway: { budget },
        scenario: { seed },
      });
      expect(server.bill.costNanoUsd).toBeLessThanOrEqual(budget.capNanoUsd);
      expect(budget.heldNanoUsd).toBe(0);
      expect(budget.spentNanoUsd).toBe(sum(records.map(({ usage }) => spentAtMost(usage.totals))));
      expect(records.map(({ status }) => status)).toContain("budget");
      // A cap that keeps everything from being sent would hold as well.
      expect(budget.spentNanoUsd).toBeGreaterThan(budget.capNanoUsd * 0.9);
      checkLedger(records, server);
    }
  });
});
