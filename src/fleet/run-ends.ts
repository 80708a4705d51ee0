/** What ends a run, in the store and in its queue at once. */
import { cancelRun, deleteRun, runOf } from "../store/runs.ts";
import type { Store } from "../store/store.ts";
import { dropJobs } from "./jobs.ts";

/** Ends a run for good: nothing more of it is begun, and what is under way anywhere ends after its turn, as cancelled. */
export async function cancelSimulation({ sql }: Store, runId: string): Promise<void> {
  await runOf(sql, runId);
  await sql.transaction(async (tx) => {
    await cancelRun(tx, runId, await dropJobs(tx, runId, "queued"));
  });
}

/** Deletes a run, its conversations and everything of them; who holds one of them can write nothing more. */
export async function deleteSimulation({ sql }: Store, runId: string): Promise<void> {
  await runOf(sql, runId);
  await sql.transaction(async (tx) => {
    await dropJobs(tx, runId, "all");
    await deleteRun(tx, runId);
  });
}
