/** When a wave is closed, and which of the requests that wait go into it, in which files. Pure. */
import type { WaitingLine } from "../../store/batch-lines.ts";
import type { Outlook } from "../../store/batches.ts";

/** Of one file; the Batch API's own limits (https://platform.openai.com/docs/guides/batch). */
export interface FileLimits {
  requests: number;
  bytes: number;
}

export const FILE_LIMITS: FileLimits = { requests: 50_000, bytes: 200_000_000 };

/** When waves are closed, and how often batches are asked after; all in milliseconds. */
export interface WaveTiming {
  /** Between two looks into the store. */
  lookMs: number;
  /** A wave is closed at the latest when a request has waited for so long. */
  mostWaitMs: number;
  /** Between two questions after a batch: the first, and the most; each further one is half as long again. */
  firstPollMs: number;
  mostPollMs: number;
  /** What was sent by a process that was killed, or is cut off, has arrived by then, or never does. */
  settleMs: number;
}

export const WAVE_TIMING: WaveTiming = {
  lookMs: 250,
  mostWaitMs: 600_000,
  firstPollMs: 1000,
  mostPollMs: 60_000,
  settleMs: 60_000,
};

/** Whether those that wait are to be sent: nobody can come any more, one has waited for long, or there is a file full of them. */
export const isDue = (
  { live, waiting }: Pick<Outlook, "live" | "waiting">,
  { mostWaitMs }: Pick<WaveTiming, "mostWaitMs">,
  limits: FileLimits = FILE_LIMITS,
): boolean =>
  waiting.requests > 0 &&
  (live === 0 ||
    waiting.oldestMs >= mostWaitMs ||
    waiting.requests >= limits.requests ||
    waiting.bytes >= limits.bytes);

export interface PlannedFile {
  model: string;
  customIds: string[];
  bytes: number;
  tokens: number;
}

export interface WavePlan {
  files: PlannedFile[];
  /** Requests that the cap can never hold, whatever becomes of those on their way. */
  hopeless: string[];
}

export interface WaveOptions {
  limits?: FileLimits | undefined;
  /** What may still be held; undefined: there is no cap. */
  leftNanoUsd: number | undefined;
  /** Held for requests on their way: it comes back in part. */
  heldNanoUsd: number;
  /** Prompt tokens of a model that may be enqueued now; undefined: nothing limits them. One request may always go alone. */
  tokensLeft(model: string): number | undefined;
}

/** Lines in their order, as many as the cap and the provider's limits let go; the others wait for the next wave. */
export function planOfWave(lines: readonly WaitingLine[], options: WaveOptions): WavePlan {
  const { limits = FILE_LIMITS, leftNanoUsd, heldNanoUsd, tokensLeft } = options;
  let left = leftNanoUsd ?? Number.POSITIVE_INFINITY;
  const files: PlannedFile[] = [];
  const open = new Map<string, PlannedFile>();
  const room = new Map<string, number | undefined>();
  const hopeless: string[] = [];
  for (const { customId, model, bytes, tokens, boundNanoUsd = 0 } of lines) {
    if (boundNanoUsd > left) {
      if (leftNanoUsd !== undefined && boundNanoUsd > leftNanoUsd + heldNanoUsd) hopeless.push(customId);
      continue;
    }
    if (!room.has(model)) room.set(model, tokensLeft(model));
    const tokenRoom = room.get(model);
    const file = open.get(model);
    if (tokenRoom !== undefined && tokens > tokenRoom && file !== undefined) continue;
    if (tokenRoom !== undefined && tokenRoom <= 0) continue;
    left -= boundNanoUsd;
    if (tokenRoom !== undefined) room.set(model, tokenRoom - tokens);
    const isFull =
      file !== undefined && (file.customIds.length >= limits.requests || file.bytes + bytes > limits.bytes);
    if (file === undefined || isFull) {
      const next = { model, customIds: [customId], bytes, tokens };
      open.set(model, next);
      files.push(next);
    } else {
      file.customIds.push(customId);
      file.bytes += bytes;
      file.tokens += tokens;
    }
  }
  return { files, hopeless };
}
