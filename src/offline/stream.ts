/** A body in pieces, one a pull, each when it is due, that ends or that breaks off with the connection. */
import type { Connection } from "./connection.ts";
import type { Delay } from "./pace.ts";

export interface Pacing {
  /** Milliseconds before a piece, by its index. */
  pauseMs: (index: number) => number;
  delay: Delay;
}

export interface BodyOptions {
  connection: Connection;
  /** Breaks the connection after so many pieces, and in any case before the last one. */
  cutAfter?: number | undefined;
  /** Default: no pauses. */
  pacing?: Pacing | undefined;
}

/** Server-sent events, without and with the end that a client waits for. */
export function* serverSentEvents(chunks: Iterable<unknown>): Generator<string> {
  for (const chunk of chunks) yield `data: ${JSON.stringify(chunk)}\n\n`;
  yield "data: [DONE]\n\n";
}

export function bodyInPieces(pieces: Iterable<string>, options: BodyOptions): ReadableStream<Uint8Array> {
  const { connection, cutAfter, pacing } = options;
  const { signal, cut } = connection;
  const encoder = new TextEncoder();
  const source = pieces[Symbol.iterator]();
  /** Ends a pause when nobody reads on. */
  const stopped = new AbortController();
  let next = source.next();
  let sent = 0;
  let release: (() => void) | undefined;

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const onAbort = () => {
          if (connection.hasReader) controller.error(signal.reason);
          else controller.close();
          stopped.abort(signal.reason);
        };
        signal.addEventListener("abort", onAbort, { once: true });
        release = () => signal.removeEventListener("abort", onAbort);
      },
      async pull(controller) {
        const pauseMs = pacing?.pauseMs(sent) ?? 0;
        if (pauseMs > 0) await pacing?.delay(pauseMs, stopped.signal);
        const piece = next.done ? "" : next.value;
        next = source.next();
        if (cutAfter !== undefined && (sent >= cutAfter || next.done)) {
          release?.();
          await cut();
        }
        sent += 1;
        controller.enqueue(encoder.encode(piece));
        if (next.done) {
          release?.();
          controller.close();
        }
      },
      cancel(reason) {
        release?.();
        stopped.abort(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
