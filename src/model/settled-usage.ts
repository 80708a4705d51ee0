/** What an exchange has cost, once it is over: counted, or bounded where nobody can know. */
import type { UsageEntry } from "../domain/usage.ts";
import type { Exchange } from "./exchange.ts";

/**
 * What was counted, and an entry with a bound for every answer that may have been paid and was not counted. Gives back
 * what the shared budget held. `leastTokens`: a report of fewer input tokens is not believed.
 */
export async function settledUsage(
  exchange: Omit<Exchange, "request">,
  counted: UsageEntry | undefined,
  leastTokens: number,
): Promise<UsageEntry[]> {
  const { attempts, isAnswered, reservation, requestId, fromCache, labels, model, askedTier } = exchange;
  const { conversation: _, ...names } = labels;
  const unknown: UsageEntry = { ...names, model: model.id, tier: exchange.tier };
  const lost = attempts
    .filter(({ mayBeBilled }) => mayBeBilled)
    .map(({ costBoundNanoUsd, tier = askedTier, offline = false }) =>
      bounded({ ...unknown, tier, ...senderOf(offline) }, costBoundNanoUsd),
    );
  const entry = isAnswered ? (counted ?? unknown) : undefined;
  if (entry === undefined) return lost;
  const answer = {
    ...(fromCache ? saved(entry) : believable(entry, leastTokens)),
    ...(requestId === undefined ? {} : { requestId }),
    ...senderOf(exchange.isOffline),
  };
  const bound =
    answer.costNanoUsd === undefined
      ? (exchange.heldNanoUsd ?? (await exchange.worstNanoUsd(Number.POSITIVE_INFINITY)))
      : undefined;
  await reservation?.settle(answer.costNanoUsd ?? bound ?? 0);
  return [...lost, bounded(answer, bound)];
}

const senderOf = (isOffline: boolean): Pick<UsageEntry, "offline"> => (isOffline ? { offline: true } : {});

const bounded = (entry: UsageEntry, bound: number | undefined): UsageEntry =>
  bound === undefined ? entry : { ...entry, costBoundNanoUsd: bound };

/** An answer out of the cache costs nothing. */
const saved = ({ costNanoUsd, ...entry }: UsageEntry): UsageEntry => ({
  ...entry,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costNanoUsd: 0,
  fromCache: true,
  ...(costNanoUsd === undefined ? {} : { savedNanoUsd: costNanoUsd }),
});

/** A report of fewer input tokens than any encoding could make of the prompt cannot be true, nor can its cost. */
function believable(entry: UsageEntry, leastInput: number): UsageEntry {
  const { inputTokens = 0, costNanoUsd, ...rest } = entry;
  const isTrue = inputTokens >= leastInput;
  return costNanoUsd === undefined || costNanoUsd === 0 || isTrue ? entry : rest;
}
