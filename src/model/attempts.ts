/**
 * Watches the attempts of a request. The SDK retries below LangChain's callbacks, so an attempt that was sent, perhaps
 * paid, and lost on the way is seen only here, at fetch.
 */
import { AsyncLocalStorage } from "node:async_hooks";

export interface Attempts {
  /** Sent and not rejected: whether or not an answer arrived, a provider may bill them. */
  owed: number;
  /** How many may be owed at most before the next one could pass the budget. */
  readonly allowed: number;
  /** Set when the next attempt was not sent because of that. */
  isOverBudget: boolean;
}

export const noAttempts = (allowed: number): Attempts => ({ owed: 0, allowed, isOverBudget: false });

const current = new AsyncLocalStorage<Attempts>();

/** Stands in for an attempt the budget does not allow; the SDK does not send again what came back with this header. */
const overBudget = () =>
  Response.json(
    { error: { message: "An answer was lost; sending again could pass the budget." } },
    { status: 402, headers: { "x-should-retry": "false" } },
  );

/** Whether a status may hide an answer that was generated, billed, and lost between the provider and us. */
const mayBeBilled = (status: number) => status < 400 || status === 408 || (status >= 502 && status !== 503);

/** Codes of connections that were never made, so nothing was sent and nothing is owed. */
const NEVER_SENT: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Whether an error, or what caused it, is a connection that was never made. */
function wasNeverSent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && NEVER_SENT.has(error.code)) return true;
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(wasNeverSent);
  return wasNeverSent(error.cause);
}

/** An error's body is a few lines; the SDK reads it without a limit of time or size. */
const ERROR_BODY = { timeoutMs: 10_000, bytes: 65_536 };
const NOT_MODIFIED = 304;

/** The beginning of a body, as much as arrives in time. */
async function beginningOf(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader();
  const timer = setTimeout(() => void reader.cancel(), ERROR_BODY.timeoutMs);
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    while (bytes < ERROR_BODY.bytes) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      text += decoder.decode(value, { stream: true });
    }
    return text;
  } finally {
    clearTimeout(timer);
    await reader.cancel();
  }
}

/** The same answer with a body that is known to end. */
async function withEndingBody({ status, headers, body }: Response): Promise<Response> {
  const text = body === null || status === NOT_MODIFIED ? null : await beginningOf(body);
  return new Response(text, { status, headers });
}

/**
 * A fetch that counts the attempts of whoever `watchAttempts` is running. It follows no redirect, which would carry the
 * prompt to another host, and reads no more of an error than its beginning.
 */
export const watchedFetch =
  (fetch: typeof globalThis.fetch = globalThis.fetch): typeof globalThis.fetch =>
  async (input, init) => {
    const attempts = current.getStore() ?? noAttempts(Number.POSITIVE_INFINITY);
    if (attempts.owed >= attempts.allowed) {
      attempts.isOverBudget = true;
      return overBudget();
    }
    attempts.owed += 1;
    try {
      const response = await fetch(input, { ...init, redirect: "manual" });
      if (!mayBeBilled(response.status)) attempts.owed -= 1;
      return response.ok ? response : await withEndingBody(response);
    } catch (error) {
      if (wasNeverSent(error)) attempts.owed -= 1;
      throw error;
    }
  };

/** Runs the work of one request; `attempts` is filled in as it goes. */
export const watchAttempts = <T>(attempts: Attempts, work: () => Promise<T>): Promise<T> =>
  current.run(attempts, work);
