/**
 * The most conversations can cost, from how large their requests can get. Pure: what may be sent comes in as `Asker`s.
 * Whatever a later version sends beside turns (summaries, judges) is bounded by one more of them.
 */
import type { ModelInfo } from "../domain/model-info.ts";
import type { Purpose, Tier } from "../domain/usage.ts";
import { costNanoUsd } from "../ledger/cost.ts";
import { exact } from "./whole.ts";

/** How large the requests to one model can get, in tokens. */
export interface RequestSize {
  model: ModelInfo;
  /** The first prompt of the first turn. */
  prompt: number;
  /** What the longest turn adds to the prompts of later turns. */
  turnGrowth: number;
  /** What a request adds to the next one of the same turn: a tool round or a repair. */
  requestGrowth: number;
  /** The longest answer, thinking included. */
  answer: number;
}

/** Who sends requests in a turn. */
export interface Asker {
  /** Undefined: asks in every turn, beside the one persona that speaks. */
  persona: string | undefined;
  purpose: Purpose;
  /** One for each model that may be asked. */
  sizes: readonly RequestSize[];
  /** The most requests a turn. */
  requestsPerTurn: number;
  /** The most turns its prompts show; undefined: all. */
  seenTurns?: number | undefined;
  /** It asks in every so many turns at most: 2 when it may not speak twice in a row. */
  stride: number;
}

/** In nano-dollars; undefined: a model it may ask has no price. */
export interface MostPrices {
  costNanoUsd: number | undefined;
  batchNanoUsd: number | undefined;
}

/** The most conversations can cost. */
export interface Bound {
  requests: number;
  total: MostPrices;
  /** Each alone: what one costs at most, another cannot cost in the same turns. They add up to more than the total. */
  byPersona: Readonly<Record<string, MostPrices>>;
  /** Of those who ask beside the personas; undefined: nobody does. */
  others: MostPrices | undefined;
  byModel: Readonly<Record<string, MostPrices>>;
  byPurpose: Readonly<Record<string, MostPrices>>;
}

/** Cost of one turn, counted from 1; undefined: unknown. */
type TurnCost = (turn: number) => number | undefined;

/** The most that one turn of an asker can cost with one of its models. */
function sizeCost({ requestsPerTurn, seenTurns }: Asker, size: RequestSize, tier: Tier): TurnCost {
  const { model, prompt, answer, turnGrowth, requestGrowth } = size;
  return (turn) => {
    const base = prompt + Math.min(turn - 1, seenTurns ?? turn) * turnGrowth;
    let cost = 0;
    for (let request = 0; request < requestsPerTurn; request++) {
      // A longer prompt is refused, and costs nothing.
      const inputTokens = Math.min(base + request * requestGrowth, model.contextWindow);
      const one = costNanoUsd({ inputTokens, outputTokens: answer }, model, tier);
      if (one === undefined) return undefined;
      cost += one;
    }
    return cost;
  };
}

/** The turn from which on a turn costs no more than the one before: its prompts fill the window or show all they may. */
function lastGrowth({ seenTurns }: Asker, { model, prompt, turnGrowth }: RequestSize): number {
  const full = turnGrowth === 0 ? 1 : Math.ceil((model.contextWindow - prompt) / turnGrowth) + 1;
  return Math.max(1, Math.min(full, (seenTurns ?? Number.POSITIVE_INFINITY) + 1));
}

/** The dearest of these; unknown when one of them is. */
const most =
  (costs: readonly TurnCost[]): TurnCost =>
  (turn) =>
    costs.reduce<number | undefined>((dearest, cost) => {
      const one = cost(turn);
      return dearest === undefined || one === undefined ? undefined : Math.max(dearest, one);
    }, 0);

/**
 * A turn and the one before it, which nobody takes both of: the dearest two personas that differ. The sum over all such
 * pairs is no less than any order of speakers costs.
 */
const twoTurns =
  (costs: readonly TurnCost[]): TurnCost =>
  (turn) => {
    const now = costs.map((cost) => cost(turn));
    const before = costs.map((cost) => (turn > 1 ? cost(turn - 1) : 0));
    const known = (values: (number | undefined)[]) => values.every((value) => value !== undefined);
    if (!known(now) || !known(before)) return undefined;
    const pairs = now.flatMap((a = 0, i) => before.map((b = 0, j) => (i === j ? 0 : a + b)));
    return Math.max(0, ...pairs);
  };

const both =
  (a: TurnCost, b: TurnCost): TurnCost =>
  (turn) => {
    const [first, second] = [a(turn), b(turn)];
    return first === undefined || second === undefined ? undefined : first + second;
  };

interface Span {
  turns: number;
  stride: number;
  /** From this turn on every turn costs the same. */
  lastGrowth: number;
  runs: number;
}

/** The dearest turns that are so far apart: the last one, and back from there. */
function sumOver(cost: TurnCost, { turns, stride, lastGrowth, runs }: Span): number | undefined {
  const level = turns <= lastGrowth ? 0 : Math.ceil((turns - lastGrowth) / stride);
  let sum = 0n;
  if (level > 0) {
    const one = cost(turns);
    if (one === undefined) return undefined;
    sum += BigInt(one) * BigInt(level);
  }
  for (let turn = turns - level * stride; turn >= 1; turn -= stride) {
    const one = cost(turn);
    if (one === undefined) return undefined;
    sum += BigInt(one);
  }
  return exact(sum * BigInt(runs));
}

/** The most that so many conversations of so many turns can cost. */
export function boundOf(askers: readonly Asker[], { turns, runs }: { turns: number; runs: number }): Bound {
  /** Of those askers and sizes that pass, the dearest persona of each turn and everybody beside it. */
  function prices(isMeant: (asker: Asker, size: RequestSize) => boolean): MostPrices {
    const meant = askers.flatMap((asker) => {
      const sizes = asker.sizes.filter((size) => isMeant(asker, size));
      return sizes.length === 0 ? [] : [{ ...asker, sizes }];
    });
    const speakers = meant.filter(({ persona }) => persona !== undefined);
    const beside = meant.filter(({ persona }) => persona === undefined);
    const growths = meant.flatMap((asker) => asker.sizes.map((size) => lastGrowth(asker, size)));
    const end = Math.max(1, ...growths);
    const priced = (tier: Tier) => {
      const costOf = (asker: Asker) => most(asker.sizes.map((size) => sizeCost(asker, size, tier)));
      const span = { turns, lastGrowth: end, runs };
      const only = speakers.length === 1 ? speakers[0] : undefined;
      const spoken =
        only === undefined
          ? sumOver(twoTurns(speakers.map(costOf)), { ...span, lastGrowth: end + 1, stride: 2 })
          : sumOver(costOf(only), { ...span, stride: only.stride });
      const others = sumOver(
        beside.map(costOf).reduce(both, () => 0),
        { ...span, stride: 1 },
      );
      return spoken === undefined || others === undefined
        ? undefined
        : exact(BigInt(spoken) + BigInt(others));
    };
    return { costNanoUsd: priced("standard"), batchNanoUsd: priced("batch") };
  }

  const by = (
    names: readonly (string | undefined)[],
    isMeant: (name: string, asker: Asker, size: RequestSize) => boolean,
  ) =>
    Object.fromEntries(
      [...new Set(names)].flatMap((name) =>
        name === undefined ? [] : [[name, prices((asker, size) => isMeant(name, asker, size))] as const],
      ),
    );
  const speaking = askers.filter(({ persona }) => persona !== undefined);
  const perTurn =
    Math.max(0, ...speaking.map(({ requestsPerTurn }) => requestsPerTurn)) +
    askers
      .filter(({ persona }) => persona === undefined)
      .reduce((sum, { requestsPerTurn }) => sum + requestsPerTurn, 0);
  const hasOthers = askers.some(({ persona }) => persona === undefined);
  return {
    requests: exact(BigInt(perTurn) * BigInt(turns) * BigInt(runs)),
    total: prices(() => true),
    others: hasOthers ? prices(({ persona }) => persona === undefined) : undefined,
    byPersona: by(
      askers.map(({ persona }) => persona),
      (name, { persona }) => persona === name,
    ),
    byModel: by(
      askers.flatMap(({ sizes }) => sizes.map(({ model }) => model.id)),
      (name, _, { model }) => model.id === name,
    ),
    byPurpose: by(
      askers.map(({ purpose }) => purpose),
      (name, { purpose }) => purpose === name,
    ),
  };
}
