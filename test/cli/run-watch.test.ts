/** How a run is followed: drawn over in a terminal, now and then in a pipe, not at all when it is to be quiet. */
import { describe, expect, it } from "vitest";
import { createRunWatch } from "../../src/cli/run-watch.ts";
import { sampleTerminal } from "./sample-terminal.ts";

const progress = (completed: number, turns: number) => ({
  byStatus: { completed, waiting: 10 - completed },
  failures: {},
  startedAt: undefined,
  endedAt: undefined,
  endedTurns: completed * 4,
  turns,
  requests: turns,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  costNanoUsd: turns * 1_000_000,
  unpricedRequests: 0,
  unpricedBoundNanoUsd: 0,
});

function watched({ hasProgress, isQuiet = false }: { hasProgress: boolean; isQuiet?: boolean }) {
  const { terminal, written } = sampleTerminal({ hasProgress, columns: 120 });
  let now = 0;
  const run = { conversations: 10, maxCostNanoUsd: undefined };
  const watch = createRunWatch({ run, terminal: { ...terminal, clock: () => now }, isQuiet });
  for (const second of [0, 1, 2, 3, 11]) {
    now = second * 1000;
    watch.show(progress(Math.min(9, second), second * 4));
  }
  watch.note("A note.");
  watch.close();
  return written.stderr;
}

describe("createRunWatch", () => {
  it("draws one line over and over in a terminal, below the notes, and takes it away", () => {
    const text = watched({ hasProgress: true });
    expect(text.match(/\r/g)).toHaveLength(7);
    expect(text).toContain("4.0 turns/s");
    const line = "  9 of 10  ━━━━━━━━━━━━━━── 90%  $0.0440  4.0 turns/s";
    expect(text.endsWith(`\r\u001b[K${line}\r\u001b[KA note.\n${line}\r\u001b[K`)).toBe(true);
  });

  it("writes a plain line every ten seconds in a pipe", () => {
    expect(watched({ hasProgress: false })).toBe("  9 of 10  90%  $0.0440  4.0 turns/s\nA note.\n");
  });

  it("shows notes alone when it is to be quiet", () => {
    expect(watched({ hasProgress: true, isQuiet: true })).toBe("A note.\n");
  });
});
