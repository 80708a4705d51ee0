/** Tells whoever holds a conversation that its run was cancelled, on whichever machine that was done. */
import type { Sql } from "../store/sql.ts";

export interface Cancellation {
  /** Calls back once when the run is cancelled or gone, until the returned function is called. */
  watch(runId: string, onCancel: () => void): () => void;
}

const EVERY_MS = 1000;

/** Looks into the store so often, while anything is watched; what goes wrong there is found out by the conversations. */
export function createCancellation(sql: Sql, everyMs = EVERY_MS): Cancellation {
  const watched = new Map<() => void, string>();
  let timer: NodeJS.Timeout | undefined;
  /** One look after the other: whoever comes or goes during one leaves the next to it. */
  let isLooking = false;

  function plan(): void {
    clearTimeout(timer);
    timer = watched.size > 0 && !isLooking ? setTimeout(look, everyMs) : undefined;
  }

  async function look(): Promise<void> {
    isLooking = true;
    const ids = [...new Set(watched.values())];
    const going = await sql
      .query<{ id: string }>("select id from dramatis.runs where id = any($1) and not is_cancelled", [ids])
      .catch(() => undefined);
    if (going !== undefined) {
      const isGoing = new Set(going.map(({ id }) => id));
      for (const [onCancel, runId] of [...watched]) {
        if (isGoing.has(runId) || !ids.includes(runId)) continue;
        watched.delete(onCancel);
        onCancel();
      }
    }
    isLooking = false;
    plan();
  }

  return {
    watch(runId, onCancel) {
      watched.set(onCancel, runId);
      if (timer === undefined) plan();
      return () => {
        watched.delete(onCancel);
        if (watched.size === 0) plan();
      };
    },
  };
}

/** How a conversation in hand is ended from outside. */
export interface HeldSignals {
  /** Ends it before its next turn. */
  stopSignal: AbortSignal;
  /** Breaks it off. */
  signal: AbortSignal;
  /** To be told before every request that no stored answer serves. */
  onNew(): void;
  cancel(): void;
  isCancelled(): boolean;
  /** Breaks it off where it cannot go on for now. */
  park(): void;
  isParked(): boolean;
  /** Lets go of the worker's signals, which live longer. */
  release(): void;
}

/**
 * Signals of one conversation, from those of its worker and from its run being cancelled. What is answered from the store is
 * gone through to its end first: it was paid, and belongs on the record.
 */
export function heldSignals(stop: AbortSignal, abort: AbortSignal | undefined): HeldSignals {
  const stopping = new AbortController();
  const breaking = new AbortController();
  let isCancelled = false;
  let isParked = false;
  let isNew = false;
  const releases = [follow(stop, stopping), ...(abort === undefined ? [] : [follow(abort, breaking)])];
  return {
    stopSignal: stopping.signal,
    signal: breaking.signal,
    onNew() {
      // Cancelled before it came to anything new: this request is not made any more.
      if (isCancelled && !isNew) breaking.abort();
      isNew = true;
    },
    cancel() {
      isCancelled = true;
      if (isNew) stopping.abort();
    },
    isCancelled: () => isCancelled,
    park() {
      isParked = true;
      breaking.abort();
    },
    isParked: () => isParked,
    release() {
      for (const release of releases) release();
    },
  };
}

function follow(signal: AbortSignal, controller: AbortController): () => void {
  const abort = () => controller.abort();
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return () => signal.removeEventListener("abort", abort);
}
