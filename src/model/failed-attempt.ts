/** What goes on the record of an attempt that came to nothing. */
import type { Attempt } from "../domain/attempt.ts";
import { defined } from "../domain/defined.ts";
import type { RequestFailure } from "../domain/errors.ts";
import type { Exchange } from "./exchange.ts";
import type { ModelErrorFields } from "./model-error.ts";

type Failure = Pick<ModelErrorFields, "mayBeBilled"> & Partial<ModelErrorFields> & { code: RequestFailure };

type Asked = Pick<Exchange, "labels" | "model" | "tier" | "isOffline">;

export const failedAttempt = (
  { labels, model, tier, isOffline }: Asked,
  failure: Failure,
  {
    attempt,
    waitMs,
    boundNanoUsd,
  }: { attempt: number; waitMs: number | undefined; boundNanoUsd: number | undefined },
): Attempt =>
  defined({
    turn: labels.turn,
    persona: labels.persona,
    purpose: labels.purpose,
    model: model.id,
    tier,
    offline: isOffline ? (true as const) : undefined,
    attempt,
    problem: failure.code,
    status: failure.status,
    code: failure.providerCode,
    requestId: failure.requestId,
    retryAfterMs: failure.retryAfterMs,
    waitMs,
    costBoundNanoUsd: boundNanoUsd,
    mayBeBilled: failure.mayBeBilled,
  });
