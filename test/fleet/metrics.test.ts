/** Figures as they are told, and what becomes of them when the store is away. */
import { expect, it } from "vitest";
import type { UsageEntry } from "../../src/domain/usage.ts";
import { createMetrics, type StoreFigures } from "../../src/fleet/metrics.ts";
import { parseExposition } from "./exposition.ts";

const STORE: StoreFigures = {
  waiting: 7,
  running: 2,
  parked: 3,
  budgets: [{ run: 'a "run"', leftNanoUsd: 1_500_000_000 }],
};

async function opened(storeFigures: () => Promise<StoreFigures> = async () => STORE) {
  const metrics = await createMetrics({ name: "w1", storeFigures });
  const read = async (name: string) =>
    (parseExposition(await metrics.text()).get(name)?.samples ?? []).map(({ labels, value }) => ({
      ...labels,
      value,
    }));
  return { metrics, read };
}

const entry = (fields: Partial<UsageEntry>): UsageEntry => ({ model: "m", tier: "standard", ...fields });

it("counts every token once, and money exactly and in dollars", async () => {
  const { metrics, read } = await opened();
  const counted = entry({
    inputTokens: 100,
    cachedInputTokens: 40,
    outputTokens: 30,
    reasoningTokens: 10,
    costNanoUsd: 1,
  });
  metrics.observer.onUsage?.({ conversation: "c", turn: 1, entries: [counted, counted] });
  expect(await read("dramatis_tokens_total")).toEqual([
    { model: "m", kind: "input", value: 120 },
    { model: "m", kind: "cached_input", value: 80 },
    { model: "m", kind: "output", value: 40 },
    { model: "m", kind: "reasoning", value: 20 },
  ]);
  expect(await read("dramatis_cost_nanodollars_total")).toEqual([{ model: "m", value: 2 }]);
  expect(await read("dramatis_cost_dollars_total")).toEqual([{ model: "m", value: 2e-9 }]);
});

it("takes no unknown cost for nothing: it is counted, with the most it can be", async () => {
  const { metrics, read } = await opened();
  metrics.observer.onUsage?.({
    conversation: "c",
    turn: 1,
    entries: [entry({ costBoundNanoUsd: 9 }), entry({})],
  });
  expect(await read("dramatis_cost_nanodollars_total")).toEqual([]);
  expect(await read("dramatis_unpriced_requests_total")).toEqual([{ model: "m", value: 2 }]);
  expect(await read("dramatis_unpriced_bound_nanodollars_total")).toEqual([{ model: "m", value: 9 }]);
});

it("counts a turn that was paid here, and none that was told again from the store", async () => {
  const { metrics, read } = await opened();
  const conversation = { conversationId: "c" };
  metrics.onBegin(conversation);
  metrics.onTurn(conversation, 1);
  metrics.observer.onUsage?.({ conversation: "c", turn: 2, entries: [] });
  metrics.onTurn(conversation, 2);
  expect(await read("dramatis_turns_total")).toEqual([{ value: 1 }]);
  expect(await read("dramatis_conversations_running")).toEqual([{ value: 1 }]);
  metrics.onLeave(conversation);
  expect(await read("dramatis_conversations_running")).toEqual([{ value: 0 }]);
});

it("tells attempts by what came of them, with their waits and how long they took", async () => {
  const { metrics, read } = await opened();
  const attempt = { model: "m", purpose: "turn" as const, ms: 250, waitedMs: 1500 };
  metrics.observer.onAttempt?.({ ...attempt, problem: undefined });
  metrics.observer.onAttempt?.({ ...attempt, problem: "rate-limited" });
  expect(await read("dramatis_requests_total")).toEqual([
    { model: "m", purpose: "turn", outcome: "answered", value: 1 },
    { model: "m", purpose: "turn", outcome: "rate-limited", value: 1 },
  ]);
  expect(await read("dramatis_rate_limit_wait_seconds")).toContainEqual({ model: "m", value: 3 });
  expect(await read("dramatis_request_duration_seconds")).toContainEqual({
    model: "m",
    purpose: "turn",
    value: 0.5,
  });
});

it("tells conversations that could not begin from those that are begun again", async () => {
  const { metrics, read } = await opened();
  metrics.onUnbegun();
  metrics.onProblem("lease-lost");
  expect(await read("dramatis_conversations_total")).toEqual([{ status: "failed", value: 1 }]);
  expect(await read("dramatis_conversations_failed_total")).toEqual([{ kind: "error", value: 1 }]);
  expect(await read("dramatis_worker_problems_total")).toEqual([{ code: "lease-lost", value: 1 }]);
});

it("asks the store when it is read, and keeps its own figures while that is away", async () => {
  let isAway = false;
  const { metrics, read } = await opened(() =>
    isAway ? Promise.reject(new Error("away")) : Promise.resolve(STORE),
  );
  metrics.onStatement(3);
  expect(await read("dramatis_queue_conversations")).toEqual([
    { state: "waiting", value: 7 },
    { state: "running", value: 2 },
    { state: "parked", value: 3 },
  ]);
  expect(await read("dramatis_run_budget_left_dollars")).toEqual([{ run: 'a "run"', value: 1.5 }]);
  isAway = true;
  expect(await read("dramatis_store_up")).toEqual([{ value: 0 }]);
  expect(await read("dramatis_queue_conversations")).toEqual([]);
  expect(await read("dramatis_run_budget_left_dollars")).toEqual([]);
  expect((await read("dramatis_store_statement_duration_seconds")).at(-1)).toEqual({ value: 1 });
});
