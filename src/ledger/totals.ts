/** Sums of usage entries, by persona, model and purpose. Adding is associative, so parts may be summed apart. */
import type { Subtotal, Tier, Totals, UsageEntry } from "../domain/usage.ts";

export const emptySubtotal = (): Subtotal => ({
  requests: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costNanoUsd: 0,
  unpricedRequests: 0,
  unpricedBoundNanoUsd: 0,
});

export const emptyTotals = (): Totals => ({ ...emptySubtotal(), byPersona: {}, byModel: {}, byPurpose: {} });

function ofEntry(entry: UsageEntry): Subtotal {
  const {
    inputTokens = 0,
    cachedInputTokens = 0,
    outputTokens = 0,
    reasoningTokens = 0,
    costNanoUsd,
  } = entry;
  return {
    requests: 1,
    inputTokens,
    cachedInputTokens,
    outputTokens,
    reasoningTokens,
    costNanoUsd,
    unpricedRequests: costNanoUsd === undefined ? 1 : 0,
    unpricedBoundNanoUsd: costNanoUsd === undefined ? (entry.costBoundNanoUsd ?? 0) : 0,
    ...cached(entry.fromCache ? 1 : 0, entry.savedNanoUsd ?? 0),
  };
}

/** What came from the response cache; nothing where nothing did. */
const cached = (cacheHits: number, savedNanoUsd: number): Pick<Subtotal, "cacheHits" | "savedNanoUsd"> => ({
  ...(cacheHits === 0 ? {} : { cacheHits }),
  ...(savedNanoUsd === 0 ? {} : { savedNanoUsd }),
});

/** The sum of two subtotals. Its cost is missing only when there are requests and no cost of any is known. */
export function addSubtotals(a: Subtotal, b: Subtotal): Subtotal {
  const requests = a.requests + b.requests;
  const unpricedRequests = a.unpricedRequests + b.unpricedRequests;
  const isUnknown = requests > 0 && requests === unpricedRequests;
  return {
    requests,
    inputTokens: a.inputTokens + b.inputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
    costNanoUsd: isUnknown ? undefined : (a.costNanoUsd ?? 0) + (b.costNanoUsd ?? 0),
    unpricedRequests,
    unpricedBoundNanoUsd: a.unpricedBoundNanoUsd + b.unpricedBoundNanoUsd,
    ...cached((a.cacheHits ?? 0) + (b.cacheHits ?? 0), (a.savedNanoUsd ?? 0) + (b.savedNanoUsd ?? 0)),
  };
}

/** What a budget counts as spent: the known costs, and for every unknown one the most it can be. */
export const spentAtMost = ({ costNanoUsd = 0, unpricedBoundNanoUsd }: Subtotal): number =>
  costNanoUsd + unpricedBoundNanoUsd;

export const subtotalOf = (entries: readonly UsageEntry[]): Subtotal =>
  entries.map(ofEntry).reduce(addSubtotals, emptySubtotal());

/** Sums by the tier that requests were answered at, in the order of first use. */
export function byTierOf(entries: readonly UsageEntry[]): Partial<Record<Tier, Subtotal>> {
  const sums: Partial<Record<Tier, Subtotal>> = {};
  for (const entry of entries)
    sums[entry.tier] = addSubtotals(sums[entry.tier] ?? emptySubtotal(), ofEntry(entry));
  return sums;
}

type Groups = Record<string, Subtotal>;

function addGroups(a: Groups, b: Groups): Groups {
  const sum = { ...a };
  for (const [name, subtotal] of Object.entries(b)) {
    const before = Object.hasOwn(sum, name) ? sum[name] : undefined;
    sum[name] = before === undefined ? subtotal : addSubtotals(before, subtotal);
  }
  return sum;
}

/** The sum of two totals, group by group. */
export function addTotals(a: Totals, b: Totals): Totals {
  return {
    ...addSubtotals(a, b),
    byPersona: addGroups(a.byPersona, b.byPersona),
    byModel: addGroups(a.byModel, b.byModel),
    byPurpose: addGroups(a.byPurpose, b.byPurpose),
  };
}

function totalsOfEntry(entry: UsageEntry): Totals {
  const subtotal = ofEntry(entry);
  return {
    ...subtotal,
    byPersona: entry.persona === undefined ? {} : { [entry.persona]: subtotal },
    byModel: { [entry.model]: subtotal },
    byPurpose: entry.purpose === undefined ? {} : { [entry.purpose]: subtotal },
  };
}

/** Totals of a list of entries. */
export const totalsOf = (entries: readonly UsageEntry[]): Totals =>
  entries.map(totalsOfEntry).reduce(addTotals, emptyTotals());
