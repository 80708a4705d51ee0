/** One live chat completion from its body to its response: check, count, limit, answer, send. */
import type { Answering } from "./answering.ts";
import type { Payer } from "./bill.ts";
import { outputLimit } from "./completion.ts";
import type { Connection } from "./connection.ts";
import type { FaultSource } from "./faults.ts";
import type { Pace } from "./pace.ts";
import type { ChatRequest } from "./protocol.ts";
import type { RateLimiter } from "./rate-limit.ts";
import type { OpenRecord } from "./request-log.ts";
import { isUnbilled, type ScriptedAnswer, type ScriptQueue } from "./script.ts";
import { send, sendUnbilled } from "./sending.ts";
import type { TrafficCounter } from "./traffic.ts";

export interface ChatParts {
  answering: Answering;
  clock: () => number;
  limiter: RateLimiter;
  script: ScriptQueue;
  faults: FaultSource;
  pace: Pace;
  traffic: TrafficCounter;
}

export interface Exchange {
  /** Parsed JSON. */
  body: unknown;
  record: OpenRecord;
  connection: Connection;
  payer: Payer;
}

/** Answers a request; throws `ApiError` for what the client did wrong. */
export type ChatHandler = (exchange: Exchange) => Promise<Response>;

/** What is to happen to one request beyond the usual; undefined: nothing. */
type Step = (ScriptedAnswer & { latencyMs?: number | undefined }) | undefined;

export function createChatHandler(parts: ChatParts): ChatHandler {
  const { answering, clock, limiter, script, faults, pace, traffic } = parts;

  /** The script wins; a fault that it overrules is used up all the same, so that the ones after it stay what they are. */
  const nextStep = (request: ChatRequest): Step => {
    const fault = faults.next(request);
    const step = script.take(request);
    if (step !== undefined || fault === undefined) return step;
    traffic.faulted(fault.kind);
    return fault.answer;
  };

  return async ({ body, record, connection, payer }) => {
    traffic.arrived();
    const accepted = answering.check(body);
    const { request, model } = accepted;
    record.promptCacheKey = request.prompt_cache_key;
    if (request.prompt_cache_key !== undefined) traffic.cacheKey();
    const counted = await answering.count(accepted);
    connection.signal.throwIfAborted();
    const asked = counted.prompt.tokens + (outputLimit(request) ?? 0);
    const headers = limiter.take(model.id, asked);
    traffic.counted(model.id, asked);

    const step = nextStep(request);
    const latencyMs = pace.latencyMs(request) + (step?.latencyMs ?? 0);
    const wait = () => (latencyMs > 0 ? pace.delay(latencyMs, connection.signal) : undefined);
    if (step !== undefined && isUnbilled(step)) {
      await wait();
      return sendUnbilled({ answer: step, model: model.id, limiter, connection });
    }

    // Charged before it is sent: the provider charges for what it wrote, whether or not anybody was still there.
    const { completion, costNanoUsd } = answering.write({
      counted,
      step,
      requestId: record.id,
      payer,
      now: clock(),
    });
    record.chargedNanoUsd = costNanoUsd;
    await wait();
    return send({ completion, request, step, headers, connection, pace });
  };
}
