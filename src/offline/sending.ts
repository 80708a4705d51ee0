/** How an answer leaves: whole, as a stream, late, broken off, or not at all. */
import { defaultBody, quotaExceeded, resourceUnavailable } from "./api-error.ts";
import type { Connection } from "./connection.ts";
import type { Pace } from "./pace.ts";
import type { ChatRequest, Completion } from "./protocol.ts";
import type { RateHeaders, RateLimiter } from "./rate-limit.ts";
import type { BilledAnswer, UnbilledAnswer } from "./script.ts";
import { type BodyOptions, bodyInPieces, serverSentEvents } from "./stream.ts";
import { formatChunks, formatCompletion } from "./wire-format.ts";

/** Settles when the client gives up, with the reason that it gave. */
function untilGivenUp({ signal }: Connection): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = () => reject(new DOMException("The client gave up.", "AbortError"));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** Milliseconds a scripted 429 tells to wait unless its step says. */
const WAIT_MS = 1000;

export interface UnbilledSending {
  answer: UnbilledAnswer;
  model: string;
  limiter: RateLimiter;
  connection: Connection;
}

/** Answers for which nothing was generated. */
export async function sendUnbilled({
  answer,
  model,
  limiter,
  connection,
}: UnbilledSending): Promise<Response> {
  switch (answer.kind) {
    case "status": {
      const body = answer.body ?? defaultBody(answer.status);
      const headers = { "content-type": "application/json", ...answer.headers };
      const text = typeof body === "string" ? body : JSON.stringify(body);
      return new Response(text, { status: answer.status, headers });
    }
    case "rate-limited":
      throw limiter.pretendRejection(model, answer.waitMs ?? WAIT_MS, answer.headers ?? "all");
    case "quota":
      throw quotaExceeded();
    case "resource-unavailable":
      throw resourceUnavailable();
    case "drop":
      return connection.drop();
    case "hang":
      return await untilGivenUp(connection);
  }
}

/** Chunked from the first byte: the server behind the port would otherwise hold small answers back. */
const CHUNKED = { "transfer-encoding": "chunked" };
const EVENTS = {
  ...CHUNKED,
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
};
const JSON_IN_PIECES = { ...CHUNKED, "content-type": "application/json" };
/** Pieces of a whole answer whose body is slow. */
const SLOW_PIECES = 8;

function inEqualPieces(text: string, count: number): string[] {
  const characters = [...text];
  const size = Math.max(1, Math.ceil(characters.length / count));
  const starts = Array.from({ length: Math.ceil(characters.length / size) }, (_, index) => index * size);
  return starts.map((start) => characters.slice(start, start + size).join(""));
}

export interface Sending {
  completion: Completion;
  request: ChatRequest;
  /** What a script or a fault wants, beyond the completion. */
  step: BilledAnswer | undefined;
  headers: RateHeaders;
  connection: Connection;
  pace: Pace;
}

function sendStream({ completion, request, step, headers, connection, pace }: Sending): Response {
  const chunks = [...formatChunks(completion, request.stream_options)];
  const perChunkMs = (pace.tokenMs * completion.usage.outputTokens) / chunks.length;
  const slowMs = step?.kind === "slow-body" ? step.durationMs / chunks.length : 0;
  const pauseMs = (index: number) => slowMs + (index === 0 ? pace.firstTokenMs : perChunkMs);
  const isPaced = slowMs + perChunkMs + pace.firstTokenMs > 0;
  const options: BodyOptions = {
    connection,
    cutAfter: step?.kind === "cut-stream" ? step.afterChunks : undefined,
    pacing: isPaced ? { pauseMs, delay: pace.delay } : undefined,
  };
  const body = bodyInPieces(serverSentEvents(chunks), options);
  return new Response(body, { headers: { ...headers, ...EVENTS } });
}

function sendSlowly(durationMs: number, { completion, headers, connection, pace }: Sending): Response {
  const pieces = inEqualPieces(JSON.stringify(formatCompletion(completion)), SLOW_PIECES);
  const pacing = { pauseMs: () => durationMs / pieces.length, delay: pace.delay };
  const body = bodyInPieces(pieces, { connection, pacing });
  return new Response(body, { headers: { ...headers, ...JSON_IN_PIECES } });
}

/** Sends a finished, paid-for completion. */
export async function send(sending: Sending): Promise<Response> {
  const { completion, request, step, headers, connection } = sending;
  if (step?.kind === "hang") return await untilGivenUp(connection);
  if (step?.kind === "drop") return connection.drop();
  if (request.stream === true) return sendStream(sending);
  if (step?.kind === "cut-stream") return connection.drop();
  if (step?.kind === "slow-body") return sendSlowly(step.durationMs, sending);
  return Response.json(formatCompletion(completion), { headers });
}
