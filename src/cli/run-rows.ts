/** The JSON objects of runs and conversations. */
import { type ConversationProgress, openCount, type Progress } from "../store/progress.ts";
import type { StoredRun } from "../store/runs.ts";
import type { TierFigures } from "../store/tier-figures.ts";
import { runState } from "./screen/runs.ts";

const figures = (row: Progress | ConversationProgress) => ({
  turns: row.turns,
  requests: row.requests,
  inputTokens: row.inputTokens ?? null,
  cachedInputTokens: row.cachedInputTokens ?? null,
  outputTokens: row.outputTokens ?? null,
  costNanoUsd: row.costNanoUsd,
  unpricedRequests: row.unpricedRequests,
  unpricedBoundNanoUsd: row.unpricedBoundNanoUsd,
});

/** What is unknown is null: a key that is missing is easily taken for 0. */
export const runJson = (run: StoredRun, progress: Progress) => ({
  run: run.id,
  scenario: run.scenario,
  state: runState(run, progress),
  createdAt: run.createdAt.toISOString(),
  startedAt: progress.startedAt?.toISOString() ?? null,
  endedAt: progress.endedAt?.toISOString() ?? null,
  maxCostNanoUsd: run.maxCostNanoUsd ?? null,
  conversations: run.conversations,
  ended: run.conversations - openCount(progress),
  byStatus: progress.byStatus,
  failures: progress.failures,
  ...figures(progress),
});

export const tiersJson = (figures: readonly TierFigures[]) => ({
  byTier: Object.fromEntries(figures.map(({ tier, ...spent }) => [tier, spent])),
});

export const conversationJson = (row: ConversationProgress) => ({
  conversationId: row.id,
  position: row.position,
  ...row.settings,
  arm: row.arm ?? null,
  status: row.status,
  ending: row.ending ?? null,
  failure: row.failure ?? null,
  worker: row.status === "running" ? (row.worker ?? null) : null,
  ...figures(row),
});
