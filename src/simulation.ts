/** Simulations: runs of many conversations, planned into a store and held by workers, here or on other machines. */
import { type Dramatis, type DramatisOptions, openDramatis } from "./app.ts";
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
import { openQueue, type Queue } from "./fleet/queue.ts";
import { type FleetWorker, startWorker } from "./fleet/worker.ts";
import { type Journal, openJournal } from "./model/recording/journal.ts";
import type { Scenario } from "./scenario/scenario.ts";
import { armOf, createArms } from "./store/arms.ts";
import type { Claimed } from "./store/conversations.ts";
import { createRun, runOf } from "./store/runs.ts";
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
  /** Names the run; planning it again under the same id does nothing. */
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

export interface WorkerOptions {
  /** Conversations at a time. */
  concurrency: number;
  /** Named in the store. */
  name: string;
  onEnd?:
    | ((conversation: { runId: string; conversationId: string }, record: ConversationRecord) => void)
    | undefined;
  /** Told what kept a conversation from being held or written; it is begun again. */
  onProblem: (conversation: { conversationId: string } | undefined, error: unknown) => void;
}

export interface Simulations {
  /** What carries the requests, and at which prices. */
  readonly dramatis: Dramatis;
  /** Writes a run and its conversations to the store. False: there is one of that id already, and nothing was changed. */
  plan(plan: SimulationPlan): Promise<boolean>;
  /**
   * The same for an experiment: its arms, and the conversations of all of them in a balanced order.
   * @throws DramatisError `unknown-name` when an arm names a model that the catalog does not have, `invalid-argument` when the
   * context would replace what arms differ in
   */
  planExperiment(plan: ExperimentPlan): Promise<boolean>;
  /** Holds conversations, of all runs of the store, until it is stopped. */
  work(options: WorkerOptions): Promise<FleetWorker>;
  /** The store stays open. */
  close(): Promise<void>;
}

/** What conversations of the same run and arm share. */
interface Held {
  graph: Conversation;
  scenario: Scenario;
  context: ConversationContextInput;
}

const MOST_CONVERSATIONS = 1_000_000;

/** Room for a million, in the order of the alphabet. */
const conversationId = (runId: string, position: number) =>
  `${runId}-${String(position + 1).padStart(6, "0")}`;

/** What no conversation can be blamed for: the store, or a lease that was lost. */
const isOfTheStore = (error: unknown): boolean =>
  error instanceof DramatisError && (error.code === "lease-lost" || error.code === "store-failed");

export async function openSimulations(
  store: Store,
  options: Omit<DramatisOptions, "journalOf" | "maxCostUsd" | "record" | "replay"> = {},
): Promise<Simulations> {
  const journals = new Map<string, Journal>();
  const dramatis = await openDramatis({ ...options, journalOf: (id) => journals.get(id) });
  const { clock = Date.now } = options;
  const graphs = new Map<string, Promise<Held>>();
  let queue: Promise<Queue> | undefined;
  let onQueueProblem: (error: Error) => void = () => undefined;
  const opened = () => {
    queue ??= openQueue(store, (error) => onQueueProblem(error));
    return queue;
  };

  /** Compiled once a run and arm. */
  function graphOf({ runId, arm }: Claimed): Promise<Held> {
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

  async function hold(claimed: Claimed, stopSignal: AbortSignal): Promise<ConversationRecord | undefined> {
    const { conversationId } = claimed;
    const { graph, scenario, context } = await graphOf(claimed);
    const { seed } = claimed.settings as Settings;
    const { transport } = dramatis;
    journals.set(conversationId, await openJournal({ sql: store.sql, holder: claimed, clock }));
    try {
      const record = await runConversation(graph, {
        scenario,
        conversationId,
        transport,
        input: { seed },
        context,
        stopSignal,
        clock,
      });
      return record.status === "interrupted" ? undefined : record;
    } catch (error) {
      if (error instanceof ConversationError && !isOfTheStore(error.cause)) return error.record;
      throw error instanceof ConversationError ? error.cause : error;
    } finally {
      journals.delete(conversationId);
    }
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
      const definition: Definition = { scenario, context };
      const planned = Array.from({ length: conversations }, (_, position) => ({
        id: conversationId(id, position),
        position,
        settings: { seed: seed + position } satisfies Settings,
      }));
      const { add } = await opened();
      return await store.sql.transaction(async (tx) => {
        const isNew = await createRun(tx, {
          id,
          scenario: scenario.id,
          definition,
          maxCostNanoUsd: maxCostUsd === undefined ? undefined : nanoUsd(maxCostUsd),
          conversations: planned,
        });
        if (isNew)
          await add(
            tx,
            planned.map((one) => one.id),
          );
        return isNew;
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
    async work({ concurrency, name, onEnd, onProblem }) {
      onQueueProblem = (error) => onProblem(undefined, error);
      const stopping = new AbortController();
      const worker = await startWorker({
        store,
        queue: await opened(),
        name,
        concurrency,
        hold: (claimed) => hold(claimed, stopping.signal),
        onEnd,
        onProblem,
      });
      return {
        async stop() {
          stopping.abort();
          await worker.stop();
        },
      };
    },
    async close() {
      await (await queue)?.close();
    },
  };
}
