/** Simulations: runs of many conversations, planned into a store and held by workers, here or on other machines. */
import { type Dramatis, type DramatisOptions, openDramatis } from "./app.ts";
import type { Conversation } from "./conversation/graph.ts";
import { runConversation } from "./conversation/run.ts";
import type { ConversationContextInput } from "./conversation/state.ts";
import { ConversationError } from "./domain/conversation-error.ts";
import { DramatisError } from "./domain/errors.ts";
import { nanoUsd } from "./domain/money.ts";
import type { ConversationRecord } from "./domain/record.ts";
import { openQueue, type Queue, type QueueDepth } from "./fleet/queue.ts";
import { type FleetWorker, startWorker } from "./fleet/worker.ts";
import { type Journal, openJournal } from "./model/recording/journal.ts";
import type { Scenario } from "./scenario/scenario.ts";
import type { Claimed } from "./store/conversations.ts";
import { createRun, runOf } from "./store/runs.ts";
import type { Store } from "./store/store.ts";

/** What a run's conversations have in common; kept in the store, so that a worker elsewhere needs no file. */
interface Definition {
  scenario: Scenario;
  context: ConversationContextInput;
}

/** What differs between them. */
interface Settings {
  seed: number;
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

export interface HeldConversation {
  runId: string;
  conversationId: string;
}

export interface WorkerOptions {
  /** Conversations at a time. */
  concurrency: number;
  /** Named in the store. */
  name: string;
  /** Told of every conversation that is begun here, or gone on with. */
  onBegin?: ((conversation: HeldConversation) => void) | undefined;
  /** Told of every turn as it is taken; of those before, as well, when a conversation is gone on with. */
  onTurn?: ((conversation: HeldConversation, turn: number) => void) | undefined;
  /** Told when a conversation is no longer held here, whatever became of it; before `onEnd`. */
  onLeave?: ((conversation: HeldConversation) => void) | undefined;
  onEnd?: ((conversation: HeldConversation, record: ConversationRecord) => void) | undefined;
  /** Told what kept a conversation from being held or written; it is begun again. */
  onProblem: (conversation: { conversationId: string } | undefined, error: unknown) => void;
}

export interface Simulations {
  /** What carries the requests, and at which prices. */
  readonly dramatis: Dramatis;
  /** Writes a run and its conversations to the store. False: there is one of that id already, and nothing was changed. */
  plan(plan: SimulationPlan): Promise<boolean>;
  /** Holds conversations, of all runs of the store, until it is stopped. */
  work(options: WorkerOptions): Promise<FleetWorker>;
  /** How many conversations of the store have not ended. */
  depth(): Promise<QueueDepth>;
  /** The store stays open. */
  close(): Promise<void>;
}

/** The embedded engine has nobody who does it by itself: its log would grow as long as the process lives. */
const CONVERSATIONS_BETWEEN_CHECKPOINTS = 200;
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
  const graphs = new Map<string, Promise<{ graph: Conversation; definition: Definition }>>();
  let queue: Promise<Queue> | undefined;
  let onQueueProblem: (error: Error) => void = () => undefined;
  const opened = () => {
    queue ??= openQueue(store, (error) => onQueueProblem(error));
    return queue;
  };

  /** Compiled once a run. */
  function graphOf(runId: string) {
    const known = graphs.get(runId);
    if (known !== undefined) return known;
    const compiled = runOf(store.sql, runId).then((run) => {
      const definition = run.definition as Definition;
      return { graph: dramatis.conversation(definition.scenario), definition };
    });
    compiled.catch(() => graphs.delete(runId));
    graphs.set(runId, compiled);
    return compiled;
  }

  async function hold(
    claimed: Claimed,
    { stopSignal, onTurn }: Pick<WorkerOptions, "onTurn"> & { stopSignal: AbortSignal },
  ): Promise<ConversationRecord | undefined> {
    const { runId, conversationId } = claimed;
    const { graph, definition } = await graphOf(runId);
    const { seed } = claimed.settings as Settings;
    const { scenario, context } = definition;
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
        onEvent: (event) => event.type === "turn" && onTurn?.(claimed, event.turn.turn),
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
    async work({ concurrency, name, onBegin, onTurn, onLeave, onEnd, onProblem }) {
      onQueueProblem = (error) => onProblem(undefined, error);
      const stopping = new AbortController();
      let ended = 0;
      const keepLogShort = () => {
        if (store.engine !== "pglite" || ++ended % CONVERSATIONS_BETWEEN_CHECKPOINTS > 0) return;
        store.sql.query("checkpoint").catch((error: unknown) => onProblem(undefined, error));
      };
      const worker = await startWorker({
        store,
        queue: await opened(),
        name,
        concurrency,
        async hold(claimed) {
          onBegin?.(claimed);
          try {
            return await hold(claimed, { stopSignal: stopping.signal, onTurn });
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
