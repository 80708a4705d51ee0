/** Works on one run in this process until its conversations have ended, shows how far it is, and says what came of it. */
import { jsonText } from "../report/json-text.ts";
import { openCount, type Progress, workersOf } from "../store/progress.ts";
import { runOf, type StoredRun } from "../store/runs.ts";
import { tierFiguresOf } from "../store/tier-figures.ts";
import { EXIT } from "./exit-code.ts";
import { type HoldRunOptions, holdRun } from "./hold-run.ts";
import { runJson, tiersJson } from "./run-rows.ts";
import { createRunWatch } from "./run-watch.ts";
import { type RunSummaryView, renderRunSummary } from "./screen/runs.ts";
import { passwordNote, type ShownFor, shownCommand } from "./shown-command.ts";

export interface WorkOnRunOptions extends Omit<HoldRunOptions, "onBegin" | "onEvent"> {
  /** quiet: the end only. json: the end as one object. */
  mode: "full" | "quiet" | "json";
  /** As it was given, for commands that are shown. */
  storeFlag: string | undefined;
  /** Of plain progress lines, in milliseconds. */
  lineEveryMs?: number | undefined;
}

/**
 * Holds the run's conversations as `holdRun` does, and shows what came of them.
 * @returns the exit code
 */
export async function workOnRun(options: WorkOnRunOptions): Promise<number> {
  const { store, runId, terminal, mode, lineEveryMs } = options;
  const run = await runOf(store.sql, runId);
  const watch = createRunWatch({ run, terminal, lineEveryMs, isQuiet: mode !== "full" });
  const begunAt = terminal.clock();
  const { before, progress } = await holdRun(options, watch);
  const tookMs = terminal.clock() - begunAt;
  const turnsSeen = progress.turns - before.turns;
  await end(options, { run: await runOf(store.sql, runId), progress, tookMs, turnsSeen });
  return exitCode(progress);
}

/** A run that was cancelled was interrupted, by whoever did it. */
export function exitCode(progress: Progress): number {
  const { failed, budget, cancelled } = progress.byStatus;
  if (openCount(progress) > 0 || cancelled) return EXIT.interrupted;
  if (failed) return EXIT.failed;
  return budget ? EXIT.budget : EXIT.done;
}

/** What can be done next with a run, each with its command. */
export function nextSteps(
  { id, maxCostNanoUsd, definition }: StoredRun,
  progress: Progress,
  shownFor: ShownFor,
): RunSummaryView["next"] {
  const { failed, budget, cancelled } = progress.byStatus;
  const command = (verb: string, rest = "") => shownCommand(`${verb} ${id}${rest}`, shownFor);
  return [
    ...(openCount(progress) > 0 || cancelled ? [{ what: "go on", command: command("resume") }] : []),
    ...(budget && maxCostNanoUsd !== undefined
      ? [{ what: "with a higher cap", command: command("resume", " --max-cost <dollars>") }]
      : []),
    ...(failed ? [{ what: "try what failed again", command: command("retry") }] : []),
    ...("experiment" in definition ? [{ what: "its results", command: command("experiment results") }] : []),
    { what: "look further", command: command("show") },
  ];
}

async function end(
  { store, simulations, terminal, mode, storeFlag }: WorkOnRunOptions,
  over: Pick<RunSummaryView, "run" | "progress" | "tookMs" | "turnsSeen">,
): Promise<void> {
  const { run, progress } = over;
  const tiers = await tierFiguresOf(store.sql, run.id);
  if (mode === "json") {
    const bill = simulations.dramatis.offline?.bill;
    const offline = bill === undefined ? null : { bill };
    terminal.write(
      `${jsonText({ ...runJson(run, progress), ...tiersJson(tiers), store: store.place, offline })}\n`,
    );
    return;
  }
  const shownFor = { env: terminal.env, store: storeFlag };
  const next = nextSteps(run, progress, shownFor);
  const isOffline = simulations.dramatis.transport === "offline";
  const view = { ...over, tiers, next, note: passwordNote(shownFor), isOffline };
  const lines = renderRunSummary(view, terminal.screen);
  terminal.write(`${lines.join("\n")}\n`);
  for (const { worker, conversations } of await workersOf(store.sql, run.id))
    terminal.writeError(`${conversations} still under way at ${worker}.\n`);
}
