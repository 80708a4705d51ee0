/** What a request came to, as it is kept, and how it is answered from there again. */
import type { RequestFailure } from "../../domain/errors.ts";
import type { SentTier } from "../../domain/usage.ts";
import type { Completion, Exchange } from "../exchange.ts";
import { type Attempted, ModelError, type ModelErrorFields, modelError, soundName } from "../model-error.ts";
import { tellAtOnce } from "../told-at-once.ts";

/** An error of a request, without what only its process knew. */
export interface KeptFailure extends Omit<ModelErrorFields, "model" | "headers"> {
  code: RequestFailure;
  message: string;
}

/** Either a completion or a failure. */
export interface Outcome {
  completion?: Completion | undefined;
  failure?: KeptFailure | undefined;
  requestId?: string | undefined;
  fromCache?: true | undefined;
  /** At which it was answered; missing: at standard. */
  tier?: Exclude<SentTier, "standard"> | undefined;
}

/** The tier of an outcome, as it is kept. */
export const keptTier = ({ tier }: Pick<Exchange, "tier">): Pick<Outcome, "tier"> =>
  tier === "standard" ? {} : { tier };

/** Undefined for a mistake in code, which is no outcome: it would be no other the next time. */
export function keptFailure(error: unknown, attempted: Attempted): KeptFailure | undefined {
  const failed = error instanceof ModelError ? error : modelError(error, attempted);
  if (failed === undefined) return undefined;
  const { code, message, status, providerCode, requestId, retryAfterMs, isRetryable, mayBeBilled } = failed;
  return { code, message, status, providerCode, requestId, retryAfterMs, isRetryable, mayBeBilled };
}

const BROKEN_OFF: KeptFailure = {
  code: "aborted",
  message: "Broken off.",
  isRetryable: false,
  mayBeBilled: false,
};

/** Answers an exchange as it was answered when it was kept; throws what it failed with. */
export function answerFrom(
  { completion, failure = BROKEN_OFF, requestId, fromCache, tier }: Outcome,
  exchange: Exchange,
  apiKey: string | undefined,
): Completion {
  exchange.isReplayed = true;
  exchange.tier = tier ?? "standard";
  if (completion === undefined) {
    const { code, message, ...fields } = failure;
    throw new ModelError(code, message, { model: exchange.model.id, ...fields });
  }
  exchange.isAnswered = true;
  exchange.fromCache = fromCache === true;
  exchange.requestId = soundName(requestId, apiKey);
  tellAtOnce(completion, exchange);
  return completion;
}
