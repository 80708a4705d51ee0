/**
 * Sends a request until it is answered, or cannot be: the budget is held, the pace is kept, each attempt is timed,
 * classified, told of and put on the record, and what may help is tried again. The only layer that retries.
 */
import type { RequestFailure } from "../domain/errors.ts";
import type { SentTier } from "../domain/usage.ts";
import type { KeySource } from "../vault/find-key.ts";
import { affordable, notSent } from "./affordable.ts";
import { type Budget, type Reservation, sharedBudgetSpent } from "./budget.ts";
import type { Circuit } from "./circuit.ts";
import type { ChatRequest, Completion, Delta, Exchange, Send } from "./exchange.ts";
import { failedAttempt } from "./failed-attempt.ts";
import { ModelError, modelError, soundName } from "./model-error.ts";
import type { Carry } from "./network.ts";
import type { RequestObserver } from "./observer.ts";
import type { Limiter, Permit } from "./pace/limiter.ts";
import { backoffMs, NO_ROOM_RETRY, type RetrySettings } from "./retry.ts";
import { SERVICE_TIERS } from "./tier.ts";

export interface AttemptsParts {
  carry: Carry;
  /** Of one attempt. */
  timeoutMs(tier: SentTier): number;
  limiter: Limiter;
  /** Of a model: what fails for one may work for another. */
  circuitOf(model: string): Circuit;
  /** Shared by all conversations of the gateway. */
  budget: Budget | undefined;
  retry: RetrySettings;
  observer?: RequestObserver | undefined;
  apiKey: string;
  keySource?: KeySource | undefined;
  clock: () => number;
  /** Draws from [0, 1). */
  random: () => number;
  /** Rejects with the signal's reason. */
  wait(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

/** Failures that say something about the server, not about the request or the account. */
const SERVER_FAULTS: ReadonlySet<RequestFailure> = new Set(["timed-out", "unreachable", "server-error"]);

/** What came back and could not be read must still be counted. */
const unreadable = (model: string, cause: unknown) =>
  new ModelError(
    "server-error",
    `${model}: the server's answer could not be read. Check OPENAI_BASE_URL.`,
    { model, isRetryable: false, mayBeBilled: true },
    cause,
  );

/** As providers count against their limit: the real prompt, and the longest answer that was asked for. */
function countedTokens({ usage }: Completion, { maxOutputTokens }: Exchange): number | undefined {
  const input: unknown = usage?.prompt_tokens;
  return Number.isSafeInteger(input) && (input as number) >= 0
    ? (input as number) + maxOutputTokens
    : undefined;
}

/** The request as it is sent, at the fallback or not; what is kept of it stays as it was asked for. */
const requestOf = ({ request, tier, askedTier }: Exchange): ChatRequest =>
  tier === askedTier ? request : { ...request, service_tier: SERVICE_TIERS.standard };

/** What an attempt holds while it is under way. */
interface Admitted {
  reservation: Reservation | undefined;
  permit: Permit;
}

export function createAttempts(parts: AttemptsParts): Send {
  const { carry, limiter, retry, clock, wait } = parts;

  /** Holds the worst case of one more attempt, in the conversation's budget and the shared one. */
  async function hold(exchange: Exchange, owed: number): Promise<Reservation | undefined> {
    const { spendableNanoUsd, model, signal, budget = parts.budget } = exchange;
    if (spendableNanoUsd === undefined && budget === undefined) return undefined;
    const sharedLeftNanoUsd =
      budget === undefined
        ? Number.POSITIVE_INFINITY
        : budget.capNanoUsd - budget.spentNanoUsd - budget.heldNanoUsd;
    const worst = await affordable(exchange, { owed, sharedLeftNanoUsd });
    exchange.heldNanoUsd = worst;
    if (budget === undefined) return undefined;
    const reservation = await budget.reserve(worst, signal);
    if (reservation !== undefined) return reservation;
    // The bound was a coarse one, and others have spent what there was when it was made.
    const exact = (await exchange.worstNanoUsd(0)) ?? worst;
    const second = exact < worst ? await budget.reserve(exact, signal) : undefined;
    if (second === undefined) throw notSent("budget", model.id, sharedBudgetSpent(budget, exact));
    exchange.heldNanoUsd = exact;
    return second;
  }

  async function throughCircuit(circuit: Circuit, { model, signal }: Exchange, until: number): Promise<void> {
    for (;;) {
      const ms = circuit.admit(clock());
      if (ms === 0) return;
      if (clock() + ms > until) {
        const detail = `${model.id}: the server keeps failing, and nothing is sent to it for now. Try again later.`;
        throw new ModelError("server-error", detail, {
          model: model.id,
          isRetryable: true,
          mayBeBilled: false,
        });
      }
      await wait(ms, signal);
    }
  }

  /** Leave to send one more attempt: what it may cost is held, and its turn has come. */
  async function admitted(exchange: Exchange, owed: number): Promise<Admitted> {
    const { model, labels, priority, signal } = exchange;
    const reservation = await hold(exchange, owed);
    try {
      const isExact = limiter.limitsOf(model.id).tokensPerMinute !== undefined;
      const tokens = await exchange.tokens(isExact);
      const { conversation } = labels;
      const permit = await limiter.acquire({ model: model.id, tokens, conversation, priority, signal });
      try {
        await exchange.beforeSend?.();
      } catch (error) {
        permit.settle({ tokens: 0 });
        throw error;
      }
      return { reservation, permit };
    } catch (error) {
      await reservation?.settle(0);
      throw error;
    }
  }

  /** What an attempt that was sent came to, where it came to nothing; undefined: it was broken off. */
  function errorOf(thrown: unknown, { model, signal }: Exchange): ModelError | undefined {
    if (signal?.aborted) return undefined;
    const attempted = { model: model.id, key: parts.apiKey, keySource: parts.keySource, now: clock() };
    return modelError(thrown, attempted) ?? unreadable(model.id, thrown);
  }

  /** What the failed attempt means for everybody else. */
  function report(error: ModelError | undefined, circuit: Circuit, permit: Permit): void {
    if (error !== undefined && SERVER_FAULTS.has(error.code)) circuit.failed(clock());
    else circuit.unknown();
    if (error?.code === "rate-limited")
      permit.rejected({ retryAfterMs: error.retryAfterMs, headers: error.headers });
    else permit.settle({ headers: error?.headers });
  }

  async function untilAnswered(
    exchange: Exchange,
    time: { startedAt: number | undefined },
  ): Promise<Completion> {
    const { model, labels, signal, onDelta } = exchange;
    const circuit = parts.circuitOf(model.id);
    /** Bounds of attempts that may have been paid although nothing came of them. */
    let owed = 0;
    const until = () =>
      time.startedAt === undefined ? Number.POSITIVE_INFINITY : time.startedAt + exchange.deadline.leftMs;

    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      // The pause of a failing server is the turn's own time: where every probe fails, it would never end.
      if (circuit.isOpen) time.startedAt ??= clock();
      await throughCircuit(circuit, exchange, until());
      const { reservation, permit } = await admitted(exchange, owed).catch((error: unknown) => {
        circuit.unknown();
        throw error;
      });
      const sentAt = clock();
      time.startedAt ??= sentAt;
      const over = (problem: RequestFailure | undefined) =>
        parts.observer?.onAttempt?.({
          model: model.id,
          purpose: labels.purpose,
          ms: Math.max(0, clock() - sentAt),
          waitedMs: permit.waitedMs,
          problem,
        });
      try {
        const told = onDelta && ((delta: Omit<Delta, "attempt">) => onDelta({ ...delta, attempt }));
        const { completion, headers } = await carry(requestOf(exchange), {
          signal,
          onDelta: told,
          timeoutMs: parts.timeoutMs(exchange.tier),
        });
        over(undefined);
        circuit.succeeded();
        permit.settle({ tokens: countedTokens(completion, exchange), headers });
        exchange.reservation = reservation;
        exchange.isAnswered = true;
        exchange.requestId = soundName(headers.get("x-request-id"), parts.apiKey);
        return completion;
      } catch (thrown) {
        const error = errorOf(thrown, exchange);
        over(error?.code ?? "aborted");
        report(error, circuit, permit);
        // What is broken off after it was sent may be paid all the same.
        const mayBeBilled = error?.mayBeBilled ?? true;
        const bound = mayBeBilled
          ? (exchange.heldNanoUsd ?? (await exchange.worstNanoUsd(Number.POSITIVE_INFINITY)))
          : undefined;
        owed += bound ?? 0;

        const fallback = fallbackOf(error, exchange);
        const waitMs = fallback === undefined ? error && nextWait(error, attempt, until()) : 0;
        const failure = error ?? { code: "aborted" as const, mayBeBilled };
        const failed = failedAttempt(exchange, failure, { attempt, waitMs, boundNanoUsd: bound });
        exchange.attempts.push(failed);
        await reservation?.settle(bound ?? 0);
        exchange.onAttempt?.(failed);
        if (waitMs === undefined) throw error ?? thrown;
        exchange.tier = fallback ?? exchange.tier;
        if (waitMs > 0) await wait(waitMs, signal);
      }
    }
  }

  return async function send(exchange: Exchange): Promise<Completion> {
    const time: { startedAt: number | undefined } = { startedAt: undefined };
    try {
      return await untilAnswered(exchange, time);
    } finally {
      if (time.startedAt !== undefined) exchange.deadline.leftMs -= clock() - time.startedAt;
    }
  };

  /** The tier at which it is sent instead. Undefined: there is none, or none is needed. */
  function fallbackOf(error: ModelError | undefined, { tier, tierFallback }: Exchange): SentTier | undefined {
    return error?.code === "tier-unavailable" && tier !== tierFallback ? tierFallback : undefined;
  }

  /** Milliseconds until the next attempt; undefined: there is none. A limit's pause is kept by the limiter, for all. */
  function nextWait(error: ModelError, attempt: number, until: number): number | undefined {
    if (!error.isRetryable || attempt > retry.maxRetries) return undefined;
    if (error.code === "rate-limited") {
      return clock() + (error.retryAfterMs ?? 0) > until ? undefined : 0;
    }
    const pauses = error.code === "tier-unavailable" ? NO_ROOM_RETRY : retry;
    const ms = Math.max(error.retryAfterMs ?? 0, backoffMs(attempt, parts.random(), pauses));
    return clock() + ms > until ? undefined : ms;
  }
}
