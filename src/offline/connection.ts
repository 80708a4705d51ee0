/** What lies between the server and one client: whether the client is still there, and how to break it off. */

import { setImmediate } from "node:timers/promises";

export interface Connection {
  /** Aborted when the client gave up. */
  readonly signal: AbortSignal;
  /**
   * Whether somebody still reads a body after the client gave up, and must be told. Behind a socket nobody does, and the
   * server there would print the error.
   */
  readonly hasReader: boolean;
  /** Breaks the connection before an answer; the handler returns what it gets here. */
  drop(): Response;
  /** Breaks it in the middle of a body. Rejects with what a reader gets, or ends the socket and never settles. */
  cut(): Promise<never>;
}

/** What `fetch` throws when a server closes the socket instead of answering. */
const connectionReset = () =>
  new TypeError("fetch failed", {
    cause: Object.assign(new Error("The offline server dropped the connection."), { code: "ECONNRESET" }),
  });

/** What a reader of a body gets when the socket closes halfway. */
const bodyBrokenOff = () =>
  new TypeError("terminated", {
    cause: Object.assign(new Error("The offline server cut the stream."), { code: "UND_ERR_SOCKET" }),
  });

/** Settles with `work`, or rejects with the signal's reason as soon as that is aborted. */
function orAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/**
 * Answers requests without a socket, with everything `fetch` promises about aborting and broken connections. Each
 * request gives the event loop a turn, as a socket would: timers, signals and other requests must not starve.
 */
export function inProcessFetch(
  handle: (request: Request, connection: Connection) => Response | Promise<Response>,
): typeof globalThis.fetch {
  return async (input, init) => {
    // The signal is kept out of the Request: a derived one costs more than the whole call.
    const { signal: given, ...rest } = init ?? {};
    const signal = given ?? (input instanceof Request ? input.signal : new AbortController().signal);
    signal.throwIfAborted();
    let isDropped = false;
    const drop = () => {
      isDropped = true;
      return new Response(null);
    };
    const cut = () => Promise.reject<never>(bodyBrokenOff());
    await setImmediate();
    signal.throwIfAborted();
    const request = new Request(input, rest);
    // No server is asked for these; the official client fetches one before its first upload, to learn what fetch takes.
    if (request.url.startsWith("data:")) return await globalThis.fetch(request);
    const answer = Promise.resolve(handle(request, { signal, hasReader: true, drop, cut }));
    const response = await orAborted(answer, signal);
    if (isDropped) throw connectionReset();
    return response;
  };
}
