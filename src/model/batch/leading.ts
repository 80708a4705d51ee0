/** What every step of a run's coordinator works with. */
import { asCoordinator, type BatchChange, type Coordinator, changeBatch } from "../../store/batches.ts";
import type { Sql } from "../../store/sql.ts";
import type { BatchClient } from "./batch-client.ts";

export interface Leading extends Coordinator {
  sql: Sql;
  client: BatchClient;
  /** Has conversations held again, in the transaction that made them wait. */
  requeue(tx: Sql, conversationIds: readonly string[]): Promise<void>;
  /** Told what went wrong and keeps nothing up. */
  tell(error: unknown): void;
  signal: AbortSignal;
}

/** Writes what becomes of a batch, and what else belongs to it, as the coordinator. */
export const change = (
  leading: Leading,
  batchId: string,
  next: BatchChange,
  also?: (tx: Sql) => Promise<void>,
): Promise<void> =>
  asCoordinator(leading.sql, leading, async (tx) => {
    await changeBatch(tx, batchId, next);
    await also?.(tx);
  });
