/** Arms of a run that is an experiment: their levels, and what they change of the run's definition. */
import { DramatisError } from "../domain/errors.ts";
import type { Sql } from "./sql.ts";

export interface StoredArm {
  name: string;
  /** Level by factor. */
  levels: Readonly<Record<string, string>>;
  /** What differs from the run's definition. */
  changes: object;
}

interface Row {
  arm: string;
  levels: Record<string, string>;
  changes: object;
}

const armFrom = ({ arm, levels, changes }: Row): StoredArm => ({ name: arm, levels, changes });

/** Writes a run's arms, in the transaction that makes the run. One by one: each may hold a knowledge base. */
export async function createArms(tx: Sql, runId: string, arms: readonly StoredArm[]): Promise<void> {
  for (const [position, { name, levels, changes }] of arms.entries()) {
    await tx.query(
      "insert into dramatis.arms (run_id, arm, position, levels, changes) values ($1, $2, $3, $4, $5)",
      [runId, name, position, JSON.stringify(levels), JSON.stringify(changes)],
    );
  }
}

/** Whether a run is an experiment. */
export async function hasArms(sql: Sql, runId: string): Promise<boolean> {
  const rows = await sql.query("select from dramatis.arms where run_id = $1 limit 1", [runId]);
  return rows.length > 0;
}

/** In the order of the design; none: the run is no experiment. What they change is left out. */
export async function armsOf(sql: Sql, runId: string): Promise<Omit<StoredArm, "changes">[]> {
  const rows = await sql.query<Omit<Row, "changes">>(
    "select arm, levels from dramatis.arms where run_id = $1 order by position",
    [runId],
  );
  return rows.map(({ arm, levels }) => ({ name: arm, levels }));
}

/** The same with all that they change. */
export async function wholeArmsOf(sql: Sql, runId: string): Promise<StoredArm[]> {
  const rows = await sql.query<Row>(
    "select arm, levels, changes from dramatis.arms where run_id = $1 order by position",
    [runId],
  );
  return rows.map(armFrom);
}

/** @throws DramatisError `store-failed` when the run has no such arm. */
export async function armOf(sql: Sql, runId: string, name: string): Promise<StoredArm> {
  const [row] = await sql.query<Row>(
    "select arm, levels, changes from dramatis.arms where run_id = $1 and arm = $2",
    [runId, name],
  );
  if (row !== undefined) return armFrom(row);
  throw new DramatisError(
    "store-failed",
    `The store has no arm ${JSON.stringify(name)} of the run ${runId}.`,
  );
}
