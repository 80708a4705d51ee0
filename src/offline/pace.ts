/** How long answers take: before they begin, and, for streams, from chunk to chunk. */
import { setTimeout } from "node:timers/promises";
import { DramatisError } from "../domain/errors.ts";
import { randomShare } from "../domain/random.ts";
import type { ChatRequest } from "./protocol.ts";

/**
 * Milliseconds before an answer begins: always the same; from `ms` to `ms + jitterMs`, by seed and order of the
 * requests; or whatever a function says of a request and its number, from 1.
 */
export type Latency =
  | number
  | { ms: number; jitterMs: number; seed?: number | undefined }
  | ((request: ChatRequest, number: number) => number);

/** Waits; rejects with the signal's reason as soon as that is aborted. */
export type Delay = (milliseconds: number, signal: AbortSignal) => Promise<void>;

export interface PaceOptions {
  /** Default 0. */
  latencyMs?: Latency | undefined;
  /** For streams, milliseconds from the headers to the first chunk; default 0. */
  firstTokenMs?: number | undefined;
  /** For streams, milliseconds a token of the output takes, those of the reasoning too; default 0. */
  tokenMs?: number | undefined;
  /** Default: real time. */
  delay?: Delay | undefined;
}

export interface Pace {
  /** Of the next request. */
  latencyMs(request: ChatRequest): number;
  readonly firstTokenMs: number;
  readonly tokenMs: number;
  readonly delay: Delay;
  /** Begins again with the first request. */
  clear(): void;
}

const inRealTime: Delay = (milliseconds, signal) => setTimeout(milliseconds, undefined, { signal });

function latencyOf(latency: Latency): (request: ChatRequest, number: number) => number {
  if (typeof latency === "function") return latency;
  if (typeof latency === "number") return () => latency;
  const { ms, jitterMs, seed = 0 } = latency;
  return (_, number) => ms + jitterMs * randomShare(seed, number, "latency");
}

function checkTimes(times: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(times)) {
    if (value >= 0) continue;
    throw new DramatisError("invalid-argument", `${name}: expected milliseconds of 0 or more, got ${value}.`);
  }
}

/** Throws DramatisError `invalid-argument`. */
export function createPace(options: PaceOptions): Pace {
  const { latencyMs = 0, firstTokenMs = 0, tokenMs = 0, delay = inRealTime } = options;
  checkTimes({ firstTokenMs, tokenMs });
  if (typeof latencyMs === "number") checkTimes({ latencyMs });
  if (typeof latencyMs === "object") {
    checkTimes({ "latencyMs.ms": latencyMs.ms, "latencyMs.jitterMs": latencyMs.jitterMs });
  }
  const latency = latencyOf(latencyMs);
  let number = 0;
  return {
    latencyMs(request) {
      number += 1;
      return latency(request, number);
    },
    firstTokenMs,
    tokenMs,
    delay,
    clear() {
      number = 0;
    },
  };
}
