/** Server-sent events: chunks as bytes, one event a pull, ending with `[DONE]` or with a broken connection. */
import type { Connection } from "./connection.ts";

/** @param cutAfter breaks the connection after so many events. */
export function eventStream(
  chunks: Iterable<unknown>,
  { signal, cut }: Connection,
  cutAfter = Number.POSITIVE_INFINITY,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const source = chunks[Symbol.iterator]();
  let sent = 0;
  let release: (() => void) | undefined;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const onAbort = () => controller.error(signal.reason);
        signal.addEventListener("abort", onAbort, { once: true });
        release = () => signal.removeEventListener("abort", onAbort);
      },
      async pull(controller) {
        if (sent >= cutAfter) {
          release?.();
          await cut();
        }
        sent += 1;
        const next = source.next();
        const event = next.done ? "[DONE]" : JSON.stringify(next.value);
        controller.enqueue(encoder.encode(`data: ${event}\n\n`));
        if (next.done) {
          release?.();
          controller.close();
        }
      },
      cancel: () => release?.(),
    },
    { highWaterMark: 0 },
  );
}
