/** What an id that somebody typed names. */
import { DramatisError } from "../domain/errors.ts";
import { nearNames } from "../domain/near-names.ts";
import { type ConversationProgress, conversationOf } from "./progress.ts";
import { runOf, type StoredRun } from "./runs.ts";
import type { Sql } from "./sql.ts";

export type Found =
  | { kind: "run"; run: StoredRun }
  | { kind: "conversation"; conversation: ConversationProgress };

/**
 * Finds a run, or a conversation of one.
 * @throws DramatisError `unknown-name` when it is neither, with near names
 */
export async function find(sql: Sql, id: string): Promise<Found> {
  const conversation = await conversationOf(sql, id);
  if (conversation !== undefined) return { kind: "conversation", conversation };
  await checkNumber(sql, id);
  return { kind: "run", run: await runOf(sql, id) };
}

/** A number that a run has not, of a run that there is. */
async function checkNumber(sql: Sql, id: string): Promise<void> {
  const runId = /^(.+)-\d+$/.exec(id)?.[1];
  if (runId === undefined) return;
  const known = await sql.query<{ id: string }>(
    `select id from dramatis.conversations
     where run_id = $1 and not exists (select from dramatis.runs where id = $2) order by position limit 1000`,
    [runId, id],
  );
  if (known.length === 0) return;
  const near = nearNames(
    id,
    known.map((one) => one.id),
  );
  const problem = `There is no conversation ${JSON.stringify(id)}.`;
  throw near.length > 0
    ? new DramatisError("unknown-name", `${problem} Did you mean ${near.join(" or ")}?`)
    : new DramatisError("unknown-name", `${problem} List them:`, { command: `show ${runId}` });
}
