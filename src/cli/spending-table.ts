/** Groups of a report as a table, the greatest first; what is too much for a screen is one row. */
import type { Figures, Group } from "../organization/sums.ts";
import { count } from "../report/figures.ts";
import type { SpendingColumn, SpendingTable } from "./screen/spending-view.ts";

/** More groups are for a spreadsheet. */
const MOST_ROWS = 40;

/** What the provider does not tell has no name. */
export const nameOfPlace = (name: string | undefined): string => name ?? "(none)";

export interface GroupTable<F extends Figures> {
  /** Of what groups are told apart by; at least one. */
  titles: readonly string[];
  figures: readonly SpendingColumn[];
  /** In the order in which they are shown. */
  groups: readonly Group<F>[];
  total: F;
  sum(a: F, b: F): F;
  /** A cell for each figure, for each of these. */
  texts(all: readonly F[]): string[][];
}

export function groupTable<F extends Figures>(parts: GroupTable<F>): SpendingTable {
  const { titles, figures, groups, total, sum, texts } = parts;
  const shown = groups.length <= MOST_ROWS ? groups : groups.slice(0, MOST_ROWS - 1);
  const others = groups.slice(shown.length).map(({ sums }) => sums);
  const [first, ...more] = others;
  const rest = first === undefined ? [] : [more.reduce(sum, first)];
  const cells = texts([...shown.map(({ sums }) => sums), ...rest, total]);
  const named = (name: string, index: number) => [
    name,
    ...titles.slice(1).map(() => ""),
    ...(cells[index] ?? []),
  ];
  return {
    title: `By ${titles.join(", ")}`,
    head: [
      ...titles.map((title) => ({ title })),
      ...figures.map((column) => ({ ...column, isFigure: true })),
    ],
    rows: [
      ...shown.map(({ place }, index) => [...place.map(nameOfPlace), ...(cells[index] ?? [])]),
      ...(rest.length === 0 ? [] : [named(`${count(others.length, "other")}`, shown.length)]),
      "rule",
      named("all", shown.length + rest.length),
    ],
  };
}
