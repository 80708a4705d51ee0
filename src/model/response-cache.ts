/**
 * Answers a request that was answered before without sending it, and sends requests that come at the same time once.
 * Opt-in. Only whole good answers are kept, under a digest of what decides them; nothing of an API key is.
 */
import { withoutKey } from "../domain/secrets.ts";
import type { SentTier } from "../domain/usage.ts";
import { completionSchema } from "./completion-schema.ts";
import type { Completion, Exchange, Send } from "./exchange.ts";
import { decidingParameters, digestOf } from "./request-digest.ts";
import { tellAtOnce } from "./told-at-once.ts";

/** Where answers are kept. What `get` returns is the caller's own; what fails, or is no completion, is taken for a miss. */
export interface ResponseCache {
  /** May wait for an answer that somebody else is about to keep, until the signal aborts. */
  get(key: string, signal?: AbortSignal): Promise<Completion | undefined>;
  set(key: string, completion: Completion): Promise<void>;
  /** Told when a key that was missed will get no answer: whoever waits for it need not any longer. */
  giveUp?(key: string): Promise<void>;
}

export interface CacheParts {
  cache: ResponseCache;
  /** Where requests go: the same model's name may mean another model elsewhere. */
  server: string | undefined;
  /** Never kept, even when an answer repeats it. */
  apiKey: string;
}

/** An answer costs what it did at its own tier; a batch's requests name none, as those at standard need not. */
export const cacheKey = (
  request: Exchange["request"],
  { server, tier }: { server?: string | undefined; tier: SentTier },
): string => {
  const batch = tier === "batch" ? { tier } : {};
  return digestOf({ server, request: decidingParameters(request), ...batch });
};

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** Whether an answer is good for whoever asks again: whole, not refused, not filtered, and JSON where that was asked for. */
export function isKeepable(
  { choices }: Completion,
  { response_format: format }: Exchange["request"],
): boolean {
  const wantsJson = format !== undefined && format.type !== "text";
  return (
    choices.length > 0 &&
    choices.every(({ finish_reason: finish, message }) => {
      const { content, refusal, tool_calls: calls = [] } = message;
      if ((finish !== "stop" && finish !== "tool_calls") || refusal) return false;
      if (!content?.trim() && calls.length === 0) return false;
      if (wantsJson && content?.trim() && calls.length === 0 && !isJson(content)) return false;
      return calls.every((call) => call.type === "function" && isJson(call.function.arguments));
    })
  );
}

/** A promise's outcome, or the signal's reason as soon as it aborts. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) return leave();
    signal.addEventListener("abort", leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

export const withCache =
  ({ cache, server, apiKey }: CacheParts) =>
  (send: Send): Send => {
    /** Requests that are being answered; each tells its answer as JSON, or undefined when there is none to share. */
    const flights = new Map<string, Promise<string | undefined>>();

    function hit(exchange: Exchange, completion: Completion): Completion {
      exchange.fromCache = true;
      exchange.isAnswered = true;
      tellAtOnce(completion, exchange);
      return completion;
    }

    async function kept(key: string, signal: AbortSignal | undefined): Promise<Completion | undefined> {
      try {
        const found = await orAborted(cache.get(key, signal), signal);
        return completionSchema.safeParse(found).success ? found : undefined;
      } catch {
        signal?.throwIfAborted();
        return undefined; // A cache that fails costs money, but no conversation.
      }
    }

    async function keep(key: string, completion: Completion): Promise<void> {
      try {
        await cache.set(key, completion);
      } catch {
        // The answer is paid and good; that it could not be kept must not lose it.
      }
    }

    async function giveUp(key: string): Promise<void> {
      try {
        await cache.giveUp?.(key);
      } catch {
        // Whoever waits for it waits a little longer.
      }
    }

    async function lead(
      exchange: Exchange,
      key: string,
      land: (answer: string | undefined) => void,
    ): Promise<Completion> {
      // A copy as text, at once: whoever gets the answer may change it.
      let answer: string | undefined;
      let wasMissed = false;
      try {
        const found = await kept(key, exchange.signal);
        if (found !== undefined) {
          answer = JSON.stringify(found);
          return hit(exchange, found);
        }
        wasMissed = true;
        const completion = await send(exchange);
        if (isKeepable(completion, exchange.request)) {
          const shared = withoutKey(completion, apiKey);
          answer = JSON.stringify(shared);
          await keep(key, shared);
        }
        return completion;
      } finally {
        flights.delete(key);
        land(answer);
        if (wasMissed && answer === undefined) await giveUp(key);
      }
    }

    return async function answered(exchange) {
      const key = cacheKey(exchange.request, { server, tier: exchange.tier });
      for (;;) {
        exchange.signal?.throwIfAborted();
        const flight = flights.get(key);
        if (flight === undefined) {
          const { promise, resolve } = Promise.withResolvers<string | undefined>();
          flights.set(key, promise);
          return await lead(exchange, key, resolve);
        }
        const answer = await orAborted(flight, exchange.signal);
        if (answer !== undefined) return hit(exchange, JSON.parse(answer));
        // The request failed, for reasons that may be its sender's own: the first to notice sends it again.
      }
    };
  };
