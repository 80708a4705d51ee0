/** Sums over rows of reports: exact, or an error; memory holds what is told apart and no row. */
import { DramatisError } from "../domain/errors.ts";

/** @throws DramatisError `invalid-argument` where a sum is beyond what whole numbers tell exactly: 9 million dollars in nano-dollars */
export function exactSum(a: number, b: number): number {
  const sum = a + b;
  if (Number.isSafeInteger(sum)) return sum;
  throw new DramatisError(
    "invalid-argument",
    `A sum of the report is beyond ${Number.MAX_SAFE_INTEGER.toLocaleString("en-US")} and would not be exact. Ask about less time, or group it by more.`,
  );
}

/** Undefined where one of them is. @throws as `exactSum` does */
export const knownSum = (amounts: readonly (number | undefined)[]): number | undefined =>
  amounts.reduce<number | undefined>(
    (sum, amount) => (sum === undefined || amount === undefined ? undefined : exactSum(sum, amount)),
    0,
  );

/** Figures that are added up, each a safe integer. */
export type Figures = Readonly<Record<string, number>>;

export const addFigures = <F extends Figures>(a: F, b: F): F =>
  Object.fromEntries(Object.entries(a).map(([name, value]) => [name, exactSum(value, b[name] ?? 0)])) as F;

export interface Group<F extends Figures> {
  /** What its rows have in common, in the order of what was asked for; undefined: the provider does not know. */
  readonly place: readonly (string | undefined)[];
  readonly sums: F;
}

export interface Groups<F extends Figures> {
  add(place: readonly (string | undefined)[], figures: F): void;
  /** In the order in which they came. */
  list(): Group<F>[];
  /** Undefined where nothing was added. */
  total(): F | undefined;
}

export function createGroups<F extends Figures>(): Groups<F> {
  const groups = new Map<string, Group<F>>();
  let all: F | undefined;
  return {
    add(place, figures) {
      const key = JSON.stringify(place.map((name) => name ?? null));
      const known = groups.get(key);
      groups.set(key, { place, sums: known === undefined ? figures : addFigures(known.sums, figures) });
      all = all === undefined ? figures : addFigures(all, figures);
    },
    list: () => [...groups.values()],
    total: () => all,
  };
}
