/** Takes conversations from the queue and has them held, so many at a time, until there are no more or it is stopped. */
import { DramatisError, messageOf } from "../domain/errors.ts";
import type { ConversationRecord } from "../domain/record.ts";
import { withoutKeys } from "../domain/secrets.ts";
import { setAside } from "../store/batch-lines.ts";
import {
  type Claimed,
  type ConversationStatus,
  claim,
  finish,
  finishAsFailed,
  giveBack,
} from "../store/conversations.ts";
import { isOfTheStore } from "../store/faults.ts";
import type { Store } from "../store/store.ts";
import type { Queue, Work } from "./queue.ts";

/** How a conversation ended. */
export interface Held {
  record: ConversationRecord;
  /** Where the record cannot say it: cancelled. Default: the record's. */
  status?: ConversationStatus | undefined;
}

export interface WorkerParts {
  store: Store;
  queue: Queue;
  /** Named in the store, for people. */
  name: string;
  /** Conversations at a time. */
  concurrency: number;
  /**
   * Holds a conversation to its end. Undefined: it was stopped between two turns, and is to go on later; parked: its requests
   * wait for a batch. What it throws ends the conversation as failed, unless it is the store's: then it is begun again.
   */
  hold(claimed: Claimed): Promise<Held | "parked" | undefined>;
  /** Told of a conversation that was set aside: its requests wait for a batch. */
  onParked?: ((claimed: Claimed) => void) | undefined;
  /** Told of every conversation that ended here. */
  onEnd?: ((claimed: Claimed, record: ConversationRecord) => void) | undefined;
  /** Told of a conversation that ended as failed without a record, since what was thrown kept it from beginning. */
  onUnbegun(claimed: Claimed, error: unknown): void;
  /**
   * Told what of the store's doing kept a conversation from being held or written; it is begun again. Undefined: it could not
   * even be claimed.
   */
  onProblem(claimed: { runId: string; conversationId: string } | undefined, error: unknown): void;
}

/** A process at work. */
export interface FleetWorker {
  /** Takes no more; resolves once what is in hand has ended or was given back. */
  stop(): Promise<void>;
}

export async function startWorker(parts: WorkerParts): Promise<FleetWorker> {
  const { store, queue, name, concurrency } = parts;

  /** Holds it and writes what it came to. Returns how to tell of its end, which what is thrown there must not change. */
  async function carryOut(work: Work, claimed: Claimed): Promise<() => void> {
    try {
      const held = await parts.hold(claimed);
      if (held === undefined) {
        await giveBack(store.sql, claimed);
        await work.giveBack();
        return () => undefined;
      }
      if (held === "parked") {
        await work.finish(async (tx) => {
          if (!(await setAside(tx, claimed))) await queue.add(tx, [claimed.conversationId]);
        });
        return () => parts.onParked?.(claimed);
      }
      await work.finish((tx) => finish(tx, claimed, held.record, held.status));
      return () => parts.onEnd?.(claimed, held.record);
    } catch (error) {
      if (isOfTheStore(error)) throw error;
      const evidence = withoutKeys(messageOf(error));
      await work.finish((tx) => finishAsFailed(tx, claimed, evidence));
      return () => parts.onUnbegun(claimed, error);
    }
  }

  async function handle(work: Work): Promise<void> {
    const { conversationId, lease } = work;
    let claimed: Claimed | undefined;
    let tell: () => void;
    try {
      claimed = await work.begin((tx) => claim(tx, { conversationId, lease, worker: name }));
      if (claimed === undefined) return;
      tell = await carryOut(work, claimed);
    } catch (error) {
      parts.onProblem(claimed, error);
      // Whoever has it now does the rest; to say anything about the job would be about the other's attempt.
      if (error instanceof DramatisError && error.code === "lease-lost") return;
      // Where the store cannot be told, whoever claims it next does.
      if (claimed !== undefined) await giveBack(store.sql, claimed).catch(() => undefined);
      throw error;
    }
    tell();
  }

  return await queue.work({ concurrency, handle });
}
