/** What can be done next with a run. */
import { expect, it } from "vitest";
import { nextSteps } from "../../src/cli/work-on-run.ts";
import type { Progress } from "../../src/store/progress.ts";
import type { StoredRun } from "../../src/store/runs.ts";

const run: StoredRun = {
  id: "spring",
  scenario: "two-people",
  definition: {},
  conversations: 4,
  maxCostNanoUsd: undefined,
  isCancelled: false,
  createdAt: new Date(0),
};
const progress: Progress = {
  byStatus: { completed: 4 },
  failures: {},
  endedTurns: 16,
  startedAt: undefined,
  endedAt: undefined,
  turns: 16,
  requests: 16,
  inputTokens: 100,
  cachedInputTokens: 0,
  outputTokens: 100,
  costNanoUsd: 100,
  unpricedRequests: 0,
  unpricedBoundNanoUsd: 0,
};
const commands = (definition: object) =>
  nextSteps({ ...run, definition }, progress, { env: {}, store: "there" }).map(({ command }) => command);

it("are its conversations and, of an experiment, its results, in the store that was given", () => {
  expect(commands({})).toEqual(["dramatis show spring --store there"]);
  expect(commands({ experiment: {} })).toEqual([
    "dramatis experiment results spring --store there",
    "dramatis show spring --store there",
  ]);
});
