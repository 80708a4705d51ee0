/** How long conversations take at best, as far as an account's limits go: what they use beside what it may. Pure. */
import type { ProjectLimits } from "../model/pace/project-limits.ts";
import type { Expected, ExpectedUse } from "./expected.ts";

/** The limit that takes longest. */
export type Bottleneck = keyof Omit<ProjectLimits, "batchTokensPerDay">;

/** A time that no number of workers makes shorter. */
export interface AtBest {
  ms: number;
  by: Bottleneck;
}

/** What all conversations together need of one model. */
export interface ModelNeed
  extends Pick<ExpectedUse, "requests" | "inputTokens" | "cachedInputTokens" | "countedTokens"> {
  model: string;
  /** Undefined: they are not known. */
  limits: ProjectLimits | undefined;
  /** Sent one by one; undefined: no limit is known. */
  atBest: AtBest | undefined;
  /** Days whose tokens of batches they take, whole ones; undefined: that limit is not known. */
  batchDays: number | undefined;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Whole days to wait for the next day's share, where the first is there at once. */
const daysAfter = (needed: number, aDay: number) => Math.max(0, Math.ceil(needed / aDay) - 1);

function timesOf(
  { requests, countedTokens }: ExpectedUse,
  { requestsPerMinute, tokensPerMinute, requestsPerDay }: ProjectLimits,
): AtBest[] {
  const minutes = (needed: number, limit: number | undefined, by: Bottleneck): AtBest[] =>
    limit === undefined ? [] : [{ ms: Math.ceil((needed / limit) * MINUTE_MS), by }];
  return [
    ...minutes(requests, requestsPerMinute, "requestsPerMinute"),
    ...minutes(countedTokens, tokensPerMinute, "tokensPerMinute"),
    ...(requestsPerDay === undefined
      ? []
      : [{ ms: daysAfter(requests, requestsPerDay) * DAY_MS, by: "requestsPerDay" as const }]),
  ];
}

/** The longest; the first of equal ones. */
export const longest = <T extends { ms: number }>(times: readonly T[]): T | undefined =>
  times.reduce<T | undefined>(
    (most, time) => (most === undefined || time.ms > most.ms ? time : most),
    undefined,
  );

/** By model, what takes longest first and what is not known last. */
export function needsOf(
  { byModel }: Pick<Expected, "byModel">,
  limitsOf: (model: string) => ProjectLimits | undefined,
): ModelNeed[] {
  const needs = Object.entries(byModel).map(([model, use]): ModelNeed => {
    const limits = limitsOf(model);
    const { requests, inputTokens, cachedInputTokens, countedTokens } = use;
    const aDay = limits?.batchTokensPerDay;
    return {
      model,
      requests,
      inputTokens,
      cachedInputTokens,
      countedTokens,
      limits,
      atBest: limits && longest(timesOf(use, limits)),
      batchDays: aDay === undefined ? undefined : Math.ceil(inputTokens / aDay),
    };
  });
  return needs.sort((a, b) => (b.atBest?.ms ?? -1) - (a.atBest?.ms ?? -1));
}
