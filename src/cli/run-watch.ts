/** Follows a run in the terminal: one line that is drawn over, or plain lines now and then in a pipe. */
import { plainText } from "../report/plain-text.ts";
import { type RunSample, runEstimate, turnRate } from "../report/run-estimate.ts";
import type { StoredBatch } from "../store/batches.ts";
import { openCount, type Progress } from "../store/progress.ts";
import type { StoredRun } from "../store/runs.ts";
import { type RunProgressView, renderRunProgress } from "./screen/run-progress.ts";
import type { Terminal } from "./terminal.ts";

/** Back to the first column and erase the line. */
const ERASE_LINE = "\r\u001b[K";
/** The pace is that of the latest time. */
const WINDOW_MS = 30_000;
const LINE_EVERY_MS = 10_000;

export interface RunWatch {
  show(progress: Progress, batches?: readonly StoredBatch[]): void;
  /** A sentence to the user, above the line. */
  note(text: string): void;
  close(): void;
}

export interface RunWatchOptions {
  run: Pick<StoredRun, "conversations" | "maxCostNanoUsd">;
  terminal: Terminal;
  /** Of plain lines in a pipe, in milliseconds. Default 10,000. */
  lineEveryMs?: number | undefined;
  /** Shows notes alone. */
  isQuiet: boolean;
}

/** What is under way, of the latest wave; several files of it are one to whoever looks. */
export function wavesOf(batches: readonly StoredBatch[]): RunProgressView["batches"] {
  const [latest] = batches;
  if (latest === undefined) return undefined;
  const sum = (of: (batch: StoredBatch) => number) => batches.reduce((total, batch) => total + of(batch), 0);
  return {
    wave: Math.max(...batches.map(({ wave }) => wave)),
    requests: sum(({ requests }) => requests),
    answered: sum(({ completed, failed }) => completed + failed),
    status: (latest.status ?? latest.state).replaceAll("_", " "),
  };
}

export function createRunWatch({
  run,
  terminal,
  lineEveryMs = LINE_EVERY_MS,
  isQuiet,
}: RunWatchOptions): RunWatch {
  const isDrawn = terminal.hasProgress && !isQuiet;
  const samples: RunSample[] = [];
  let shownAt = terminal.clock();
  let line = "";

  function viewOf(progress: Progress, batches: readonly StoredBatch[]): RunProgressView {
    const now = terminal.clock();
    samples.push({ at: now, turns: progress.turns });
    while (samples.length > 2 && (samples[0]?.at ?? now) < now - WINDOW_MS) samples.shift();
    const total = run.conversations;
    const { turns, endedTurns, costNanoUsd, failures } = progress;
    const counts = { total, ended: total - openCount(progress), turns, endedTurns, costNanoUsd };
    const rate = turnRate(samples);
    return {
      ...counts,
      isLowerBound: progress.unpricedRequests > 0,
      capNanoUsd: run.maxCostNanoUsd,
      rate,
      left: runEstimate(counts, rate),
      failures,
      batches: wavesOf(batches),
    };
  }

  return {
    show(progress, batches = []) {
      if (isQuiet) return;
      const view = viewOf(progress, batches);
      if (isDrawn) {
        line = renderRunProgress(view, terminal.screen, { hasBar: true });
        terminal.writeError(`${ERASE_LINE}${line}`);
      } else if (terminal.clock() - shownAt >= lineEveryMs) {
        shownAt = terminal.clock();
        terminal.writeError(`${renderRunProgress(view, terminal.screen, { hasBar: false })}\n`);
      }
    },
    note(text) {
      const shown = plainText(text);
      terminal.writeError(isDrawn ? `${ERASE_LINE}${shown}\n${line}` : `${shown}\n`);
    },
    close() {
      if (isDrawn && line !== "") terminal.writeError(ERASE_LINE);
      line = "";
    },
  };
}
