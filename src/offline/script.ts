/** What tests queue: the next answers, faults and delays. Each step applies to one acceptable request. */
import { DramatisError } from "../domain/errors.ts";
import type { ChatRequest } from "./protocol.ts";
import type { RejectionHeaders } from "./rate-limit.ts";

/** Sent as it is, whatever the request demanded; objects as their JSON text. */
export type ScriptedContent = string | Readonly<Record<string, unknown>>;

/** What happens. Everything that got as far as being generated is billed. */
export type ScriptedAnswer =
  | { kind: "content"; content: ScriptedContent }
  | { kind: "tool-calls"; calls: readonly { name: string; arguments: ScriptedContent }[] }
  | { kind: "refusal"; refusal: string }
  /** Cut off by the length limit; without `content`, half of what the generator writes. */
  | { kind: "length"; content?: ScriptedContent | undefined }
  | { kind: "content-filter"; content?: ScriptedContent | undefined }
  /** Ends in the middle of a JSON text, and yet with finish reason `stop`. */
  | { kind: "bad-json"; content?: string | undefined }
  | { kind: "empty" }
  /** Not billed. Without `body`, one that fits the status. */
  | { kind: "status"; status: number; headers?: Readonly<Record<string, string>> | undefined; body?: unknown }
  /** A 429 as the server's own rate limit sends it; `headers` default all, `waitMs` 1,000. Not billed. */
  | { kind: "rate-limited"; headers?: RejectionHeaders | undefined; waitMs?: number | undefined }
  /** The 429 that no retry cures. Not billed. */
  | { kind: "quota" }
  /** The 429 of the tier flex where there is no room at it. Not billed. */
  | { kind: "resource-unavailable" }
  /** The connection breaks before the answer; `billed` (default true): after it was generated. */
  | { kind: "drop"; billed?: boolean | undefined }
  /** No answer until the client gives up; `billed` (default false): although it was generated. */
  | { kind: "hang"; billed?: boolean | undefined }
  /**
   * The connection breaks after so many chunks, and at the latest before the closing `[DONE]`; for a request that does
   * not stream, at once.
   */
  | { kind: "cut-stream"; afterChunks: number; content?: ScriptedContent | undefined }
  /** A whole answer whose body takes at least so many milliseconds to arrive. */
  | { kind: "slow-body"; durationMs: number; content?: ScriptedContent | undefined };

/** Answers for which nothing is generated and nothing is billed. */
export type UnbilledAnswer =
  | Extract<ScriptedAnswer, { kind: "status" | "rate-limited" | "quota" | "resource-unavailable" }>
  | { kind: "drop"; billed: false }
  | { kind: "hang"; billed?: false | undefined };
export type BilledAnswer = Exclude<ScriptedAnswer, UnbilledAnswer>;

export function isUnbilled(answer: ScriptedAnswer): answer is UnbilledAnswer {
  switch (answer.kind) {
    case "status":
    case "rate-limited":
    case "quota":
    case "resource-unavailable":
      return true;
    case "drop":
      return answer.billed === false;
    case "hang":
      return answer.billed !== true;
    default:
      return false;
  }
}

/** What happens to one request. */
export type ScriptStep = ScriptedAnswer & {
  /** How often; default 1, `Infinity` for always. */
  times?: number | undefined;
  /** Applies only to requests it accepts; the others pass it by. */
  when?: ((request: ChatRequest) => boolean) | undefined;
  /** Added to the server's own latency. */
  latencyMs?: number | undefined;
};

/** The queue of what happens to the next requests. */
export interface Script {
  /** Queues steps. A request takes the first step in the queue that applies to it; without one, the generator answers. */
  next(...steps: readonly ScriptStep[]): void;
  /** Answers still queued: 0 when the script was used up. */
  readonly remaining: number;
  clear(): void;
}

export interface ScriptQueue extends Script {
  take(request: ChatRequest): ScriptStep | undefined;
}

export function createScript(): ScriptQueue {
  let queue: { step: ScriptStep; left: number }[] = [];
  return {
    next(...steps) {
      for (const step of steps) {
        const left = step.times ?? 1;
        if (!(left >= 1)) {
          const message = `Script step "${step.kind}": expected times of 1 or more, got ${left}; leave it out for once.`;
          throw new DramatisError("invalid-argument", message);
        }
        queue.push({ step, left });
      }
    },
    get remaining() {
      return queue.reduce((sum, { left }) => sum + left, 0);
    },
    clear() {
      queue = [];
    },
    take(request) {
      const entry = queue.find(({ step }) => step.when?.(request) ?? true);
      if (entry === undefined) return undefined;
      entry.left -= 1;
      if (entry.left < 1) queue = queue.filter((other) => other !== entry);
      return entry.step;
    },
  };
}
