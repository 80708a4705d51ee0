/**
 * Watches the attempts of a request. The SDK retries below LangChain's callbacks, so an attempt that was sent, perhaps
 * paid, and lost on the way is seen only here, at fetch.
 */
import { AsyncLocalStorage } from "node:async_hooks";

export interface Attempts {
  /** Sent, and no answer came: a provider may have billed them. */
  lost: number;
  /** Whether the latest attempt was such a one. */
  isLatestLost: boolean;
  /** How many may be lost at most before the next one could pass the budget. */
  allowed: number;
}

export const freshAttempts = (allowed: number): Attempts => ({ lost: 0, isLatestLost: false, allowed });

/** Code of the answer that stands in for an attempt the budget does not allow. */
export const BUDGET_CODE = "dramatis_budget";

/** The SDK does not send again what came back with this header. */
const overBudget = () =>
  Response.json(
    {
      error: {
        message: "An answer was lost; sending again could pass the budget.",
        type: "budget",
        code: BUDGET_CODE,
      },
    },
    { status: 402, headers: { "x-should-retry": "false" } },
  );

const current = new AsyncLocalStorage<Attempts>();

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

/** A fetch that notes lost attempts for whoever `watchAttempts` is running. */
export const watchedFetch =
  (fetch: typeof globalThis.fetch = globalThis.fetch): typeof globalThis.fetch =>
  async (input, init) => {
    const attempts = current.getStore() ?? freshAttempts(Number.POSITIVE_INFINITY);
    attempts.isLatestLost = false;
    if (attempts.lost >= attempts.allowed) return overBudget();
    try {
      return await fetch(input, init);
    } catch (error) {
      if (!wasNeverSent(error)) {
        attempts.lost += 1;
        attempts.isLatestLost = true;
      }
      throw error;
    }
  };

/** Runs the work of one request; `attempts` is filled in as it goes. */
export const watchAttempts = <T>(attempts: Attempts, work: () => Promise<T>): Promise<T> =>
  current.run(attempts, work);
