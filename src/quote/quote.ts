/**
 * What a scenario will cost before anything is paid: what is expected, from sample runs against the offline server, and
 * the most it can be, from the limits that the scenario and the catalog set.
 */
import { contextOf } from "../conversation/context.ts";
import type { Ending } from "../conversation/endings.ts";
import { CHOICE_OUTPUT_TOKENS } from "../conversation/model-policy.ts";
import type { Policy } from "../conversation/policies.ts";
import { settingsOf } from "../conversation/settings.ts";
import type { ConversationContextInput } from "../conversation/state.ts";
import { DramatisError } from "../domain/errors.ts";
import { nanoUsd } from "../domain/money.ts";
import { subtotalOf } from "../ledger/totals.ts";
import type { Gateway } from "../model/gateway.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { SUMMARY_OUTPUT_TOKENS } from "../turn/summary.ts";
import { askersOf, unpricedModels } from "./askers.ts";
import { assumptionsOf } from "./assumptions.ts";
import { type Bound, boundOf } from "./bound.ts";
import { type Expected, expectedOf } from "./expected.ts";
import { type SampleRun, sampleRun } from "./sample-runs.ts";

/** What is quoted: how many conversations, with which context, from how many samples. */
export interface QuoteOptions {
  /** What a run would be given: complexity, models, budget, limit of turns. */
  context?: ConversationContextInput | undefined;
  /** Of the first sample; the others count up from it. Default: the scenario's, else 1. */
  seed?: number | undefined;
  /** Sample runs. Default 3, at most 100. */
  samples?: number | undefined;
  /** Conversations the quote is for. Default 1, at most 1,000,000. */
  runs?: number | undefined;
  /** What the run would choose speakers by and end by, besides the scenario. */
  policy?: Policy | undefined;
  endings?: readonly Ending[] | undefined;
  signal?: AbortSignal | undefined;
}

/** One sample run: a single conversation. */
export interface QuoteSample extends Omit<SampleRun, "entries"> {
  requests: number;
  /** Of the requests with a price; undefined: there are none. Equal to the offline server's bill. */
  costNanoUsd: number | undefined;
}

/** A cap of the cost of one conversation, and what the samples did with it. */
export interface QuoteBudget {
  capNanoUsd: number;
  /** False: a model has no price, so that a run with this cap is refused. */
  canHold: boolean;
  /** Samples that the cap ended. */
  reachedBy: number;
}

/** Amounts are whole nano-dollars, those of `expected` and `worst` for all `runs` together; undefined is unknown. */
export interface Quote {
  version: 1;
  scenario: { id: string; title: string };
  participants: { id: string; name: string }[];
  runs: number;
  samples: QuoteSample[];
  /** Output tokens a request of the samples, thinking included. */
  outputTokensPerRequest: number;
  expected: Expected;
  /** Without a cap, and without answers lost on the way, which are paid and asked for again. */
  worst: {
    /** Of one conversation; undefined: nothing limits them, so nothing but a cap bounds the cost. */
    maxTurns: number | undefined;
    bound: Bound | undefined;
  };
  budget: QuoteBudget | undefined;
  /** Models that may be asked although the catalog has no price of them. */
  unpricedModels: string[];
  /** What the figures rest on, in sentences. */
  assumptions: string[];
}

export interface QuoteParts extends QuoteOptions {
  scenario: Scenario;
  /** Each call: a gateway to an offline server that nobody has asked yet. */
  openGateway: () => Gateway;
}

const DEFAULT_SAMPLES = 3;
const MAX_SAMPLES = 100;
const MAX_RUNS = 1_000_000;
/** Samples of conversations without a limit of turns are stopped after so many; those with one after more. */
const UNLIMITED_SAMPLE_TURNS = 200;
const MAX_SAMPLE_TURNS = 500;
const SEEDS = 2 ** 31;

function whole(name: string, value: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value;
  const expected = `a whole number from 1 to ${max.toLocaleString("en-US")}`;
  throw new DramatisError("invalid-argument", `${name}: expected ${expected}, got ${value}.`);
}

function sampleOf({ entries, ...run }: SampleRun): QuoteSample {
  const { requests, costNanoUsd } = subtotalOf(entries);
  return { ...run, requests, costNanoUsd };
}

export async function makeQuote(parts: QuoteParts): Promise<Quote> {
  const { scenario, openGateway, policy, endings = [], signal } = parts;
  const runs = whole("runs", parts.runs ?? 1, MAX_RUNS);
  const count = whole("samples", parts.samples ?? DEFAULT_SAMPLES, MAX_SAMPLES);
  const firstSeed = parts.seed ?? scenario.seed ?? 1;
  const gateway = openGateway();
  const castIds = scenario.cast.map(({ id }) => id);
  const context = parts.context ?? {};
  const settings = settingsOf(scenario, contextOf({ context }, castIds, gateway.catalog));
  const { maxTurns, maxCostUsd } = settings;

  const sampleTurns = Math.min(maxTurns ?? UNLIMITED_SAMPLE_TURNS, MAX_SAMPLE_TURNS);

  const askers = await askersOf({ scenario, gateway, settings, hasOwnPolicy: policy !== undefined });
  const unpriced = unpricedModels(askers);
  const bound = maxTurns === undefined ? undefined : boundOf(askers, { turns: maxTurns, runs });
  const samples: SampleRun[] = [];
  for (let index = 0; index < count; index++) {
    const seed = (firstSeed + index) % SEEDS;
    const limits = { maxTurns: sampleTurns, hasCap: maxCostUsd !== undefined };
    samples.push(
      await sampleRun({ scenario, context, seed, openGateway, policy, endings, signal, ...limits }),
    );
  }
  const entries = samples.flatMap((sample) => sample.entries);
  const { requests, outputTokens } = subtotalOf(entries);
  const quote: Omit<Quote, "assumptions"> = {
    version: 1,
    scenario: { id: scenario.id, title: scenario.title },
    participants: scenario.cast.map(({ id, name }) => ({ id, name })),
    runs,
    samples: samples.map(sampleOf),
    outputTokensPerRequest: requests === 0 ? 0 : Math.round(outputTokens / requests),
    expected: expectedOf(entries, {
      catalog: gateway.catalog,
      samples: count,
      runs,
      answers: {
        turn: scenario.answers.maxOutputTokens,
        moderator: CHOICE_OUTPUT_TOKENS,
        summary: SUMMARY_OUTPUT_TOKENS,
      },
    }),
    worst: { maxTurns, bound },
    budget:
      maxCostUsd === undefined
        ? undefined
        : {
            capNanoUsd: nanoUsd(maxCostUsd),
            canHold: unpriced.length === 0,
            reachedBy: samples.filter(({ turnsInBudget }) => turnsInBudget !== undefined).length,
          },
    unpricedModels: unpriced,
  };
  return { ...quote, assumptions: assumptionsOf(quote) };
}
