/** Holds the conversations of one run in this process until they have ended, while somebody watches. */
import { hostname } from "node:os";
import { DramatisError, messageOf } from "../domain/errors.ts";
import { ModelError } from "../model/model-error.ts";
import { wait } from "../model/wait.ts";
import type { HeldConversation, Simulations, WorkerOptions } from "../simulation/simulations.ts";
import { batchesOf } from "../store/batches.ts";
import { openCount, type Progress, progressOf } from "../store/progress.ts";
import { transportOf } from "../store/runs.ts";
import type { Store } from "../store/store.ts";
import { commandName } from "./command-name.ts";
import { interrupts } from "./interrupts.ts";
import type { RunWatch } from "./run-watch.ts";
import type { Terminal } from "./terminal.ts";

export interface HoldRunOptions extends Pick<WorkerOptions, "onBegin" | "onEvent"> {
  store: Store;
  simulations: Simulations;
  runId: string;
  /** Conversations at a time. */
  concurrency: number;
  terminal: Terminal;
}

/** How often the store is asked how far the run is: never more than a twentieth of the time. */
const LOOK_MS = 500;
const LOOK_SHARE = 20;
/** What the store does to one conversation so often in a row is no accident. */
const MOST_PROBLEMS = 8;
/** What a provider answers about batches that does not pass by waiting: the key, its credit or its project is to be mended. */
const NEVER_PASSES: ReadonlySet<string> = new Set(["unauthorised", "quota-exhausted", "model-not-found"]);

const neverPasses = (error: unknown): error is ModelError =>
  error instanceof ModelError && NEVER_PASSES.has(error.code);

/** What ended the work, with how to go on once it is mended. */
const toGoOn = (runId: string, error: DramatisError) =>
  new DramatisError(error.code, `${error.message} To go on:`, { command: `resume ${runId}`, cause: error });

const STOPPING = "Stopping: what is under way ends its turn. Press Ctrl-C again to stop at once.";
const leftAtProvider = (command: string) =>
  `Stopping. Batches that are at the provider go on there, and are paid: their answers are read when the run goes on. To end one: ${command} batches cancel <batch>`;

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
    const text = messageOf(error);
    // The provider numbers its answers.
    const kind = text.replace(/ Request \S+/, "");
    if (told.has(kind)) return;
    told.add(kind);
    watch.note(`${who}: ${text}${what}`);
  }

  function heardOfBatches(ofRun: string, error: unknown): void {
    if (ofRun === runId && neverPasses(error)) end(toGoOn(runId, error));
    else tell(`The batches of ${ofRun}`, error, error instanceof ModelError ? " It is tried again." : "");
  }

  return {
    /** Of the store's doing, or of the batches'. */
    heard(conversation: HeldConversation | undefined, error: unknown) {
      if (error instanceof DramatisError && error.code === "lease-lost") return;
      if (conversation?.conversationId === "") return heardOfBatches(conversation.runId, error);
      if (conversation?.runId === runId) {
        const times = (inARow.get(conversation.conversationId) ?? 0) + 1;
        inARow.set(conversation.conversationId, times);
        if (times >= MOST_PROBLEMS) return end(error instanceof DramatisError ? toGoOn(runId, error) : error);
      }
      tell(conversation?.conversationId ?? "The queue", error, " It is tried again.");
    },
    /** It has failed, and what is wrong with this one is wrong with all of its run. */
    unbegun(conversation: HeldConversation, error: unknown) {
      if (conversation.runId === runId && error instanceof DramatisError) end(error);
      else tell(conversation.conversationId, error, " It could not begin.");
    },
    /** It was held to its end, or until it waits for a batch. */
    held: ({ conversationId }: HeldConversation) => inARow.delete(conversationId),
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

interface Following {
  watch: RunWatch;
  until: AbortSignal;
  left: ReturnType<typeof countdown>;
  isByBatch: boolean;
}

/** Shows how far it is until the run is over, or somebody wants it to end. */
async function follow(
  { store, runId, terminal: { clock } }: HoldRunOptions,
  { watch, until, left, isByBatch }: Following,
): Promise<void> {
  for (;;) {
    const askedAt = clock();
    const progress = await progressOf(store.sql, runId);
    const lookMs = Math.max(LOOK_MS, LOOK_SHARE * (clock() - askedAt));
    watch.show(progress, isByBatch ? await batchesOf(store.sql, { runId, isOpen: true }) : []);
    const open = openCount(progress);
    if (open === 0) return;
    left.looked(open);
    if (until.aborted) return;
    await Promise.race([wait(lookMs, until).catch(() => undefined), left.over()]);
  }
}

/**
 * Holds the run's conversations, with other workers where the store has some, until all have ended or Ctrl-C was pressed.
 * @returns how far it was before, and is now
 * @throws what no conversation can be blamed for and does not pass, as a model that is not in the catalog; the run can go on
 */
export async function holdRun(
  options: HoldRunOptions,
  watch: RunWatch,
): Promise<{ before: Progress; progress: Progress }> {
  const { store, simulations, runId, concurrency, terminal, onBegin, onEvent } = options;
  const before = await progressOf(store.sql, runId);
  const givenUp = new AbortController();
  const isByBatch = (await transportOf(store.sql, runId)) === "batch";
  const stop = interrupts(terminal, () =>
    watch.note(isByBatch ? leftAtProvider(commandName(terminal.env)) : STOPPING),
  );
  const until = AbortSignal.any([stop.afterTurn, givenUp.signal]);
  const trouble = problems(runId, watch, () => givenUp.abort());
  const left = countdown(openCount(before));
  try {
    if (openCount(before) > 0) {
      const worker = await simulations.work({
        concurrency,
        name: `${hostname()}:${process.pid}`,
        runId,
        signal: stop.atOnce,
        onBegin,
        onEvent,
        onParked: trouble.held,
        onEnd(conversation) {
          trouble.held(conversation);
          if (conversation.runId === runId) left.ended();
        },
        onUnbegun(conversation, error) {
          trouble.unbegun(conversation, error);
          if (conversation.runId === runId) left.ended();
        },
        onProblem: trouble.heard,
      });
      try {
        await follow(options, { watch, until, left, isByBatch });
      } finally {
        await worker.stop();
      }
    }
  } finally {
    stop.dispose();
    watch.close();
  }
  if (trouble.fatal !== undefined) throw trouble.fatal;
  return { before, progress: await progressOf(store.sql, runId) };
}
