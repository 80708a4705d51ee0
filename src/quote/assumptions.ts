/** What a quote rests on, in sentences for people. */
/** What of a quote its assumptions depend on. */
interface Quoted {
  samples: readonly { seed: number; turns: number; isCutShort: boolean }[];
  outputTokensPerRequest: number;
  worst: { maxTurns: number | undefined };
  unpricedModels: readonly string[];
}

const number = (value: number) => value.toLocaleString("en-US");
const range = (values: readonly number[]) => {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? number(least) : `${number(least)} to ${number(most)}`;
};
const many = (quantity: number, noun: string) => `${number(quantity)} ${noun}${quantity === 1 ? "" : "s"}`;

/** The sentences, those about what is expected first. */
export function assumptionsOf({ samples, worst, outputTokensPerRequest, unpricedModels }: Quoted): string[] {
  const cutShort = samples.filter(({ isCutShort }) => isCutShort);
  const seeds = range(samples.map(({ seed }) => seed));
  const turns = range(samples.map((sample) => sample.turns));
  const what = samples.length === 1 ? "one offline run" : `${samples.length} offline runs`;
  return [
    `Expected: the mean of ${what} with the real prompts (seed ${seeds}, ${turns} turns, ${number(outputTokensPerRequest)} output tokens a request). A model's own answers may be longer or shorter, and end it sooner or later.`,
    ...(cutShort.length > 0
      ? [
          `${many(cutShort.length, "sample")} stopped after ${range(cutShort.map((sample) => sample.turns))} turns, before any ending: the turns after are not in the figures.`,
        ]
      : []),
    "The provider's prompt cache is taken to be empty at the start of each conversation; uncached: it never helps.",
    ...(worst.maxTurns === undefined
      ? ["At most: nothing limits the turns, so only a budget bounds the cost."]
      : [
          `At most: ${many(worst.maxTurns, "turn")}, each with all tool rounds and a repair, the longest prompts and answers, nothing cached. Each row alone; rows do not add up. Answers lost on the way are asked for again and come on top.`,
        ]),
    ...unpricedModels.map((id) => `${id} has no price in the catalog: what it costs is unknown.`),
  ];
}
