/** Simulations: runs of many conversations, planned into a store and held by workers, here or on other machines. */
import { type Dramatis, type DramatisOptions, type LimitedAccount, openDramatis } from "./app.ts";
import type { Conversation } from "./conversation/graph.ts";
import { runConversation } from "./conversation/run.ts";
import type { ConversationContextInput } from "./conversation/state.ts";
import { ConversationError } from "./domain/conversation-error.ts";
import { DramatisError } from "./domain/errors.ts";
import { nanoUsd } from "./domain/money.ts";
import { drawSeed } from "./domain/random.ts";
import type { ConversationRecord } from "./domain/record.ts";
import type { Experiment } from "./experiment/experiment-file.ts";
import { checkContext, planOf, type StoredExperiment, withChanges } from "./experiment/plan.ts";
import { createCancellation, heldSignals } from "./fleet/cancellation.ts";
import { focus, withoutJob } from "./fleet/jobs.ts";
import { openQueue, type Queue, type QueueDepth } from "./fleet/queue.ts";
import { type FleetWorker, type Held, startWorker } from "./fleet/worker.ts";
import { accountOf, createSharedLimiter } from "./model/pace/shared-limiter.ts";
import { type Journal, openJournal } from "./model/recording/journal.ts";
import { createStoreCache } from "./model/store-cache.ts";
import type { Scenario } from "./scenario/scenario.ts";
import { armOf, createArms } from "./store/arms.ts";
import type { Claimed, ConversationStatus } from "./store/conversations.ts";
import { runDifferences } from "./store/run-differences.ts";
import { createRun, forgetFailures, reopen, runOf, setCap, uncancelRun } from "./store/runs.ts";
import type { Sql } from "./store/sql.ts";
import type { Store } from "./store/store.ts";

/** What a run's conversations have in common; kept in the store, so that a worker elsewhere needs no file. */
interface Definition {
  scenario: Scenario;
  context: ConversationContextInput;
  /** Its arms change the scenario. */
  experiment?: StoredExperiment | undefined;
}

/** What differs between them. */
interface Settings {
  seed: number;
  /** Of an experiment; counted from 1. */
  repeat?: number | undefined;
}

export interface SimulationPlan {
  /** Names the run: letters, digits, `.`, `_` and `-`. Planning it again under the same id does nothing. */
  id: string;
  scenario: Scenario;
  /** How many conversations. */
  conversations: number;
  /** Of the first conversation; each further one has the next. */
  seed: number;
  context?: ConversationContextInput | undefined;
  /** A cap in dollars that all conversations of the run share, on all workers. */
  maxCostUsd?: number | undefined;
}

export interface ExperimentPlan {
  /** Names the run; planning it again under the same id does nothing. */
  id: string;
  experiment: Experiment;
  /** Of the first repeat. Default: the experiment's, else its scenario's, else drawn. */
  seed?: number | undefined;
  /** Of every arm; what it replaces, no level of a factor can change. */
  context?: ConversationContextInput | undefined;
  /** Replaces the experiment's cap in dollars, which all its conversations share. */
  maxCostUsd?: number | undefined;
}

export interface HeldConversation {
  runId: string;
  conversationId: string;
}

export interface WorkerOptions {
  /** Conversations at a time. */
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
  /** Told when a conversation is no longer held here, whatever became of it; before `onEnd`. */
  onLeave?: ((conversation: HeldConversation) => void) | undefined;
  onEnd?: ((conversation: HeldConversation, record: ConversationRecord) => void) | undefined;
  /** Told what kept a conversation from being held or written; it is begun again. */
  onProblem: (conversation: { runId: string; conversationId: string } | undefined, error: unknown) => void;
}

export interface Simulations {
  /** What carries the requests, and at which prices. */
  readonly dramatis: Dramatis;
  /**
   * Writes a run and its conversations to the store. False: it is there already, and nothing was changed.
   * @throws DramatisError `invalid-argument` when what is there under that id is another run
   */
  plan(plan: SimulationPlan): Promise<boolean>;
  /**
   * The same for an experiment: its arms, and the conversations of all of them in a balanced order.
   * @throws DramatisError `unknown-name` when an arm names a model that the catalog does not have, `invalid-argument` when the
   * context would replace what arms differ in
   */
  planExperiment(plan: ExperimentPlan): Promise<boolean>;
  /**
   * Lets what was stopped, cancelled or never begun go on; with a higher cap also what ended at the cap. Nothing that was
   * answered is paid again.
   * @returns how many conversations wait again that had ended
   * @throws DramatisError `invalid-argument` for a cap that is spent already, or of a run without one
   */
  resume(runId: string, options?: { maxCostUsd?: number | undefined }): Promise<number>;
  /**
   * Lets failed conversations go on where they failed; what was answered in them is not paid again.
   * @returns how many there are
   * @throws DramatisError `invalid-argument` when the run was cancelled
   */
  retry(runId: string): Promise<number>;
  /** Holds conversations, of all runs of the store, until it is stopped. */
  work(options: WorkerOptions): Promise<FleetWorker>;
  /** How many conversations of the store have not ended. */
  depth(): Promise<QueueDepth>;
  /** The store stays open. */
  close(): Promise<void>;
}

/** What conversations of the same run and arm share. */
interface Prepared {
  graph: Conversation;
  scenario: Scenario;
  context: ConversationContextInput;
}

/** The embedded engine has nobody who does it by itself: its log would grow as long as the process lives. */
const CONVERSATIONS_BETWEEN_CHECKPOINTS = 200;
const MOST_CONVERSATIONS = 1_000_000;
const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Room for a million, in the order of the alphabet. */
const conversationId = (runId: string, position: number) =>
  `${runId}-${String(position + 1).padStart(6, "0")}`;

/** What no conversation can be blamed for: the store, or a lease that was lost. */
const isOfTheStore = (error: unknown): boolean =>
  error instanceof DramatisError && (error.code === "lease-lost" || error.code === "store-failed");

export interface SimulationsOptions
  extends Omit<DramatisOptions, "journalOf" | "limiterOf" | "maxCostUsd" | "record" | "replay"> {
  /**
   * Whether all workers of the store keep one pace, by server, key and model. Default: on Postgres, unless requests are
   * answered offline without `limits`. An embedded store has one process, which paces itself.
   */
  sharedPace?: boolean | undefined;
  /** Whether all workers of the store share one response cache, instead of `cache`. Default false. */
  sharedCache?: boolean | undefined;
}

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

export async function openSimulations(
  store: Store,
  { sharedPace, sharedCache, ...options }: SimulationsOptions = {},
): Promise<Simulations> {
  const journals = new Map<string, Journal>();
  const dramatis = await openDramatis({
    ...options,
    cache: sharedCache ? createStoreCache({ sql: store.sql }) : options.cache,
    limiterOf: (account) => limiterOf(store, sharedPace, account),
    journalOf: (id) => journals.get(id),
  });
  const { clock = Date.now } = options;
  const graphs = new Map<string, Promise<Prepared>>();
  let queue: Promise<Queue> | undefined;
  let onQueueProblem: (error: Error) => void = () => undefined;
  const opened = () => {
    queue ??= openQueue(store, (error) => onQueueProblem(error));
    return queue;
  };

  /** Compiled once a run and arm. */
  function graphOf({ runId, arm }: Claimed): Promise<Prepared> {
    const key = JSON.stringify([runId, arm]);
    const known = graphs.get(key);
    if (known !== undefined) return known;
    const compiled = (async () => {
      const { scenario: base, context } = (await runOf(store.sql, runId)).definition as Definition;
      const scenario =
        arm === undefined ? base : withChanges(base, (await armOf(store.sql, runId, arm)).changes);
      return { graph: dramatis.conversation(scenario), scenario, context };
    })();
    compiled.catch(() => graphs.delete(key));
    graphs.set(key, compiled);
    return compiled;
  }

  const cancellation = createCancellation(store.sql);

  async function hold(
    claimed: Claimed,
    {
      stop,
      abort,
      onTurn,
    }: { stop: AbortSignal; abort: AbortSignal | undefined } & Pick<WorkerOptions, "onTurn">,
  ): Promise<Held | undefined> {
    const { runId, conversationId } = claimed;
    const { graph, scenario, context } = await graphOf(claimed);
    const { seed } = claimed.settings as Settings;
    const { transport } = dramatis;
    const end = heldSignals(stop, abort);
    if (claimed.isCancelled) end.cancel();
    const unwatch = cancellation.watch(runId, end.cancel);
    try {
      const journal = await openJournal({ sql: store.sql, holder: claimed, clock, onNew: end.onNew });
      journals.set(conversationId, journal);
      const record = await runConversation(graph, {
        scenario,
        conversationId,
        transport,
        input: { seed },
        context,
        stopSignal: end.stopSignal,
        signal: end.signal,
        onEvent: (event) => event.type === "turn" && onTurn?.(claimed, event.turn.turn),
        clock,
      });
      if (record.status !== "interrupted") return { record };
      return end.isCancelled() ? { record, status: "cancelled" } : undefined;
    } catch (error) {
      if (error instanceof ConversationError && !isOfTheStore(error.cause)) return { record: error.record };
      throw error instanceof ConversationError ? error.cause : error;
    } finally {
      unwatch();
      end.release();
      journals.delete(conversationId);
    }
  }

  /** Changes which conversations are to be held, and queues them with it. */
  async function change<T>(runId: string, write: (tx: Sql) => Promise<T>): Promise<T> {
    const { add } = await opened();
    return await store.sql.transaction(async (tx) => {
      const result = await write(tx);
      await add(tx, await withoutJob(tx, runId));
      return result;
    });
  }

  return {
    dramatis,
    async plan({ id, scenario, conversations, seed, context = {}, maxCostUsd }) {
      if (!Number.isInteger(conversations) || conversations < 1 || conversations > MOST_CONVERSATIONS) {
        throw new DramatisError(
          "invalid-argument",
          `A run's conversations: expected a whole number from 1 to ${MOST_CONVERSATIONS.toLocaleString("en-US")}, got ${conversations}.`,
        );
      }
      if (!RUN_ID.test(id)) {
        throw new DramatisError(
          "invalid-argument",
          `A run's id: expected up to 100 letters, digits, ".", "_" and "-", got ${JSON.stringify(id)}.`,
        );
      }
      const definition: Definition = { scenario, context };
      const maxCostNanoUsd = maxCostUsd === undefined ? undefined : nanoUsd(maxCostUsd);
      const planned = Array.from({ length: conversations }, (_, position) => ({
        id: conversationId(id, position),
        position,
        settings: { seed: seed + position } satisfies Settings,
      }));
      const { add } = await opened();
      const isNew = await store.sql.transaction(async (tx) => {
        const scenarioId = scenario.id;
        const run = { id, scenario: scenarioId, definition, maxCostNanoUsd, conversations: planned };
        if (!(await createRun(tx, run))) return false;
        await add(
          tx,
          planned.map((one) => one.id),
        );
        return true;
      });
      if (!isNew) await checkSame(store.sql, id, { definition, conversations, seed, maxCostNanoUsd });
      return isNew;
    },
    async resume(runId, { maxCostUsd } = {}) {
      await runOf(store.sql, runId);
      return await change(runId, async (tx) => {
        if (maxCostUsd !== undefined) await setCap(tx, runId, nanoUsd(maxCostUsd));
        await uncancelRun(tx, runId);
        const ended: ConversationStatus[] =
          maxCostUsd === undefined ? ["cancelled"] : ["cancelled", "budget"];
        return (await reopen(tx, runId, ended)).length;
      });
    },
    async planExperiment({ id, experiment, seed: given, context = {}, maxCostUsd = experiment.maxCostUsd }) {
      checkContext(context, experiment.arms);
      // What cannot be compiled is found before anything is written, or paid.
      for (const { scenario } of experiment.arms) dramatis.conversation(scenario);
      const { scenario } = experiment;
      const planned = planOf(experiment, given ?? experiment.seed ?? drawSeed());
      const definition: Definition = { scenario, context, experiment: planned.experiment };
      const conversations = planned.assignments.map(({ arm, repeat, seed }, position) => ({
        id: conversationId(id, position),
        position,
        arm,
        settings: { seed, repeat } satisfies Settings,
      }));
      const { add } = await opened();
      return await store.sql.transaction(async (tx) => {
        const isNew = await createRun(tx, {
          id,
          scenario: scenario.id,
          definition,
          maxCostNanoUsd: maxCostUsd === undefined ? undefined : nanoUsd(maxCostUsd),
          conversations,
        });
        if (!isNew) return false;
        await createArms(tx, id, planned.arms);
        // Of jobs with the same priority none is sure to come first: a repeat is begun when the one before it is.
        const ids = conversations.map((one) => one.id);
        await add(tx, ids, (place) => -(conversations[place]?.settings.repeat ?? 0));
        return true;
      });
    },
    async retry(runId) {
      const { isCancelled } = await runOf(store.sql, runId);
      if (isCancelled) {
        throw new DramatisError(
          "invalid-argument",
          `The run ${runId} was cancelled. Let it go on first: dramatis resume ${runId}`,
        );
      }
      return await change(runId, async (tx) => {
        await forgetFailures(tx, runId);
        return (await reopen(tx, runId, ["failed"])).length;
      });
    },
    async work({ concurrency, name, runId, signal, onBegin, onTurn, onLeave, onEnd, onProblem }) {
      onQueueProblem = (error) => onProblem(undefined, error);
      const stopping = new AbortController();
      const queue = await opened();
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
          onBegin?.(claimed);
          try {
            return await hold(claimed, { stop: stopping.signal, abort: signal, onTurn });
          } finally {
            onLeave?.(claimed);
          }
        },
        onEnd(claimed, record) {
          keepLogShort();
          onEnd?.(claimed, record);
        },
        onProblem,
      });
      return {
        async stop() {
          stopping.abort();
          await worker.stop();
        },
      };
    },
    depth: async () => await (await opened()).depth(),
    async close() {
      await (await queue)?.close();
    },
  };
}

/** @throws DramatisError `invalid-argument` when a stored run is another one than what is planned under its id */
async function checkSame(sql: Sql, id: string, asked: Parameters<typeof runDifferences>[1]): Promise<void> {
  const { definition, conversations, maxCostNanoUsd } = await runOf(sql, id);
  const seed = await firstSeed(sql, id);
  const there = { definition: definition as Definition, conversations, seed, maxCostNanoUsd };
  const differences = runDifferences(there, asked);
  if (differences.length === 0) return;
  throw new DramatisError(
    "invalid-argument",
    `There is another run ${id} in this store: ${differences.join("; ")}. Use another id, or go on with that one: dramatis resume ${id}`,
  );
}

/** The seed of a run's first conversation. */
export async function firstSeed(sql: Sql, runId: string): Promise<number | undefined> {
  const [first] = await sql.query<{ settings: Settings }>(
    "select settings from dramatis.conversations where run_id = $1 order by position limit 1",
    [runId],
  );
  return first?.settings.seed;
}
