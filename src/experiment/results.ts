/** Results of an experiment: a row a conversation, a summary an arm, and differences between arms. Pure. */
import type { Measures } from "./measures.ts";
import { type Estimate, estimate } from "./statistics.ts";

/** One conversation. What is unknown is undefined, and so are measures of what has not finished. */
export interface ResultRow extends Measures {
  conversation: string;
  arm: string;
  /** Level by factor. */
  levels: Readonly<Record<string, string>>;
  repeat: number;
  seed: number;
  /** `completed` has finished; everything else is counted and left out. */
  status: string;
  /** The ending that fired. */
  ending: string | undefined;
  turns: number;
  requests: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  costNanoUsd: number | undefined;
  /** The most that requests of unknown cost can have cost. */
  unpricedRequests: number;
  unpricedBoundNanoUsd: number;
  durationMs: number | undefined;
}

/** What arms are compared by, in the order they are shown. */
export const MEASURES = [
  "turns",
  "costUsd",
  "concluding",
  "confidence",
  "citationsPerTurn",
  "wordsPerTurn",
  "inequality",
] as const;
/** What arms are compared by. */
export type Measure = (typeof MEASURES)[number];
/** The mean of every measure, with its uncertainty. */
export type Estimates = Record<Measure, Estimate>;

/** What became of an arm's conversations, and its means. */
export interface ArmSummary {
  arm: string;
  levels: Readonly<Record<string, string>>;
  conversations: number;
  /** Conversations that ended by one of their endings: the only ones that are measured. */
  finished: number;
  failed: number;
  /** Cut off by a cap. */
  budget: number;
  cancelled: number;
  /** Not begun, under way, or to be gone on with. */
  open: number;
  estimates: Estimates;
}

/** How an arm differs from the first one, pair by pair: the same repeat, and so the same seed, of both. */
export interface ArmDifference {
  arm: string;
  /** Repeats that finished in both arms. */
  pairs: number;
  estimates: Estimates;
}

export interface ResultsSummary {
  arms: ArmSummary[];
  /** Undefined: repeats have different seeds in different arms, and there are no pairs. */
  differences: { from: string; arms: ArmDifference[] } | undefined;
}

export const isFinished = ({ status }: Pick<ResultRow, "status">): boolean => status === "completed";

const NANO = 1e9;

/** A row's figure; undefined where it is not known whole. */
export function figureOf(row: ResultRow, measure: Measure): number | undefined {
  if (measure !== "costUsd") return row[measure];
  return row.costNanoUsd === undefined || row.unpricedRequests > 0 ? undefined : row.costNanoUsd / NANO;
}

const estimates = (figures: (measure: Measure) => (number | undefined)[]): Estimates =>
  Object.fromEntries(MEASURES.map((measure) => [measure, estimate(figures(measure))])) as Estimates;

function summaryOf(arm: Arm, rows: readonly ResultRow[]): ArmSummary {
  const having = (...statuses: string[]) => rows.filter(({ status }) => statuses.includes(status)).length;
  const finished = rows.filter(isFinished);
  const counts = {
    finished: finished.length,
    failed: having("failed"),
    budget: having("budget"),
    cancelled: having("cancelled"),
  };
  const ended = counts.finished + counts.failed + counts.budget + counts.cancelled;
  return {
    arm: arm.name,
    levels: arm.levels,
    conversations: rows.length,
    ...counts,
    open: rows.length - ended,
    estimates: estimates((measure) => finished.map((row) => figureOf(row, measure))),
  };
}

function differenceOf(arm: string, rows: readonly ResultRow[], first: readonly ResultRow[]): ArmDifference {
  const byRepeat = new Map(first.filter(isFinished).map((row) => [row.repeat, row]));
  const pairs = rows.filter(isFinished).flatMap((row) => {
    const other = byRepeat.get(row.repeat);
    return other === undefined ? [] : [{ row, other }];
  });
  const difference = (measure: Measure) =>
    pairs.map(({ row, other }) => {
      const [own, its] = [figureOf(row, measure), figureOf(other, measure)];
      return own === undefined || its === undefined ? undefined : own - its;
    });
  return { arm, pairs: pairs.length, estimates: estimates(difference) };
}

interface Arm {
  name: string;
  levels: Readonly<Record<string, string>>;
}

/** @param arms in the order of the design; the first is what the others are compared with */
export function summarise(
  arms: readonly Arm[],
  rows: readonly ResultRow[],
  { commonRandomNumbers }: { commonRandomNumbers: boolean },
): ResultsSummary {
  const byArm = new Map(arms.map(({ name }): [string, ResultRow[]] => [name, []]));
  for (const row of rows) byArm.get(row.arm)?.push(row);
  const rowsOf = (name: string) => byArm.get(name) ?? [];
  const [first, ...others] = arms;
  return {
    arms: arms.map((arm) => summaryOf(arm, rowsOf(arm.name))),
    differences:
      first === undefined || !commonRandomNumbers
        ? undefined
        : {
            from: first.name,
            arms: others.map(({ name }) => differenceOf(name, rowsOf(name), rowsOf(first.name))),
          },
  };
}
