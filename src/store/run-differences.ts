/** What differs between a run that is stored and one that is planned under its id. */
import { isDeepStrictEqual } from "node:util";
import { formatUsd } from "../domain/money.ts";

/** What a run is made of. */
export interface RunOutline {
  definition: { scenario: object; context: object; transport?: string | undefined };
  conversations: number;
  /** Of its first conversation. */
  seed: number | undefined;
  maxCostNanoUsd: number | undefined;
}

/** As it comes back from the store. */
const stored = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null));

function keysThatDiffer(a: object, b: object): string[] {
  const [one, other] = [a, b] as [Record<string, unknown>, Record<string, unknown>];
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].filter((key) => !isDeepStrictEqual(stored(one[key]), stored(other[key]))).sort();
}

const capText = (nano: number | undefined) => (nano === undefined ? "no cap" : `a cap of ${formatUsd(nano)}`);

const transportText = ({ transport = "network" }: RunOutline["definition"]) => transport;

/** A phrase each; none: they are the same. */
export function runDifferences(there: RunOutline, asked: RunOutline): string[] {
  const [a, b] = [there.definition, asked.definition];
  const scenarioKeys = keysThatDiffer(a.scenario, b.scenario);
  const settings = keysThatDiffer(a.context, b.context).map((key) => {
    const [was, is] = [a.context, b.context].map((context) =>
      JSON.stringify((context as Record<string, unknown>)[key] ?? null),
    );
    return `the setting ${key} is ${was} there, asked was ${is}`;
  });
  return [
    ...(scenarioKeys.includes("id")
      ? ["it is of another scenario"]
      : scenarioKeys.length > 0
        ? [`the scenario differs in ${scenarioKeys.join(", ")}`]
        : []),
    ...settings,
    ...(a.transport === b.transport
      ? []
      : [`its transport is ${transportText(a)} there, asked was ${transportText(b)}`]),
    ...(there.conversations === asked.conversations
      ? []
      : [`it has ${there.conversations} conversations, asked were ${asked.conversations}`]),
    ...(there.seed === asked.seed ? [] : [`its seed is ${there.seed}, asked was ${asked.seed}`]),
    ...(there.maxCostNanoUsd === asked.maxCostNanoUsd
      ? []
      : [`it has ${capText(there.maxCostNanoUsd)}, asked was ${capText(asked.maxCostNanoUsd)}`]),
  ];
}
