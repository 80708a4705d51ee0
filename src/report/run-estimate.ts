/** How fast a run goes on, and what is left of it: from what has ended and what is under way. */

/** What is counted of a run at one moment. */
export interface RunSample {
  /** Milliseconds. */
  at: number;
  turns: number;
}

/** Turns a second over the latest samples; undefined: nothing was seen to move yet. */
export function turnRate(samples: readonly RunSample[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.at <= first.at || last.turns <= first.turns)
    return undefined;
  return ((last.turns - first.turns) / (last.at - first.at)) * 1000;
}

export interface RunCounts {
  /** Conversations: all, and those that have ended. */
  total: number;
  ended: number;
  turns: number;
  /** Of conversations that have ended. */
  endedTurns: number;
  costNanoUsd: number;
}

/**
 * What is left, as if the rest took as many turns as what has ended, at the same cost a turn. Undefined where nothing can be
 * said: nothing has ended yet, everything has, or the rest takes longer than that already.
 */
export function runEstimate(
  { total, ended, turns, endedTurns, costNanoUsd }: RunCounts,
  rate: number | undefined,
): { ms: number | undefined; costNanoUsd: number } | undefined {
  if (ended === 0 || ended >= total || endedTurns === 0 || turns === 0) return undefined;
  const left = (endedTurns / ended) * total - turns;
  if (left < 1) return undefined;
  return {
    ms: rate === undefined ? undefined : (left / rate) * 1000,
    costNanoUsd: Math.round((costNanoUsd / turns) * left),
  };
}
