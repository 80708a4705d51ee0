/** What differs between a run that is stored and one that is planned under its id. */
import { isDeepStrictEqual } from "node:util";
import { formatUsd } from "../domain/money.ts";
import type { StoredArm } from "./arms.ts";

/** What a run is made of. */
export interface RunOutline {
  definition: {
    scenario: object;
    context: object;
    transport?: string | undefined;
    experiment?: object | undefined;
  };
  conversations: number;
  /** Of its first conversation, or repeat; undefined where any will do. */
  seed: number | undefined;
  maxCostNanoUsd: number | undefined;
  /** Of an experiment, in its order; else none. */
  arms: readonly StoredArm[];
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

function experimentDifferences(there: RunOutline, asked: RunOutline): string[] {
  const [a, b] = [there.definition.experiment, asked.definition.experiment];
  if (a === undefined || b === undefined) {
    if (a === b) return [];
    return [a === undefined ? "it is no experiment" : "it is an experiment, asked was none"];
  }
  // The seed is compared as that of the run, where one was asked for.
  const keys = keysThatDiffer(a, b).filter((key) => key !== "seed");
  if (keys.includes("id")) return ["it is of another experiment"];
  const differing = asked.arms.filter((arm, at) => keysThatDiffer(there.arms[at] ?? {}, arm).length > 0);
  const [first] = differing;
  return [
    ...(keys.length > 0 ? [`the experiment differs in ${keys.join(", ")}`] : []),
    ...(there.arms.length === asked.arms.length
      ? []
      : [`it has ${there.arms.length} arms, asked were ${asked.arms.length}`]),
    ...(first === undefined
      ? []
      : [`${differing.length} of its arms differ, the first of them is ${first.name}`]),
  ];
}

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
    ...experimentDifferences(there, asked),
    ...settings,
    ...(a.transport === b.transport
      ? []
      : [`its transport is ${transportText(a)} there, asked was ${transportText(b)}`]),
    ...(there.conversations === asked.conversations
      ? []
      : [`it has ${there.conversations} conversations, asked were ${asked.conversations}`]),
    ...(asked.seed === undefined || there.seed === asked.seed
      ? []
      : [`its seed is ${there.seed}, asked was ${asked.seed}`]),
    ...(there.maxCostNanoUsd === asked.maxCostNanoUsd
      ? []
      : [`it has ${capText(there.maxCostNanoUsd)}, asked was ${capText(asked.maxCostNanoUsd)}`]),
  ];
}
