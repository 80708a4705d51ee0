/** Waits for the end of runs: asks the store, gently, and at once where something of the run has ended in this process. */
import { hasOpen } from "../store/progress.ts";
import type { Sql } from "../store/sql.ts";

/** How late the end of a run is learnt of when another process made it. */
const LOOK_MS = 1000;

export interface RunEndParts {
  sql: Sql;
  /** How often the store is asked, in milliseconds. Default 1,000. */
  lookMs?: number | undefined;
}

export function createRunEnds({ sql, lookMs = LOOK_MS }: RunEndParts) {
  /** Of runs that are waited for. */
  const wakers = new Map<string, Set<() => void>>();

  /** Resolves after a while, or once something of the run ends here; rejects with the signal's reason. */
  function next(runId: string, signal: AbortSignal | undefined): { until: Promise<void>; release(): void } {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => reject(signal?.reason);
    const own = wakers.get(runId) ?? new Set();
    wakers.set(runId, own.add(resolve));
    const timer = setTimeout(resolve, lookMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    return {
      until: promise,
      release() {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        own.delete(resolve);
        if (own.size === 0) wakers.delete(runId);
      },
    };
  }

  return {
    /** Something of the run ended here. */
    wake(runId: string): void {
      for (const wake of wakers.get(runId) ?? []) wake();
    },
    /** Resolves when no conversation of the run is open. */
    async wait(runId: string, signal?: AbortSignal): Promise<void> {
      for (;;) {
        signal?.throwIfAborted();
        // What ends while the store is asked is not missed.
        const { until, release } = next(runId, signal);
        try {
          if (!(await hasOpen(sql, runId))) return;
          await until;
        } finally {
          release();
          until.catch(() => undefined);
        }
      }
    },
  };
}
