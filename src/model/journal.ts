/**
 * Keeps what a conversation asks of models, so that it can run again from its start without paying for any stored answer
 * twice: before a request is sent and before its answer is used, it is written down.
 */
import type { Attempt } from "../domain/attempt.ts";
import { defined } from "../domain/defined.ts";
import type { Sql } from "../store/sql.ts";
import { fundsOf, type Holder, hold, type KeptRequest, markSent, settle } from "../store/requests.ts";
import type { Budget, Reservation } from "./budget.ts";
import type { Completion, Exchange, Send } from "./exchange.ts";
import { digestOfKept, keptCompletion, keptRequest } from "./exchange-lines.ts";
import { answerOf, failureOf, type Outcome } from "./outcome.ts";

/** What a conversation keeps. */
export interface Journal {
  /** Answers from what is kept, or sends and keeps. */
  around(send: Send, apiKey: string): Send;
}

export interface JournalParts {
  sql: Sql;
  holder: Holder;
  /** What was kept before. */
  kept: readonly KeptRequest[];
  /** Whether the run has a cap, which all its conversations share. */
  isCapped: boolean;
  clock: () => number;
}

/** An attempt whose process ended before its answer was stored. */
export const lostAttempt = ({ turn, persona, purpose, model, attempts, boundNanoUsd }: KeptRequest): Attempt =>
  defined({
    turn,
    persona,
    purpose,
    model,
    attempt: attempts.length + 1,
    problem: "lost" as const,
    costBoundNanoUsd: boundNanoUsd,
    mayBeBilled: true,
  });

const POLL_MS = 200;

export function createJournal({ sql, holder, kept, isCapped, clock }: JournalParts): Journal {
  const stored = new Map<string, KeptRequest>(kept.map((one) => [`${one.digest} ${one.occurrence}`, one]));
  const seen = new Map<string, number>();

  return {
    around: (send, apiKey) =>
      async function journaled(exchange) {
        const { model, labels, signal } = exchange;
        const digest = digestOfKept(keptRequest(exchange.request, apiKey));
        const occurrence = seen.get(digest) ?? 0;
        seen.set(digest, occurrence + 1);
        const { purpose, turn, persona } = labels;
        const request = { digest, occurrence, purpose, turn, persona, model: model.id };
        const known = stored.get(`${digest} ${occurrence}`);
        if (known !== undefined) {
          exchange.attempts.push(...(known.attempts as Attempt[]));
          if (known.outcome !== undefined) return answerOf(known.outcome as Outcome, exchange, apiKey);
        }
        let outcome: Outcome | undefined;
        const settled = (spentNanoUsd: number) =>
          settle(sql, holder, {
            ...request,
            state: outcome === undefined ? "open" : outcome.failure === undefined ? "answered" : "failed",
            attempts: exchange.attempts,
            outcome,
            spentNanoUsd,
          });
        if (isCapped) exchange.budget = sharedBudget(request, exchange, settled);
        exchange.beforeSend = async () => {
          const boundNanoUsd =
            exchange.heldNanoUsd ?? (await exchange.worstNanoUsd(Number.POSITIVE_INFINITY));
          await markSent(sql, holder, { ...request, attempts: exchange.attempts, boundNanoUsd });
        };
        try {
          const completion = await send(exchange);
          const { requestId, fromCache } = exchange;
          outcome = defined({
            completion: keptCompletion(completion, apiKey),
            requestId,
            fromCache: fromCache || undefined,
          });
          // Closed with its cost, which whoever counts it knows.
          exchange.reservation = { settle: settled };
          return completion;
        } catch (error) {
          const failure = signal?.aborted ? undefined : failureOf(error, { model: model.id, key: apiKey, now: clock() });
          // Without money there is no answer yet: with a higher cap there may be one.
          if (failure !== undefined && failure.code !== "budget") {
            outcome = { failure };
            await settled(0);
          }
          throw error;
        }
      },
  };
}
