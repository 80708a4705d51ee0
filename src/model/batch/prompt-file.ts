/** One file of prompts: sent, waited for and read. What becomes of it as a whole becomes of each of its lines, and is no exception. */
import { ModelError } from "../model-error.ts";
import type { KeptFailure, Outcome } from "../recording/outcome.ts";
import type { wait as waitOut } from "../wait.ts";
import type { BatchClient } from "./batch-client.ts";
import { lineText } from "./batch-line.ts";
import { cancelledOf, lost, refusal, unreadable, withoutResult } from "./batch-results.ts";
import { laterPause } from "./patience.ts";
import { isCancellable, isOver, OUR_ID, type ProviderBatch } from "./provider-batch.ts";

export interface PromptFile {
  model: string;
  lines: readonly { customId: string; body: string }[];
}

export interface PromptFileParts {
  client: BatchClient;
  signal: AbortSignal | undefined;
  metadata: Readonly<Record<string, string>>;
  /** Between two questions after the batch, in milliseconds; each is half as long again, up to a minute. */
  pollMs: number;
  /** Milliseconds since 1970. */
  clock: () => number;
  wait: typeof waitOut;
  /** What came of each line, by its id. */
  outcomes: Map<string, Outcome>;
  /** Told how the batch is, at every look; undefined: nothing more is known of it. */
  onLook(batch: Pick<ProviderBatch, "id" | "status"> | undefined): void;
  /** Told what costs no answer. */
  onProblem(error: unknown): void;
}

const MOST_POLL_MS = 60_000;
/** After a batch whose answer was lost: a minute and a quarter where the first pause is a second, which no call takes to arrive. */
const LOOKS = 10;

const later = (ms: number) => laterPause(Math.max(1, ms), MOST_POLL_MS);

/** What a line came to whose file could not be sent, followed or read. */
function brokenOff(
  error: unknown,
  { model, isAborted, mayBeBilled }: { model: string; isAborted: boolean; mayBeBilled: boolean },
): KeptFailure {
  if (error instanceof ModelError) {
    const { code, message, status, providerCode, requestId, isRetryable } = error;
    return { code, message, status, providerCode, requestId, isRetryable, mayBeBilled };
  }
  if (!isAborted) return { ...lost(model), mayBeBilled };
  const detail = mayBeBilled ? "its request may have been paid" : "its request was not sent";
  return { code: "aborted", message: `${model}: broken off; ${detail}.`, isRetryable: false, mayBeBilled };
}

/**
 * Resolves when every line has come to something.
 * @returns what kept the file from being sent, followed or read to its end, which its lines without an answer have failed with
 */
export async function holdPromptFile(
  { model, lines }: PromptFile,
  parts: PromptFileParts,
): Promise<{ reason: unknown } | undefined> {
  const { client, signal, metadata, clock, wait, outcomes, onLook, onProblem } = parts;
  const pollMs = Math.min(MOST_POLL_MS, parts.pollMs);
  const own = new Set(lines.map(({ customId }) => customId));
  /** Of what has no outcome yet. */
  let mayBeBilled = false;

  /** What was sent is paid, so its answers are asked for until they come, later and later; unless they are not wanted any more. */
  async function patiently<T>(ask: () => Promise<T>): Promise<T> {
    for (let ms = pollMs; ; ms = later(ms)) {
      try {
        return await ask();
      } catch (error) {
        if (signal?.aborted || !(error instanceof ModelError && error.isRetryable)) throw error;
        onProblem(error);
        await wait(ms, signal).catch(() => undefined);
      }
    }
  }

  /** Cancelled by whoever sent it, a prompt was broken off; by somebody else, it is said whose doing that may have been. */
  function explained(outcome: Outcome, batch: string): Outcome {
    const { failure } = outcome;
    if (failure?.code !== "batch-cancelled") return outcome;
    if (signal?.aborted) return { ...outcome, failure: { ...failure, code: "aborted" } };
    return {
      ...outcome,
      failure: cancelledOf(failure, { model, batch, next: "To have it made, send it again." }),
    };
  }

  function settleRest(failure: KeptFailure): void {
    for (const customId of own) if (!outcomes.has(customId)) outcomes.set(customId, { failure });
  }

  /** A break between two questions; where it is broken off, what follows is done at once, and afterwards in its time again. */
  const pause = (ms: number) => wait(ms, signal?.aborted ? undefined : signal).catch(() => undefined);

  /** A batch that may be there although its answer was lost, also to be cancelled; undefined: it is not, and will not come any more. */
  async function lookedFor(value: string, since: Date): Promise<ProviderBatch | undefined> {
    for (let look = 1, ms = pollMs; ; look += 1, ms = later(ms)) {
      const found = await patiently(() => client.find({ name: OUR_ID, value, since }));
      if (found !== undefined || look === LOOKS) return found;
      await pause(ms);
    }
  }

  async function sent(): Promise<{ inputFileId: string; batch: ProviderBatch }> {
    const id = crypto.randomUUID();
    const name = `dramatis-${id}.jsonl`;
    const since = new Date(clock());
    const inputFileId = await client.upload(name, [lines.map(lineText).join("")], signal);
    try {
      signal?.throwIfAborted();
      mayBeBilled = true;
      // Not broken off: a batch that nobody knows of could not be cancelled.
      const batch = await client.create({
        fileId: inputFileId,
        metadata: { ...metadata, kind: "prompts", [OUR_ID]: id },
      });
      return { inputFileId, batch };
    } catch (error) {
      if (error instanceof ModelError) ({ mayBeBilled } = error);
      if (mayBeBilled) {
        const batch = await lookedFor(id, since).catch(onProblem);
        if (batch !== undefined) {
          onProblem(error);
          return { inputFileId, batch };
        }
      } else await client.remove(inputFileId).catch(onProblem);
      throw error;
    }
  }

  async function followed(batch: ProviderBatch): Promise<ProviderBatch> {
    let now = batch;
    for (let ms = pollMs; !isOver(now); ms = later(ms)) {
      onLook(now);
      // Once it is cancelled, its end is waited for as that of any other.
      await pause(ms);
      const { id } = now;
      const isUnwanted = () => signal?.aborted && isCancellable(now);
      now = await patiently(() => (isUnwanted() ? client.cancel(id) : client.retrieve(id)));
    }
    return now;
  }

  /** @returns how many lines could not be read */
  async function read(fileId: string, batch: string): Promise<number> {
    let unread = 0;
    for await (const result of client.results({ fileId, model })) {
      if (result === undefined) unread += 1;
      else if (own.has(result.customId)) outcomes.set(result.customId, explained(result.outcome, batch));
    }
    return unread;
  }

  try {
    const { inputFileId, batch: created } = await sent();
    const batch = await followed(created);
    const { id, status, outputFileId, errorFileId, problems } = batch;
    let unread = 0;
    for (const file of [outputFileId, errorFileId])
      if (file !== undefined) unread += await patiently(() => read(file, id));
    if (unread > 0) onProblem(unreadable(unread));
    const [problem] = problems;
    const unanswered = unread > 0 ? lost(model) : withoutResult(model, status);
    const failure = problem === undefined ? unanswered : refusal(model, problem);
    settleRest(explained({ failure }, id).failure ?? failure);
    onLook(batch);
    for (const file of [inputFileId, outputFileId, errorFileId])
      if (file !== undefined) await client.remove(file).catch(onProblem);
    return undefined;
  } catch (reason) {
    const isAborted = signal?.aborted === true;
    // A mistake of ours is in no answer.
    if (!(reason instanceof ModelError || isAborted)) onProblem(reason);
    settleRest(brokenOff(reason, { model, isAborted, mayBeBilled }));
    onLook(undefined);
    return { reason };
  }
}
