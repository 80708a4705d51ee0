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
export function wasNeverSent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && NEVER_SENT.has(error.code)) return true;
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(wasNeverSent);
  return wasNeverSent(error.cause);
}

/**
 * A fetch that counts the attempts of whoever `watchAttempts` is running. It follows no redirect, which would carry the
 * prompt to another host, and gives up on bodies that do not end: `timeoutMs` holds for the whole of an attempt.
 */
export const watchedFetch =
  (timeoutMs: number, fetch: typeof globalThis.fetch = globalThis.fetch): typeof globalThis.fetch =>
  async (input, init) => {
    const attempts = current.getStore() ?? noAttempts(Number.POSITIVE_INFINITY);
    if (attempts.owed >= attempts.allowed) {
      attempts.isOverBudget = true;
      return overBudget();
    }
    attempts.owed += 1;
    try {
      const deadline = AbortSignal.timeout(timeoutMs + BODY_GRACE_MS);
      const signal = init?.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
      const response = await fetch(input, { ...init, signal, redirect: "manual" });
      if (!mayBeBilled(response.status)) attempts.owed -= 1;
      return response;
    } catch (error) {
      if (wasNeverSent(error)) attempts.owed -= 1;
      throw error;
    }
  };

/** The SDK's own timeout comes first where it works: it does not cover the body of an error. */
const BODY_GRACE_MS = 1000;

/** Runs the work of one request; `attempts` is filled in as it goes. */
export const watchAttempts = <T>(attempts: Attempts, work: () => Promise<T>): Promise<T> =>
  current.run(attempts, work);
