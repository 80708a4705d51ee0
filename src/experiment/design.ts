/** The design of an experiment: from factors to combinations of their levels, and to conversations in a fair order. Pure. */
import { randomShare } from "../domain/random.ts";

/** A factor by name, and the names of its levels. */
export interface Factor {
  name: string;
  levels: readonly string[];
}

/** One combination of levels: what every factor is set to, by name. */
export type Levels = Readonly<Record<string, string>>;

/** A conversation as the experiment assigns it. */
export interface Assignment {
  arm: string;
  /** Counted from 1. */
  repeat: number;
  seed: number;
}

/** `policy=directed,model=gpt-4.1`: what an arm is called, everywhere. */
export const armName = (levels: Levels): string =>
  Object.entries(levels)
    .map(([factor, level]) => `${factor}=${level}`)
    .join(",");

/** Every combination; the levels of the last factor change first. */
export const fullFactorial = (factors: readonly Factor[]): Levels[] =>
  factors.reduce<Levels[]>(
    (rows, { name, levels }) => rows.flatMap((row) => levels.map((level) => ({ ...row, [name]: level }))),
    [{}],
  );

/** How arms and repeats become conversations. */
export interface AssignmentOptions {
  arms: readonly string[];
  repeats: number;
  seed: number;
  /** Whether a repeat has the same seed in every arm. */
  commonRandomNumbers: boolean;
}

/**
 * A randomised complete block design: repeat after repeat, each holding every arm once, in an order drawn from the
 * seed. Wherever it is stopped, no arm is more than one conversation ahead of another.
 */
export function assign({ arms, repeats, seed, commonRandomNumbers }: AssignmentOptions): Assignment[] {
  return Array.from({ length: repeats }, (_, block) =>
    arms
      .map((arm, place) => ({
        arm,
        repeat: block + 1,
        seed: seed + (commonRandomNumbers ? block : block * arms.length + place),
      }))
      .map((assignment) => ({ assignment, drawn: randomShare(seed, "order", block, assignment.arm) }))
      .sort((a, b) => a.drawn - b.drawn)
      .map(({ assignment }) => assignment),
  ).flat();
}
