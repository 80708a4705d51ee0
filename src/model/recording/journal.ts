/**
 * Keeps in a store what a conversation asks of models, so that it can run again from its start without a stored answer being
 * paid twice: a request is written down before it is sent, and its answer before it is used.
 */
import type { Attempt } from "../../domain/attempt.ts";
import type { SentTier } from "../../domain/usage.ts";
import {
  type Closing,
  type Funds,
  fundsOf,
  type Holder,
  hold,
  markSent,
  type RequestId,
  type RequestKey,
  settle,
  takeOver,
} from "../../store/requests.ts";
import type { Sql } from "../../store/sql.ts";
import { createParking, type ParkingParts } from "../batch/parking.ts";
import type { Budget, Reservation } from "../budget.ts";
import type { Exchange, Send } from "../exchange.ts";
import { wait as waitOut } from "../wait.ts";
import { digestOfKept, keptCompletion, keptRequest } from "./exchange-lines.ts";
import { answerFrom, keptFailure, keptTier, type Outcome } from "./outcome.ts";

/** What one conversation keeps. */
export interface Journal {
  /** At which its requests are sent; undefined: as they ask for. */
  readonly tier: SentTier | undefined;
  around(send: Send, apiKey: string): Send;
}

export interface JournalParts {
  sql: Sql;
  holder: Holder;
  /** Milliseconds since 1970. */
  clock: () => number;
  /** Resolves after so many milliseconds; rejects with the signal's reason. Default: a timer. */
  wait?: typeof waitOut | undefined;
  /** Told before a request is made that no stored answer serves. */
  onNew?: (() => void) | undefined;
  /** Requests go into batches, and are not sent; undefined: each is sent at once. */
  batch?: Pick<ParkingParts, "maxRetries" | "onParked"> | undefined;
}

/** While the rest of a cap is held for requests on their way, their ends are looked for so often. */
const POLL_MS = 250;
/**
 * Longer than a killed worker's conversation needs to be taken over, which gives back what it held. Where everybody waits for
 * that, nobody is free to take it over: then some end at the cap, from which they can be resumed.
 */
const MOST_WAIT_MS = 15_000;

interface Shared {
  sql: Sql;
  holder: Holder;
  /** As of the last statement: what others spend meanwhile is known at the next. */
  funds: Funds;
  wait: typeof waitOut;
}

/** The run's cap, as one request of it holds money. */
function sharedBudget(shared: Shared, request: RequestId, reservation: Reservation): Budget {
  const { sql, holder, wait } = shared;
  const capNanoUsd = shared.funds.capNanoUsd ?? Number.POSITIVE_INFINITY;
  return {
    capNanoUsd,
    get spentNanoUsd() {
      return shared.funds.spentNanoUsd;
    },
    get heldNanoUsd() {
      return shared.funds.heldNanoUsd;
    },
    async reserve(amountNanoUsd, signal) {
      for (let waitedMs = 0; ; waitedMs += POLL_MS) {
        signal?.throwIfAborted();
        const { isGranted, ...funds } = await hold(sql, holder, { ...request, amountNanoUsd });
        shared.funds = funds;
        if (isGranted) return reservation;
        if (funds.spentNanoUsd + amountNanoUsd > capNanoUsd || waitedMs >= MOST_WAIT_MS) return undefined;
        await wait(POLL_MS, signal);
      }
    },
  };
}

/** Opens the journal of a conversation that was claimed: what an earlier worker left open is made good first. */
export async function openJournal(parts: JournalParts): Promise<Journal> {
  const { sql, holder, clock, wait = waitOut, onNew, batch } = parts;
  const kept = await takeOver(sql, holder);
  const stored = new Map(kept.map((request) => [nameOf(request), request]));
  const shared: Shared = { sql, holder, funds: await fundsOf(sql, holder.runId), wait };
  const seen = new Map<string, number>();
  const parked = batch && createParking({ sql, holder, funds: shared.funds, onNew, ...batch });

  function identified({ request, labels, model }: Exchange, apiKey: string): RequestId {
    const digest = digestOfKept(keptRequest(request, apiKey));
    const occurrence = seen.get(digest) ?? 0;
    seen.set(digest, occurrence + 1);
    const { purpose, turn, persona } = labels;
    return { digest, occurrence, purpose, turn, persona, model: model.id };
  }

  return {
    tier: batch && "batch",
    around: (send, apiKey) =>
      async function journaled(exchange) {
        const request = identified(exchange, apiKey);
        const known = stored.get(nameOf(request));
        if (known !== undefined) {
          exchange.attempts.push(...(known.attempts as Attempt[]));
          const isClosed = known.state === "answered" || known.state === "failed";
          if (isClosed) {
            exchange.isOffline = known.isOffline;
            return answerFrom(known.outcome as Outcome, exchange, apiKey);
          }
        }
        const reservationFor = (outcome: () => Outcome | undefined): Reservation => ({
          settle: (spentNanoUsd) =>
            settle(sql, holder, {
              ...request,
              ...senderOf(exchange),
              state: stateOf(outcome()),
              attempts: exchange.attempts,
              outcome: outcome(),
              spentNanoUsd,
            }),
        });
        if (parked !== undefined)
          return await parked({
            exchange,
            request,
            known,
            reservationFor: (of) => reservationFor(() => of && { ...of, ...keptTier(exchange) }),
          });
        onNew?.();
        let outcome: Outcome | undefined;
        const reservation = reservationFor(() => outcome);
        if (shared.funds.capNanoUsd !== undefined)
          exchange.budget = sharedBudget(shared, request, reservation);
        exchange.beforeSend = async () => {
          const boundNanoUsd =
            exchange.heldNanoUsd ?? (await exchange.worstNanoUsd(Number.POSITIVE_INFINITY));
          const { attempts } = exchange;
          await markSent(sql, holder, { ...request, ...senderOf(exchange), attempts, boundNanoUsd });
        };
        try {
          const completion = await send(exchange);
          const { requestId, fromCache } = exchange;
          outcome = {
            completion: keptCompletion(completion, apiKey),
            requestId,
            fromCache: fromCache || undefined,
            ...keptTier(exchange),
          };
          // Whoever counts what the answer cost closes the request with it.
          exchange.reservation = reservation;
          return completion;
        } catch (error) {
          const attempted = { model: exchange.model.id, key: apiKey, now: clock() };
          const failure = exchange.signal?.aborted ? undefined : keptFailure(error, attempted);
          // For want of money there is no answer yet: with a higher cap there may be one.
          if (failure !== undefined && failure.code !== "budget") {
            outcome = { failure, ...keptTier(exchange) };
            await reservation.settle(0);
          }
          throw error;
        }
      },
  };
}

const senderOf = ({ tier, isOffline }: Exchange) => ({ tier, isOffline });

const nameOf = ({ digest, occurrence }: RequestKey) => `${digest} ${occurrence}`;

function stateOf(outcome: Outcome | undefined): Closing["state"] {
  if (outcome === undefined) return "open";
  return outcome.failure === undefined ? "answered" : "failed";
}
