/** Simulations: runs of many conversations, planned into a store and held by workers, here or on other machines. */
import { type Dramatis, type DramatisOptions, type LimitedAccount, openDramatis } from "../app.ts";
import type { ConversationEvent } from "../conversation/events.ts";
import { harmless } from "../domain/listener.ts";
import type { ConversationRecord } from "../domain/record.ts";
import { focus } from "../fleet/jobs.ts";
import { openQueue, type Queue, type QueueDepth } from "../fleet/queue.ts";
import { cancelSimulation } from "../fleet/run-ends.ts";
import { type FleetWorker, startWorker } from "../fleet/worker.ts";
import { type BatchCoordinator, startCoordinator } from "../model/batch/coordinator.ts";
import type { WaveTiming } from "../model/batch/wave-plan.ts";
import { readWebhook, type Webhook } from "../model/batch/webhook.ts";
import { accountOf, createSharedLimiter } from "../model/pace/shared-limiter.ts";
import type { Journal } from "../model/recording/journal.ts";
import { createStoreCache } from "../model/store-cache.ts";
import { forgetCoordinators, tellEnd } from "../store/batches.ts";
import { type Progress, progressOf } from "../store/progress.ts";
import { runOf } from "../store/runs.ts";
import type { Store } from "../store/store.ts";
import { createHolding } from "./holding.ts";
import { checkConcurrency } from "./plan-checks.ts";
import { createPlanning, type Planning } from "./planning.ts";
import { warnOf } from "./problem-warning.ts";
import { createRunEnds } from "./run-end.ts";

/** A conversation of a run, by their ids. */
export interface HeldConversation {
  runId: string;
  conversationId: string;
}

/** How one process holds conversations, and whom it tells. */
export interface WorkerOptions {
  /** Conversations at a time: 1 to 10,000. */
  concurrency: number;
  /** Named in the store. */
  name: string;
  /** In an embedded store, the only run that is worked on; default: all. On Postgres a worker takes what there is. */
  runId?: string | undefined;
  /** Breaks off what is under way, requests on their way as well; it is given back. */
  signal?: AbortSignal | undefined;
  /** Told of every conversation that is begun here, or gone on with. */
  onBegin?: ((conversation: HeldConversation) => void) | undefined;
  /** Told of every turn as it is taken; of those before, as well, when a conversation is gone on with. */
  onTurn?: ((conversation: HeldConversation, turn: number) => void) | undefined;
  /** Told of what happens in them, as `dramatis.run` tells; of what happened before as well, when one is gone on with. */
  onEvent?: ((conversation: HeldConversation, event: ConversationEvent) => void) | undefined;
  /** Told of every conversation that waits for a batch from now on; it is begun again once that has brought what it asked for. */
  onParked?: ((conversation: HeldConversation) => void) | undefined;
  /** Told when a conversation is no longer held here, whatever became of it; before `onParked` and `onEnd`. */
  onLeave?: ((conversation: HeldConversation) => void) | undefined;
  onEnd?: ((conversation: HeldConversation, record: ConversationRecord) => void) | undefined;
  /** Told of a conversation that ended as failed before it could begin, and why. Default: `onProblem`, or a warning as well. */
  onUnbegun?: ((conversation: HeldConversation, error: unknown) => void) | undefined;
  /**
   * Told what of the store's doing kept a conversation from being held or written; it is begun again. And what went wrong with
   * the batches of a run, whose `conversationId` is empty then; it is tried again, later and later. And what one of these
   * listeners threw: the conversation goes on. Default: `process.emitWarning`, with the code `DRAMATIS_SIMULATION`.
   */
  onProblem?: ((conversation: HeldConversation | undefined, error: unknown) => void) | undefined;
}

/** Simulations of one store: plan them, hold them, see how far they are. */
export interface Simulations extends Planning {
  /** What carries the requests, and at which prices. */
  readonly dramatis: Dramatis;
  /**
   * Holds conversations, of all runs of the store, until it is stopped.
   * @throws DramatisError `invalid-argument` for a concurrency that cannot be
   */
  work(options: WorkerOptions): Promise<FleetWorker>;
  /**
   * How far a run is, and what it has cost.
   * @throws DramatisError `unknown-name` when there is no such run
   */
  progress(runId: string): Promise<Progress>;
  /**
   * Waits until no conversation of a run is open, whoever holds them: what is held here is noticed at once, the rest within a
   * second or so. A run that nobody works on never ends.
   * @returns how far the run is then; look at `byStatus` for what failed or met the cap
   * @throws DramatisError `unknown-name` when there is no such run; the signal's reason when it is aborted
   */
  ended(runId: string, options?: { signal?: AbortSignal | undefined }): Promise<Progress>;
  /**
   * Ends a run for good: nothing more of it is begun, and what is under way anywhere ends after its turn, as cancelled. Whoever
   * works on the store has its batches cancelled at the provider; what was answered until then is paid, and counted.
   * @throws DramatisError `unknown-name` when there is no such run
   */
  cancel(runId: string): Promise<void>;
  /**
   * Takes a webhook that the provider sent: the end of a batch that it tells of is asked after at once, by whichever worker of
   * the store looks after that batch. Without webhooks, batches are asked after less and less often, at last once a minute.
   * @returns woken; ignored: about no batch that is under way in this store; refused: not signed with this secret, or more
   * than five minutes old
   * @throws DramatisError `invalid-argument` for a secret that is none; those of the store
   */
  hear(webhook: Webhook): Promise<"woken" | "ignored" | "refused">;
  /** How many conversations of the store have not ended. */
  depth(): Promise<QueueDepth>;
  /** The store stays open. */
  close(): Promise<void>;
}

/** The embedded engine has nobody who does it by itself: its log would grow as long as the process lives. */
const CONVERSATIONS_BETWEEN_CHECKPOINTS = 200;

/**
 * What carries the requests of simulations, and what workers of a store share. What goes by batch is neither paced, cached nor
 * timed: `limits`, `sharedPace`, `cache`, `sharedCache`, `timeoutMs`, `maxRetries` and the observer's `onAttempt` are for requests that are sent
 * one by one.
 */
export interface SimulationsOptions
  extends Omit<DramatisOptions, "journalOf" | "limiterOf" | "maxCostUsd" | "record" | "replay" | "tierOf"> {
  /**
   * Whether all workers of the store keep one pace, by server, key and model. Default: on Postgres, unless requests are
   * answered offline without `limits`. An embedded store has one process, which paces itself.
   */
  sharedPace?: boolean | undefined;
  /** Whether all workers of the store share one response cache, instead of `cache`. Default false. */
  sharedCache?: boolean | undefined;
  /** When waves of batches are closed, and how often they are asked after. */
  waves?: Partial<WaveTiming> | undefined;
}

/** Answers are there at once, and nothing is on its way where nobody sees it. */
const OFFLINE_WAVES: Partial<WaveTiming> = { lookMs: 50, firstPollMs: 20, settleMs: 0 };

/** One pace for all workers; undefined: this process's own. */
function limiterOf(
  store: Store,
  sharedPace: boolean | undefined,
  { baseUrl, apiKey, limits, isOffline }: LimitedAccount,
) {
  const isUseful = store.engine === "postgres" && !(isOffline && limits === undefined);
  if (!(sharedPace ?? isUseful)) return undefined;
  return createSharedLimiter({ sql: store.sql, account: accountOf(baseUrl, apiKey), limits });
}

/**
 * Opens the simulations of a store; without a key they are answered offline, as `openDramatis` decides.
 * @throws DramatisError as `openDramatis` does
 */
export async function openSimulations(
  store: Store,
  { sharedPace, sharedCache, waves, ...options }: SimulationsOptions = {},
): Promise<Simulations> {
  const journals = new Map<string, Journal>();
  const dramatis = await openDramatis({
    ...options,
    cache: sharedCache ? createStoreCache({ sql: store.sql }) : options.cache,
    limiterOf: (account) => limiterOf(store, sharedPace, account),
    journalOf: (id) => journals.get(id),
    tierOf: (id) => journals.get(id)?.tier,
  });
  const { clock = Date.now } = options;
  let queue: Promise<Queue> | undefined;
  let onQueueProblem: (error: Error) => void = () => undefined;
  const opened = () => {
    queue ??= openQueue(store, (error) => onQueueProblem(error));
    return queue;
  };

  /** Looks after the batches of the store's runs beside the conversations; undefined: requests go nowhere. */
  function coordinatorOf({
    queue,
    runId,
    signal,
    onProblem,
  }: { queue: Queue; onProblem: NonNullable<WorkerOptions["onProblem"]> } & Pick<
    WorkerOptions,
    "runId" | "signal"
  >) {
    const { batches, transport } = dramatis;
    const isOffline = transport === "offline";
    return (
      batches &&
      startCoordinator({
        sql: store.sql,
        client: batches,
        requeue: (tx, ids) => queue.add(tx, ids),
        onQueued: queue.wake,
        runId: store.engine === "pglite" ? runId : undefined,
        signal,
        onProblem: (id, error) => onProblem(id === "" ? undefined : { runId: id, conversationId: "" }, error),
        timing: waves ?? (isOffline ? OFFLINE_WAVES : undefined),
        isOffline,
        clock,
      })
    );
  }

  /** Of the workers in this process. */
  const coordinators = new Set<BatchCoordinator>();
  const runEnds = createRunEnds({ sql: store.sql });
  async function progress(runId: string): Promise<Progress> {
    await runOf(store.sql, runId);
    return await progressOf(store.sql, runId);
  }

  const hold = createHolding({ sql: store.sql, dramatis, journals, clock });

  return {
    dramatis,
    ...createPlanning(store.sql, dramatis, opened),
    async work({ concurrency, name, runId, signal, ...told }) {
      checkConcurrency(concurrency);
      const warnOfListener = warnOf("what its worker is to tell threw; it goes on");
      const onProblem = harmless(told.onProblem ?? warnOf("it is begun again"), warnOfListener);
      const onThrown = told.onProblem === undefined ? warnOfListener : onProblem;
      const onBegin = harmless(told.onBegin, onThrown);
      const onTurn = harmless(told.onTurn, onThrown);
      const onEvent = harmless(told.onEvent, onThrown);
      const onLeave = harmless(told.onLeave, onThrown);
      const onParked = harmless(told.onParked, onThrown);
      const onEnd = harmless(told.onEnd, onThrown);
      const onUnbegun = harmless(told.onUnbegun ?? told.onProblem ?? warnOf("it ended as failed"), onThrown);
      onQueueProblem = (error) => onProblem(undefined, error);
      const stopping = new AbortController();
      const queue = await opened();
      // The one process of an embedded store need not wait for an earlier one's silence.
      if (store.engine === "pglite") await forgetCoordinators(store.sql);
      const coordinator = coordinatorOf({ queue, runId, signal, onProblem });
      if (coordinator !== undefined) coordinators.add(coordinator);
      await focus(store.sql, store.engine, runId);
      let ended = 0;
      const keepLogShort = () => {
        if (store.engine !== "pglite" || ++ended % CONVERSATIONS_BETWEEN_CHECKPOINTS > 0) return;
        store.sql.query("checkpoint").catch((error: unknown) => onProblem(undefined, error));
      };
      const worker = await startWorker({
        store,
        queue,
        name,
        concurrency,
        async hold(claimed) {
          onBegin(claimed);
          try {
            return await hold(claimed, {
              stop: stopping.signal,
              abort: signal,
              onEvent(conversation, event) {
                if (event.type === "turn") onTurn(conversation, event.turn.turn);
                onEvent(conversation, event);
              },
            });
          } finally {
            onLeave(claimed);
          }
        },
        onParked,
        onEnd(claimed, record) {
          keepLogShort();
          runEnds.wake(claimed.runId);
          onEnd(claimed, record);
        },
        onUnbegun(claimed, error) {
          runEnds.wake(claimed.runId);
          onUnbegun(claimed, error);
        },
        onProblem,
      });
      return {
        async stop() {
          stopping.abort();
          if (coordinator !== undefined) coordinators.delete(coordinator);
          await Promise.all([worker.stop(), coordinator?.stop()]);
        },
      };
    },
    progress,
    async ended(runId, { signal } = {}) {
      await runOf(store.sql, runId);
      await runEnds.wait(runId, signal);
      return await progress(runId);
    },
    cancel: (runId) => cancelSimulation(store, runId),
    async hear(webhook) {
      const told = await readWebhook(webhook);
      if (typeof told === "string") return told;
      if (!(await tellEnd(store.sql, told))) return "ignored";
      for (const coordinator of coordinators) coordinator.wake();
      return "woken";
    },
    depth: async () => await (await opened()).depth(),
    async close() {
      await (await queue)?.close();
    },
  };
}
