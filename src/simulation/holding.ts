/** Holds one conversation that was claimed: from its start, with every request that was made before answered from the store. */
import { LRUCache } from "lru-cache";
import type { Dramatis } from "../app.ts";
import type { ConversationEvent } from "../conversation/events.ts";
import type { Conversation } from "../conversation/graph.ts";
import { runConversation } from "../conversation/run.ts";
import type { ConversationContextInput } from "../conversation/state.ts";
import { ConversationError } from "../domain/conversation-error.ts";
import { withChanges } from "../experiment/plan.ts";
import { createCancellation, heldSignals } from "../fleet/cancellation.ts";
import type { Held } from "../fleet/worker.ts";
import type { Exchange } from "../model/exchange.ts";
import { type Journal, openJournal } from "../model/recording/journal.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { armOf } from "../store/arms.ts";
import type { Claimed } from "../store/conversations.ts";
import { isOfTheStore } from "../store/faults.ts";
import { runOf } from "../store/runs.ts";
import type { Sql } from "../store/sql.ts";
import type { Definition, Settings } from "./planning.ts";

export interface HoldOptions {
  /** Ends the conversation before its next turn; it is to go on later. */
  stop: AbortSignal;
  /** Breaks off what is under way as well. */
  abort: AbortSignal | undefined;
  /** What it throws ends the conversation. */
  onEvent(conversation: Claimed, event: ConversationEvent): void;
}

export interface HoldingParts {
  sql: Sql;
  dramatis: Dramatis;
  /** Of the conversations that are held; the gateway looks them up here. */
  journals: Map<string, Journal>;
  clock: () => number;
}

/** What conversations of the same run and arm share. */
interface Prepared {
  transport: Definition["transport"];
  graph: Conversation;
  scenario: Scenario;
  context: ConversationContextInput;
}

/** Of a request that a batch did not come to, or that failed in one. */
const BATCH_RETRIES = 6;
/** A summary is asked for in the background: what it is begun beside comes to its own request meanwhile. */
const BACKGROUND_MS = 100;

/** Lets go of a conversation once what it waits for keeps it from going on. */
function onceAllWait(park: () => void): (exchange: Exchange) => void {
  return ({ priority }) => {
    if (priority === "bulk") setTimeout(park, BACKGROUND_MS);
    else setImmediate(park);
  };
}

/** A worker lives through any number of runs and arms. */
const MOST_GRAPHS = 100;

export function createHolding({ sql, dramatis, journals, clock }: HoldingParts) {
  const graphs = new LRUCache<string, Promise<Prepared>>({ max: MOST_GRAPHS });

  /** Compiled once a run and arm. */
  function graphOf({ runId, arm }: Claimed): Promise<Prepared> {
    const key = JSON.stringify([runId, arm]);
    const known = graphs.get(key);
    if (known !== undefined) return known;
    const compiled = (async () => {
      const { scenario: base, context, transport } = (await runOf(sql, runId)).definition as Definition;
      const scenario = arm === undefined ? base : withChanges(base, (await armOf(sql, runId, arm)).changes);
      return { graph: dramatis.conversation(scenario), scenario, context, transport };
    })();
    compiled.catch(() => graphs.delete(key));
    graphs.set(key, compiled);
    return compiled;
  }

  const cancellation = createCancellation(sql);

  async function hold(
    claimed: Claimed,
    { stop, abort, onEvent }: HoldOptions,
  ): Promise<Held | "parked" | undefined> {
    const { runId, conversationId } = claimed;
    const { graph, scenario, context, transport } = await graphOf(claimed);
    const { seed } = claimed.settings as Settings;
    const end = heldSignals(stop, abort);
    if (claimed.isCancelled) end.cancel();
    const unwatch = cancellation.watch(runId, end.cancel);
    try {
      const batch =
        transport === "batch" ? { maxRetries: BATCH_RETRIES, onParked: onceAllWait(end.park) } : undefined;
      const journal = await openJournal({ sql, holder: claimed, clock, onNew: end.onNew, batch });
      journals.set(conversationId, journal);
      const record = await runConversation(graph, {
        scenario,
        conversationId,
        transport: dramatis.transport,
        input: { seed },
        context,
        stopSignal: end.stopSignal,
        signal: end.signal,
        onEvent(event) {
          // A turn that was broken off so that it can go on later has not failed.
          const isLater = end.isParked() || stop.aborted || abort?.aborted;
          const isBrokenOff = event.type === "failure" && event.failure.kind === "aborted";
          if (!(isBrokenOff && isLater)) onEvent(claimed, event);
        },
        clock,
      });
      if (record.status !== "interrupted") return { record };
      if (end.isCancelled()) return { record, status: "cancelled" };
      return end.isParked() ? "parked" : undefined;
    } catch (error) {
      if (error instanceof ConversationError && !isOfTheStore(error.cause)) return { record: error.record };
      throw error instanceof ConversationError ? error.cause : error;
    } finally {
      unwatch();
      end.release();
      journals.delete(conversationId);
    }
  }

  return hold;
}
