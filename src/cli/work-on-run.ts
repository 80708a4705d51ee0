/** Works on one run in this process until its conversations have ended, shows how far it is, and says what came of it. */
import { hostname } from "node:os";
import { DramatisError } from "../domain/errors.ts";
import { wait } from "../model/wait.ts";
import { jsonText } from "../report/json-text.ts";
import type { HeldConversation, Simulations } from "../simulation/simulations.ts";
import { batchesOf } from "../store/batches.ts";
import { openCount, type Progress, progressOf, workersOf } from "../store/progress.ts";
import { runOf, type StoredRun, transportOf } from "../store/runs.ts";
import type { Store } from "../store/store.ts";
import { tierFiguresOf } from "../store/tier-figures.ts";
import { EXIT } from "./exit-code.ts";
import { interrupts } from "./interrupts.ts";
import { runJson, tiersJson } from "./run-rows.ts";
import { createRunWatch, type RunWatch } from "./run-watch.ts";
import { type RunSummaryView, renderRunSummary } from "./screen/runs.ts";
import { passwordNote, type ShownFor, shownCommand } from "./shown-command.ts";
import type { Terminal } from "./terminal.ts";

export interface WorkOnRunOptions {
  store: Store;
  simulations: Simulations;
  runId: string;
  /** Conversations at a time. */
  concurrency: number;
  terminal: Terminal;
  /** quiet: the end only. json: the end as one object. */
  mode: "full" | "quiet" | "json";
  /** As it was given, for commands that are shown. */
  storeFlag: string | undefined;
  /** Of plain progress lines, in milliseconds. */
  lineEveryMs?: number | undefined;
}

/** How often the store is asked how far the run is: never more than a twentieth of the time. */
const LOOK_MS = 500;
const LOOK_SHARE = 20;
/** What the store does to one conversation so often in a row is no accident. */
const MOST_PROBLEMS = 8;

/** Collects what keeps conversations from being held; what cannot pass ends the work, where it is about this run. */
function problems(runId: string, watch: RunWatch, giveUp: () => void) {
  const told = new Set<string>();
  const inARow = new Map<string, number>();
  let fatal: unknown;

  function end(error: unknown): void {
    fatal ??= error;
    giveUp();
  }

  function tell(who: string, error: unknown, what: string): void {
    const text = error instanceof Error ? error.message : String(error);
    if (told.has(text)) return;
    told.add(text);
    watch.note(`${who}: ${text} ${what}`);
  }

  return {
    /** Of the store's doing. */
    heard(conversation: HeldConversation | undefined, error: unknown) {
      if (error instanceof DramatisError && error.code === "lease-lost") return;
      if (conversation?.runId === runId) {
        const times = (inARow.get(conversation.conversationId) ?? 0) + 1;
        inARow.set(conversation.conversationId, times);
        if (times >= MOST_PROBLEMS) return end(error);
      }
      tell(conversation?.conversationId ?? "The queue", error, "It is tried again.");
    },
    /** It has failed, and what is wrong with this one is wrong with all of its run. */
    unbegun(conversation: HeldConversation, error: unknown) {
      if (conversation.runId === runId && error instanceof DramatisError) end(error);
      else tell(conversation.conversationId, error, "It could not begin.");
    },
    ended: (conversationId: string) => inARow.delete(conversationId),
    get fatal() {
      return fatal;
    },
  };
}

/** Counts down what has not ended, between two looks into the store. */
function countdown(open: number) {
  let last = Promise.withResolvers<void>();
  return {
    ended() {
      open -= 1;
      if (open <= 0) last.resolve();
    },
    /** What the store says; others may hold some as well. */
    looked(stored: number) {
      open = stored;
      last = Promise.withResolvers();
    },
    /** Resolves when nothing is left, as far as is known here. */
    over: () => last.promise,
  };
}

/** Shows how far it is until the run is over, or somebody wants it to end. True: it is over. */
async function follow(
  { store, runId, terminal: { clock } }: WorkOnRunOptions,
  { watch, until, left }: { watch: RunWatch; until: AbortSignal; left: ReturnType<typeof countdown> },
): Promise<boolean> {
  const isByBatch = (await transportOf(store.sql, runId)) === "batch";
  for (;;) {
    const askedAt = clock();
    const progress = await progressOf(store.sql, runId);
    const lookMs = Math.max(LOOK_MS, LOOK_SHARE * (clock() - askedAt));
    watch.show(progress, isByBatch ? await batchesOf(store.sql, { runId, isOpen: true }) : []);
    const open = openCount(progress);
    if (open === 0) return true;
    left.looked(open);
    if (until.aborted) return false;
    await Promise.race([wait(lookMs, until).catch(() => undefined), left.over()]);
  }
}

/**
 * Holds the run's conversations, with other workers where the store has some, until all have ended or Ctrl-C was pressed.
 * @returns the exit code
 * @throws what no conversation can be blamed for and does not pass, as a model that is not in the catalog; the run can go on
 */
export async function workOnRun(options: WorkOnRunOptions): Promise<number> {
  const { store, simulations, runId, concurrency, terminal, mode, lineEveryMs } = options;
  const run = await runOf(store.sql, runId);
  const watch = createRunWatch({ run, terminal, lineEveryMs, isQuiet: mode !== "full" });
  const before = await progressOf(store.sql, runId);
  const begunAt = terminal.clock();
  const givenUp = new AbortController();
  const stop = interrupts(terminal, () =>
    watch.note("Stopping: what is under way ends its turn. Press Ctrl-C again to stop at once."),
  );
  const until = AbortSignal.any([stop.afterTurn, givenUp.signal]);
  const trouble = problems(runId, watch, () => givenUp.abort());
  const left = countdown(openCount(before));
  let isOver = openCount(before) === 0;
  try {
    if (!isOver) {
      const worker = await simulations.work({
        concurrency,
        name: `${hostname()}:${process.pid}`,
        runId,
        signal: stop.atOnce,
        onEnd(conversation) {
          trouble.ended(conversation.conversationId);
          if (conversation.runId === runId) left.ended();
        },
        onUnbegun(conversation, error) {
          trouble.unbegun(conversation, error);
          if (conversation.runId === runId) left.ended();
        },
        onProblem: trouble.heard,
      });
      try {
        isOver = await follow(options, { watch, until, left });
      } finally {
        await worker.stop();
      }
    }
  } finally {
    stop.dispose();
    watch.close();
  }
  if (trouble.fatal !== undefined) throw trouble.fatal;
  const progress = await progressOf(store.sql, runId);
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
