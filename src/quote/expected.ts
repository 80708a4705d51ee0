/** What conversations are expected to cost: usage entries of sample runs, summed at four prices, as a mean. Pure. */
import type { Catalog } from "../catalog/catalog.ts";
import { longestAnswer } from "../domain/longest-answer.ts";
import type { Purpose, UsageEntry } from "../domain/usage.ts";
import { costNanoUsd } from "../ledger/cost.ts";
import { roundedShare } from "./whole.ts";

/** One use of models at four prices, in nano-dollars. Undefined: no request of it has a price. */
export interface Prices {
  /** Sent one by one, with the provider's prompt cache. */
  costNanoUsd: number | undefined;
  /** The same tokens without it: all input at the full price. */
  uncachedNanoUsd: number | undefined;
  /** Both at the batch price. */
  batchNanoUsd: number | undefined;
  batchUncachedNanoUsd: number | undefined;
}

/** A mean over the samples; tokens rounded to whole ones, requests to tenths. */
export interface ExpectedUse extends Prices {
  requests: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  /** As limits of tokens a minute count them: all input, and the longest answers that are asked for. */
  countedTokens: number;
  /** Requests whose price is unknown; when above 0, every price is a lower bound. */
  unpricedRequests: number;
}

/** What conversations are expected to use and cost, in total and by who and what for. */
export interface Expected {
  total: ExpectedUse;
  /** Of requests for no persona, as the moderator's are; undefined: there are none. */
  others: ExpectedUse | undefined;
  byPersona: Readonly<Record<string, ExpectedUse>>;
  byModel: Readonly<Record<string, ExpectedUse>>;
  byPurpose: Readonly<Record<string, ExpectedUse>>;
}

/** The four prices of one request. */
function pricesOf(entry: UsageEntry, catalog: Pick<Catalog, "find">): Prices {
  const { inputTokens, cachedInputTokens, outputTokens } = entry;
  const model = catalog.find(entry.model);
  const price = (cached: number | undefined, tier: "standard" | "batch") =>
    inputTokens === undefined || outputTokens === undefined
      ? undefined
      : costNanoUsd({ inputTokens, cachedInputTokens: cached, outputTokens }, model, tier);
  return {
    costNanoUsd: entry.costNanoUsd,
    uncachedNanoUsd: price(0, "standard"),
    batchNanoUsd: price(cachedInputTokens, "batch"),
    batchUncachedNanoUsd: price(0, "batch"),
  };
}

const sum = (values: readonly (number | undefined)[]) =>
  values.reduce<number>((total, value = 0) => total + value, 0);

interface Sample {
  entry: UsageEntry;
  prices: Prices;
  countedTokens: number;
}

function useOf(priced: readonly Sample[], factor: Factor): ExpectedUse {
  const tokens = (of: (entry: UsageEntry) => number | undefined) =>
    roundedShare(sum(priced.map(({ entry }) => of(entry))), factor);
  const unpriced = priced.filter(({ entry }) => entry.costNanoUsd === undefined).length;
  const isKnown = priced.length === 0 || unpriced < priced.length;
  const price = (of: (prices: Prices) => number | undefined) =>
    isKnown ? roundedShare(sum(priced.map(({ prices }) => of(prices))), factor) : undefined;
  const requests = (count: number) => Math.round((10 * count * factor.times) / factor.of) / 10;
  return {
    requests: requests(priced.length),
    inputTokens: tokens(({ inputTokens }) => inputTokens),
    cachedInputTokens: tokens(({ cachedInputTokens }) => cachedInputTokens),
    outputTokens: tokens(({ outputTokens }) => outputTokens),
    reasoningTokens: tokens(({ reasoningTokens }) => reasoningTokens),
    countedTokens: roundedShare(sum(priced.map(({ countedTokens }) => countedTokens)), factor),
    unpricedRequests: requests(unpriced),
    costNanoUsd: price((prices) => prices.costNanoUsd),
    uncachedNanoUsd: price((prices) => prices.uncachedNanoUsd),
    batchNanoUsd: price((prices) => prices.batchNanoUsd),
    batchUncachedNanoUsd: price((prices) => prices.batchUncachedNanoUsd),
  };
}

/** `times` the mean over `of` samples. */
export interface Factor {
  times: number;
  of: number;
}

export interface ExpectedParts {
  catalog: Pick<Catalog, "find">;
  samples: number;
  runs: number;
  /** Tokens that an answer may have, by what it is for; what a model thinks comes on top. */
  answers: Readonly<Partial<Record<Purpose, number>>>;
}

/** What `runs` conversations are expected to use and cost, from the entries of all the samples. */
export function expectedOf(
  entries: readonly UsageEntry[],
  { catalog, samples, runs, answers }: ExpectedParts,
): Expected {
  const longest = ({ model, purpose = "turn" }: UsageEntry) => {
    const info = catalog.find(model);
    return info === undefined ? 0 : longestAnswer(info, answers[purpose] ?? 0);
  };
  const priced = entries.map((entry) => ({
    entry,
    prices: pricesOf(entry, catalog),
    countedTokens: (entry.inputTokens ?? 0) + longest(entry),
  }));
  const factor = { times: runs, of: samples };
  const grouped = (keyOf: (entry: UsageEntry) => string | undefined) => {
    const groups = Map.groupBy(priced, ({ entry }) => keyOf(entry));
    return Object.fromEntries(
      [...groups].flatMap(([key, members]) =>
        key === undefined ? [] : [[key, useOf(members, factor)] as const],
      ),
    );
  };
  const others = priced.filter(({ entry }) => entry.persona === undefined);
  return {
    total: useOf(priced, factor),
    others: others.length === 0 ? undefined : useOf(others, factor),
    byPersona: grouped(({ persona }) => persona),
    byModel: grouped(({ model }) => model),
    byPurpose: grouped(({ purpose }) => purpose),
  };
}
