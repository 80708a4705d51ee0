/**
 * Looks after the batches of runs: closes a wave when all that can ask have asked, sends it, waits for it, and brings what came
 * of it to the requests that wait. Everything is written down before it is done, so that whoever goes on finds what is under way
 * and sends nothing again.
 */
import { DramatisError, messageOf } from "../../domain/errors.ts";
import { dropLines, unassign, waitingLines } from "../../store/batch-lines.ts";
import {
  asCoordinator,
  batchesOf,
  lead,
  outlookOf,
  planWave,
  resign,
  runsInBatches,
  type StoredBatch,
} from "../../store/batches.ts";
import { wait as waitOut } from "../wait.ts";
import { isUnknown } from "./batch-client.ts";
import { collect, giveUp, wasTooMuch } from "./collect.ts";
import { change, type Leading } from "./leading.ts";
import { createPatience, laterPause } from "./patience.ts";
import { isCancellable, isOver, type ProviderBatch } from "./provider-batch.ts";
import { sendBatch } from "./send-batch.ts";
import { isDue, planOfWave, WAVE_TIMING, type WaveTiming } from "./wave-plan.ts";

export interface CoordinatorParts extends Pick<Leading, "sql" | "client" | "requeue"> {
  /** Breaks off calls that are on their way; what they were for is found out by whoever goes on. */
  signal?: AbortSignal | undefined;
  /** The only run that is looked after; default: all of the store. */
  runId?: string | undefined;
  /** Whether the provider is a server of this process, and ends with it. Default false. */
  isOffline?: boolean | undefined;
  /** Told once conversations that were queued again can be seen by whoever holds them. */
  onQueued?(): void;
  /** Told what went wrong with the batches of a run, "" where it is of no single one; it is tried again, later and later. */
  onProblem(runId: string, error: unknown): void;
  timing?: Partial<WaveTiming> | undefined;
  /** Milliseconds since 1970. Default: Date.now. */
  clock?: (() => number) | undefined;
  /** Resolves after so many milliseconds; rejects with the signal's reason. Default: a timer. */
  wait?: typeof waitOut | undefined;
}

export interface BatchCoordinator {
  /** Looks at once: the store has news, as of a batch whose end was told of. */
  wake(): void;
  /** Ends what is under way, begins nothing new, and lets another process lead. */
  stop(): Promise<void>;
}

/** Well below the silence after which another process leads. */
const RENEW_MS = 5000;
/** Between two looks at most, while nothing goes by batch. */
const MOST_IDLE_MS = 1000;

/** Prompt tokens of a model that may be enqueued beside what is: half of what was too much the last time. */
function tokensLeft(batches: readonly StoredBatch[], model: string): number | undefined {
  const own = batches.filter((batch) => batch.model === model);
  const refused = own.filter(wasTooMuch).map(({ tokens }) => tokens);
  if (refused.length === 0) return undefined;
  const enqueued = own.filter(({ state }) => state !== "ended").reduce((sum, { tokens }) => sum + tokens, 0);
  return Math.floor(Math.min(...refused) / 2) - enqueued;
}

/** Begins to look after the batches of a store's runs, until it is stopped. */
export function startCoordinator(parts: CoordinatorParts): BatchCoordinator {
  const { sql, client, onProblem, clock = Date.now, wait = waitOut } = parts;
  let isQueued = false;
  const requeue: Leading["requeue"] = async (tx, conversationIds) => {
    await parts.requeue(tx, conversationIds);
    if (conversationIds.length > 0) isQueued = true;
  };
  const timing = { ...WAVE_TIMING, ...parts.timing };
  const token = crypto.randomUUID();
  const stopping = new AbortController();
  const patience = createPatience(timing, clock);
  const led = new Set<string>();
  /** Asked after because the store said that their end was told of: once, whatever came of it. */
  const heard = new Set<string>();
  let nap = new AbortController();
  const { signal = new AbortController().signal } = parts;

  async function poll(leading: Leading, batch: StoredBatch, isCancelled: boolean): Promise<void> {
    const { id, providerId } = batch;
    if (providerId === undefined) return;
    const isTold = isOver(batch) && !heard.has(id);
    if (isTold) heard.add(id);
    if (!(isTold || patience.isDue(id))) return;
    patience.later(id);
    let provider: ProviderBatch;
    try {
      provider = await client.retrieve(providerId, signal);
    } catch (error) {
      if (parts.isOffline && isUnknown(error)) return await sendAgain(leading, batch);
      throw error;
    }
    if (isCancelled && isCancellable(provider)) provider = await client.cancel(providerId, signal);
    if (!isOver(provider)) {
      heard.delete(id);
      const { status, completed, failed } = provider;
      if (status !== batch.status || completed !== batch.completed || failed !== batch.failed)
        await change(leading, id, { status, completed, failed });
      return;
    }
    if (provider.status === "failed") await giveUp(leading, batch, provider.problems);
    else {
      // Money and room are free again.
      patience.forget(leading.runId);
      await collect(leading, batch, { provider, isCancelled });
    }
    patience.forget(id);
    heard.delete(id);
    if (provider.status === "failed") return;
    for (const file of [provider.inputFileId, provider.outputFileId, provider.errorFileId])
      if (file !== undefined)
        await client.remove(file, signal).catch((error: unknown) => leftBehind(leading, error));
  }

  /** A file that stays is no reason to do anything again. */
  function leftBehind({ tell }: Leading, cause: unknown): void {
    const reason = messageOf(cause);
    const message = `A file of a batch could not be deleted at the provider: ${reason} It expires by itself.`;
    tell(new DramatisError("run-failed", message, { cause }));
  }

  /** What an offline server had is gone with it: its requests wait as if they had never been sent. */
  async function sendAgain(leading: Leading, { id }: StoredBatch): Promise<void> {
    const { runId } = leading;
    patience.forget(runId);
    const problem = "unknown: its offline server is no more";
    await change(leading, id, { state: "ended", problem }, (tx) => unassign(tx, { runId, batchId: id }));
  }

  async function advance(leading: Leading, batch: StoredBatch, isCancelled: boolean): Promise<void> {
    const { id } = batch;
    if (batch.state === "created") return await poll(leading, batch, isCancelled);
    if (isCancelled && batch.state !== "creating") {
      const { runId } = leading;
      return await change(leading, id, { state: "ended", problem: "cancelled: before it was made" }, (tx) =>
        unassign(tx, { runId, batchId: id }),
      );
    }
    if (!patience.isDue(id)) return;
    patience.later(id);
    const sent = await sendBatch(leading, batch, timing.settleMs);
    if (sent.as === "in-doubt") return;
    patience.forget(id);
    if (sent.as === "refused") {
      // Of an offline server that is no more; refused for what is in it, it is refused once more.
      if (parts.isOffline && batch.fileId !== undefined) return await sendAgain(leading, batch);
      const { providerCode: code = "refused", message } = sent.error;
      return await giveUp(leading, batch, [{ code, message, line: undefined }]);
    }
    const { id: providerId, status } = sent.batch;
    await change(leading, id, { state: "created", providerId, status });
  }

  async function closeWave(leading: Leading, batches: readonly StoredBatch[]): Promise<void> {
    const { runId } = leading;
    await asCoordinator(sql, leading, async (tx) => {
      const { leftNanoUsd, heldNanoUsd } = await outlookOf(tx, runId);
      const lines = await waitingLines(tx, runId);
      const { files, hopeless } = planOfWave(lines, {
        leftNanoUsd,
        heldNanoUsd,
        tokensLeft: (model) => tokensLeft(batches, model),
      });
      if (files.length > 0)
        await planWave(
          tx,
          runId,
          files.map((file) => ({ id: crypto.randomUUID(), ...file, isOffline: parts.isOffline })),
        );
      if (hopeless.length > 0) await requeue(tx, await dropLines(tx, runId, hopeless));
      // What waits for money or room waits for a batch to end.
      if (files.length === 0 && hopeless.length === 0) patience.later(runId);
      else patience.forget(runId);
    });
  }

  async function dropWaiting(leading: Leading): Promise<void> {
    const { runId } = leading;
    await asCoordinator(sql, leading, async (tx) => {
      const lines = await waitingLines(tx, runId);
      await requeue(
        tx,
        await dropLines(
          tx,
          runId,
          lines.map(({ customId }) => customId),
        ),
      );
    });
  }

  /** Everything that can be done for a run now. What goes wrong with one batch keeps no other from going on. */
  async function step(runId: string): Promise<void> {
    const leading: Leading = {
      ...{ sql, client, requeue, runId, token, signal },
      tell: (error) => told(runId, error),
    };
    if (!led.has(runId) && !(await lead(sql, leading))) return;
    led.add(runId);
    const before = await outlookOf(sql, runId);
    const { isCancelled } = before;
    const open = await batchesOf(sql, { runId, isOpen: true });
    const tried = await Promise.allSettled(open.map((batch) => advance(leading, batch, isCancelled)));
    for (const one of tried) if (one.status === "rejected") told(runId, one.reason);
    // What batches brought lets conversations go on.
    const outlook = open.length === 0 ? before : await outlookOf(sql, runId);
    if (outlook.waiting.requests === 0 || stopping.signal.aborted) return;
    if (isCancelled) return await dropWaiting(leading);
    if (isDue(outlook, timing) && patience.isDue(runId))
      await closeWave(leading, await batchesOf(sql, { runId }));
  }

  function told(runId: string, error: unknown): void {
    if (stopping.signal.aborted) return;
    if (error instanceof DramatisError && error.code === "lease-lost") led.delete(runId);
    else onProblem(runId, error);
  }

  /** False: nothing goes by batch. */
  async function look(): Promise<boolean> {
    const all = await runsInBatches(sql);
    const runs = parts.runId === undefined ? all : all.filter((runId) => runId === parts.runId);
    for (const runId of led) {
      if (runs.includes(runId)) continue;
      led.delete(runId);
      await resign(sql, { runId, token });
    }
    await Promise.all(runs.map((runId) => step(runId).catch((error: unknown) => told(runId, error))));
    if (isQueued) parts.onQueued?.();
    isQueued = false;
    return runs.length > 0;
  }

  /** By a clock of its own: a file may take longer than a leader may be silent. */
  const renewal = setInterval(() => {
    for (const runId of led) {
      lead(sql, { runId, token })
        .then((isStill) => isStill || led.delete(runId))
        .catch((error: unknown) => told(runId, error));
    }
  }, RENEW_MS);

  async function follow(): Promise<void> {
    for (let pauseMs = timing.lookMs; !stopping.signal.aborted; ) {
      const isBusy = await look().catch((error: unknown) => told(parts.runId ?? "", error));
      pauseMs = isBusy ? timing.lookMs : Math.max(timing.lookMs, laterPause(pauseMs, MOST_IDLE_MS));
      // Woken before it sleeps, it does not.
      await wait(pauseMs, nap.signal).catch(() => undefined);
      nap = new AbortController();
    }
    clearInterval(renewal);
    for (const runId of led)
      await resign(sql, { runId, token }).catch((error: unknown) => onProblem(runId, error));
  }

  const following = follow();
  return {
    wake: () => nap.abort(),
    async stop() {
      stopping.abort();
      nap.abort();
      await following;
    },
  };
}
