/**
 * A conversation's requests go into batches: each is put aside, and what a batch brought of it is given to whoever asks for it the
 * next time. Meanwhile nobody holds the conversation.
 */
import { DramatisError } from "../../domain/errors.ts";
import { formatUsd } from "../../domain/money.ts";
import { park } from "../../store/batch-lines.ts";
import type { Funds, Holder, KeptRequest, RequestId } from "../../store/requests.ts";
import type { Sql } from "../../store/sql.ts";
import { affordable, notSent } from "../affordable.ts";
import type { Reservation } from "../budget.ts";
import type { Completion, Exchange } from "../exchange.ts";
import { failedAttempt } from "../failed-attempt.ts";
import { ModelError } from "../model-error.ts";
import type { KeptFailure, Outcome } from "../recording/outcome.ts";
import { tellAtOnce } from "../told-at-once.ts";
import { customIdOf, lineBody, lineBytes } from "./batch-line.ts";

export interface ParkingParts {
  sql: Sql;
  holder: Holder;
  funds: Funds;
  /** Further attempts of a request that a batch did not come to, or that failed in one. */
  maxRetries: number;
  /** Told before a request is put aside that has not been asked before. */
  onNew?: (() => void) | undefined;
  /** Told when a request waits; its answer comes to another process, or to a later call of this one. */
  onParked(exchange: Exchange): void;
}

/** A request of which the journal knows what was kept. */
export interface Parkable {
  exchange: Exchange;
  request: RequestId;
  known: KeptRequest | undefined;
  /** Closes the request with what it came to, in place of what was held for it. */
  reservationFor(outcome: Outcome | undefined): Reservation;
}

/** Rejects with the signal's reason. */
function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    else signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

export function createParking({ sql, holder, funds, maxRetries, onNew, onParked }: ParkingParts) {
  /** The bounds of attempts that may have been paid although nothing came of them. */
  const owed = ({ attempts }: Exchange) =>
    attempts.reduce(
      (sum, { mayBeBilled, costBoundNanoUsd = 0 }) => sum + (mayBeBilled ? costBoundNanoUsd : 0),
      0,
    );

  /** Refuses what neither the conversation nor the run can pay any more; what only waits for money is put aside. */
  async function boundOf(exchange: Exchange): Promise<number | undefined> {
    const { capNanoUsd, spentNanoUsd } = funds;
    const { spendableNanoUsd, model } = exchange;
    if (capNanoUsd === undefined && spendableNanoUsd === undefined)
      return await exchange.worstNanoUsd(Number.POSITIVE_INFINITY);
    const left = capNanoUsd === undefined ? Number.POSITIVE_INFINITY : capNanoUsd - spentNanoUsd;
    const coarse = await affordable(exchange, { owed: owed(exchange), sharedLeftNanoUsd: left });
    const worst = coarse > left ? ((await exchange.worstNanoUsd(0)) ?? coarse) : coarse;
    if (worst <= left) return worst;
    const cap = formatUsd(capNanoUsd ?? 0);
    const spent = `${formatUsd(spentNanoUsd)} of the shared ${cap} spent`;
    throw notSent("budget", model.id, `${spent}; the next request could cost ${formatUsd(worst)}.`);
  }

  async function putAside({ exchange, request }: Parkable): Promise<void> {
    onNew?.();
    exchange.signal?.throwIfAborted();
    const boundNanoUsd = await boundOf(exchange);
    const { conversation, turn } = exchange.labels;
    const attempt = exchange.attempts.length + 1;
    const customId = customIdOf({ ...request, conversation, turn, attempt });
    const body = lineBody(exchange.request);
    await park(sql, holder, {
      ...request,
      customId,
      attempts: exchange.attempts,
      body,
      bytes: lineBytes({ customId, body }),
      tokens: Math.max(0, (await exchange.tokens(false)) - exchange.maxOutputTokens),
      boundNanoUsd,
    });
  }

  /** What a batch brought was not asked for before it was brought. */
  async function failed({ exchange, known, reservationFor }: Parkable, failure: KeptFailure): Promise<void> {
    const { attempts, heldNanoUsd } = exchange;
    const isLast = !failure.isRetryable || attempts.length >= maxRetries;
    const boundNanoUsd = failure.mayBeBilled ? heldNanoUsd : undefined;
    const sent = { ...exchange, isOffline: known?.isOffline ?? exchange.isOffline };
    const attempt = failedAttempt(sent, failure, {
      attempt: attempts.length + 1,
      waitMs: isLast ? undefined : 0,
      boundNanoUsd,
    });
    attempts.push(attempt);
    await reservationFor(isLast ? { failure } : undefined).settle(boundNanoUsd ?? 0);
    exchange.onAttempt?.(attempt);
    if (!isLast) return;
    const { code, message, ...fields } = failure;
    throw new ModelError(code, message, { model: exchange.model.id, ...fields });
  }

  return async function parked(parkable: Parkable): Promise<Completion> {
    const { exchange, known, reservationFor } = parkable;
    if (known?.state === "arrived") {
      const { completion, failure, requestId } = known.outcome as Outcome;
      exchange.heldNanoUsd = known.heldNanoUsd;
      if (completion !== undefined) {
        exchange.isAnswered = true;
        exchange.requestId = requestId;
        exchange.isOffline = known.isOffline;
        exchange.reservation = reservationFor({ completion, requestId });
        tellAtOnce(completion, exchange);
        return completion;
      }
      if (failure === undefined)
        throw new DramatisError("store-failed", "A request has arrived without an outcome.");
      await failed(parkable, failure);
    }
    if (known?.state !== "parked") await putAside(parkable);
    onParked(exchange);
    return await untilAborted(exchange.signal);
  };
}
