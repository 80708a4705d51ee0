/** A worker's figures for Prometheus: what it did itself, counted as it goes, and what its store holds, asked when they are read. */
import type { ConversationRecord } from "../domain/record.ts";
import type { UsageEntry } from "../domain/usage.ts";
import type { RequestObserver } from "../model/observer.ts";

/** What a store says of itself when figures are read. */
export interface StoreFigures {
  waiting: number;
  running: number;
  parked: number;
  /** Of unfinished runs that have a cap. */
  budgets: readonly { run: string; leftNanoUsd: number }[];
}

export interface MetricsParts {
  /** The worker's name. */
  name: string;
  /** Rejects when the store cannot be reached. */
  storeFigures(): Promise<StoreFigures>;
}

interface Held {
  conversationId: string;
}

export interface Metrics {
  /** For the gateway. */
  observer: RequestObserver;
  onStatement(ms: number): void;
  onBegin(conversation: Held): void;
  onTurn(conversation: Held, turn: number): void;
  onLeave(conversation: Held): void;
  onEnd(conversation: Held, record: ConversationRecord): void;
  /** A conversation ended as failed before it could begin. */
  onUnbegun(): void;
  /** A conversation was given up to be begun again: its lease was lost, or the store failed. */
  onProblem(code: string): void;
  readonly contentType: string;
  /** In Prometheus' text format. */
  text(): Promise<string>;
}

const NANO = 1e9;
const WAIT_SECONDS = [0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
const REQUEST_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120];
const STATEMENT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** Each token once, so that the kinds add up. */
function tokensByKind(entry: UsageEntry): Record<string, number | undefined> {
  const { inputTokens, cachedInputTokens = 0, outputTokens, reasoningTokens = 0 } = entry;
  return {
    input: inputTokens === undefined ? undefined : inputTokens - cachedInputTokens,
    cached_input: entry.cachedInputTokens,
    output: outputTokens === undefined ? undefined : outputTokens - reasoningTokens,
    reasoning: entry.reasoningTokens,
  };
}

export async function createMetrics({ name, storeFigures }: MetricsParts): Promise<Metrics> {
  const { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } = await import("prom-client");
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const counter = <Label extends string = never>(metric: string, help: string, labelNames: Label[] = []) =>
    new Counter<Label>({ name: metric, help, labelNames, registers });
  const gauge = <Label extends string = never>(metric: string, help: string, labelNames: Label[] = []) =>
    new Gauge<Label>({ name: metric, help, labelNames, registers });
  const histogram = <Label extends string = never>(
    metric: string,
    { help, buckets, labelNames = [] }: { help: string; buckets: number[]; labelNames?: Label[] },
  ) => new Histogram<Label>({ name: metric, help, buckets, labelNames, registers });

  gauge("dramatis_worker_info", "Always 1; the label names the worker.", ["worker"]).set({ worker: name }, 1);
  const turns = counter("dramatis_turns_total", "Turns this worker took.");
  const conversations = counter(
    "dramatis_conversations_total",
    "Conversations that ended on this worker, by how.",
    ["status"],
  );
  const running = gauge("dramatis_conversations_running", "Conversations this worker has in hand.");
  const failed = counter(
    "dramatis_conversations_failed_total",
    "Failed conversations, by the kind of their ending.",
    ["kind"],
  );
  const turnFailures = counter("dramatis_turn_failures_total", "Turns that came to nothing, by why.", [
    "kind",
  ]);
  const problems = counter(
    "dramatis_worker_problems_total",
    "Conversations given up by this worker, by why.",
    ["code"],
  );
  const requests = counter("dramatis_requests_total", "Attempts of requests, by what came of them.", [
    "model",
    "purpose",
    "outcome",
  ]);
  const tokens = counter("dramatis_tokens_total", "Tokens that were used; every token has one kind.", [
    "model",
    "kind",
  ]);
  const dollars = counter("dramatis_cost_dollars_total", "What requests cost, as far as it is known.", [
    "model",
  ]);
  const nanoDollars = counter("dramatis_cost_nanodollars_total", "The same, exactly.", ["model"]);
  const unpriced = counter("dramatis_unpriced_requests_total", "Requests whose cost nobody can know.", [
    "model",
  ]);
  const bounds = counter("dramatis_unpriced_bound_nanodollars_total", "The most those can have cost.", [
    "model",
  ]);
  const waits = histogram("dramatis_rate_limit_wait_seconds", {
    help: "How long requests were kept by a rate limit.",
    buckets: WAIT_SECONDS,
    labelNames: ["model"],
  });
  const durations = histogram("dramatis_request_duration_seconds", {
    help: "How long an attempt took, from being sent to its end.",
    buckets: REQUEST_SECONDS,
    labelNames: ["model", "purpose"],
  });
  const statements = histogram("dramatis_store_statement_duration_seconds", {
    help: "How long statements of the store took, their wait for a connection included.",
    buckets: STATEMENT_SECONDS,
  });
  const isUp = gauge("dramatis_store_up", "1 when the store answered just now.");
  const depth = gauge(
    "dramatis_queue_conversations",
    "Conversations of the store that have not ended, on all workers.",
    ["state"],
  );
  const budgetLeft = gauge(
    "dramatis_run_budget_left_dollars",
    "What a run may still spend, held money taken off.",
    ["run"],
  );

  /** The turn that a conversation paid for last: what it was told from its store is no new turn. */
  const paidTurns = new Map<string, number>();

  async function readStore(): Promise<void> {
    depth.reset();
    budgetLeft.reset();
    try {
      const { waiting, running: held, parked, budgets } = await storeFigures();
      depth.set({ state: "waiting" }, waiting);
      depth.set({ state: "running" }, held);
      depth.set({ state: "parked" }, parked);
      for (const { run, leftNanoUsd } of budgets) budgetLeft.set({ run }, leftNanoUsd / NANO);
      isUp.set(1);
    } catch {
      isUp.set(0);
    }
  }

  function count(entry: UsageEntry): void {
    const { model, costNanoUsd, costBoundNanoUsd } = entry;
    for (const [kind, used] of Object.entries(tokensByKind(entry)))
      if (used !== undefined) tokens.inc({ model, kind }, Math.max(0, used));
    if (costNanoUsd === undefined) {
      unpriced.inc({ model });
      if (costBoundNanoUsd !== undefined) bounds.inc({ model }, costBoundNanoUsd);
      return;
    }
    nanoDollars.inc({ model }, costNanoUsd);
    dollars.inc({ model }, costNanoUsd / NANO);
  }

  return {
    observer: {
      onAttempt({ model, purpose, ms, waitedMs, problem }) {
        requests.inc({ model, purpose, outcome: problem ?? "answered" });
        waits.observe({ model }, waitedMs / 1000);
        durations.observe({ model, purpose }, ms / 1000);
      },
      onUsage({ conversation, turn, entries }) {
        if (conversation !== undefined) paidTurns.set(conversation, turn);
        for (const entry of entries) count(entry);
      },
    },
    onStatement: (ms) => statements.observe(ms / 1000),
    onBegin: () => running.inc(),
    onTurn({ conversationId }, turn) {
      if (paidTurns.get(conversationId) === turn) turns.inc();
    },
    onLeave({ conversationId }) {
      paidTurns.delete(conversationId);
      running.dec();
    },
    onEnd(_, { status, ending, failures }) {
      conversations.inc({ status });
      if (status === "failed") failed.inc({ kind: ending?.kind ?? "unknown" });
      for (const { kind } of failures) turnFailures.inc({ kind });
    },
    onUnbegun() {
      conversations.inc({ status: "failed" });
      failed.inc({ kind: "error" });
    },
    onProblem: (code) => problems.inc({ code }),
    contentType: registry.contentType,
    async text() {
      await readStore();
      // What was not measured yet is written "Nan" there; the format's word is another.
      return (await registry.metrics()).replaceAll(/ Nan$/gm, " NaN");
    },
  };
}
