/** Brings what a batch came to, to the requests that wait for it; what was brought before is not brought again. */
import { type Arrival, arrive, missingFrom, unassign } from "../../store/batch-lines.ts";
import { asCoordinator, type StoredBatch } from "../../store/batches.ts";
import type { KeptFailure, Outcome } from "../recording/outcome.ts";
import { isUnknown } from "./batch-client.ts";
import { BATCH_CANCELLED, cancelledOf, lost, refusal, unreadable, withoutResult } from "./batch-results.ts";
import { change, type Leading } from "./leading.ts";
import type { BatchProblem, ProviderBatch } from "./provider-batch.ts";

const RESULTS_AT_ONCE = 200;

async function bring(leading: Leading, batch: StoredBatch, arrivals: readonly Arrival[]): Promise<void> {
  const { sql, requeue, runId } = leading;
  if (arrivals.length === 0) return;
  await asCoordinator(sql, leading, async (tx) =>
    requeue(tx, await arrive(tx, { runId, batchId: batch.id }, arrivals)),
  );
}

/** A conversation ends at a request of a cancelled batch: its record says why, and what to do. */
function explained({ runId }: Leading, { id, providerId, model }: StoredBatch, outcome: Outcome): Outcome {
  const { failure } = outcome;
  if (failure?.code !== "batch-cancelled") return outcome;
  const next = `To have it made: dramatis retry ${runId}`;
  return { ...outcome, failure: cancelledOf(failure, { model, batch: providerId ?? id, next }) };
}

/**
 * A file that is gone takes with it what was in it: nothing is brought then.
 * @returns how many of its lines could not be read
 */
async function bringFile(
  leading: Leading,
  batch: StoredBatch,
  { fileId, isWanted }: { fileId: string; isWanted: (outcome: Outcome) => boolean },
): Promise<number> {
  const { client, signal } = leading;
  let results: Arrival[] = [];
  let unread = 0;
  try {
    for await (const result of client.results({ fileId, model: batch.model }, signal)) {
      if (result === undefined) unread += 1;
      else if (isWanted(result.outcome))
        results.push({ ...result, outcome: explained(leading, batch, result.outcome) });
      if (results.length < RESULTS_AT_ONCE) continue;
      await bring(leading, batch, results);
      results = [];
    }
  } catch (error) {
    if (!isUnknown(error)) throw error;
  }
  await bring(leading, batch, results);
  return unread;
}

/** The same for all requests that nothing was brought for. */
async function bringRest(leading: Leading, batch: StoredBatch, rest: KeptFailure): Promise<void> {
  const outcome = explained(leading, batch, { failure: rest });
  for (;;) {
    const missing = await missingFrom(leading.sql, batch.id, RESULTS_AT_ONCE);
    if (missing.length === 0) return;
    await bring(
      leading,
      batch,
      missing.map((customId) => ({ customId, outcome })),
    );
  }
}

/**
 * A batch that was made, and is over: completed, expired or cancelled. Where the whole run was cancelled, what was not made
 * waits, as if it had never been sent.
 */
export async function collect(
  leading: Leading,
  batch: StoredBatch,
  { provider, isCancelled }: { provider: ProviderBatch; isCancelled: boolean },
): Promise<void> {
  const { status, outputFileId, errorFileId, completed, failed } = provider;
  const { runId } = leading;
  const isLeft = isCancelled && status === "cancelled";
  const isWanted = ({ failure }: Outcome) => !(isLeft && failure?.providerCode === BATCH_CANCELLED);
  let unread = 0;
  for (const fileId of [outputFileId, errorFileId])
    if (fileId !== undefined) unread += await bringFile(leading, batch, { fileId, isWanted });
  if (unread > 0) {
    leading.tell(unreadable(unread));
    await bringRest(leading, batch, lost(batch.model));
  } else if (!isLeft) await bringRest(leading, batch, withoutResult(batch.model, status));
  await change(leading, batch.id, { state: "ended", status, completed, failed }, (tx) =>
    unassign(tx, { runId, batchId: batch.id }),
  );
}

const TOO_MANY_TOKENS = "token_limit_exceeded";

/**
 * A batch that was refused: nothing of it was made or paid. Requests that the provider names get its reason, and the others wait
 * for another batch; where too much was enqueued all do, for a smaller one.
 */
export async function giveUp(
  leading: Leading,
  batch: StoredBatch,
  problems: readonly BatchProblem[],
): Promise<void> {
  const { id, model, runId, requests } = batch;
  const [first = { code: "unknown", message: "no reason was given", line: undefined }] = problems;
  const isTooMuch = problems.some(({ code }) => code === TOO_MANY_TOKENS) && requests > 1;
  const named = problems.filter(({ line }) => line !== undefined);
  const ids = isTooMuch ? [] : await missingFrom(leading.sql, id, requests);
  const refused = named.flatMap((problem) => {
    const customId = ids[(problem.line ?? 0) - 1];
    return customId === undefined ? [] : [{ customId, outcome: { failure: refusal(model, problem) } }];
  });
  const all = ids.map((customId) => ({ customId, outcome: { failure: refusal(model, first) } }));
  const arrivals = refused.length === 0 ? all : refused;
  // At once: the places of lines in the file are those of the lines that wait, as long as none has gone.
  await change(
    leading,
    id,
    { state: "ended", status: "failed", problem: `${first.code}: ${first.message}` },
    async (tx) => {
      const of = { runId, batchId: id };
      const woken = arrivals.length === 0 ? [] : await arrive(tx, of, arrivals);
      await unassign(tx, of);
      await leading.requeue(tx, woken);
    },
  );
}

/** Whether a batch ended because too much was enqueued. */
export const wasTooMuch = ({ problem }: Pick<StoredBatch, "problem">): boolean =>
  problem?.startsWith(`${TOO_MANY_TOKENS}:`) ?? false;
