/**
 * A table aligned by what characters really take up. Too little room narrows names, then drops columns, then shortens what else
 * is a name; figures are whole, or not there.
 */
import { cut, gap, type Line, type Span, span, widthOf } from "./line.ts";

export interface Column {
  title: string;
  align?: "left" | "right";
  /** May be left out where the table would not fit; the last such column goes first. `at last`: after names were shortened. */
  isOptional?: boolean | "at last";
  /** What it holds must be typed somewhere else: narrowed only once no other column can go, and then in the middle. */
  isWhole?: boolean;
}

const GAP = 2;
/** Left-aligned columns are narrowed to this, if they are wider, before a column is dropped. */
const NARROWED = 14;
/** What must be typed is shortened to this before the last columns go, since its ends still tell one from another. */
const SHORTENED = 8;
const NEVER = Number.POSITIVE_INFINITY;

/** Widths that fit in `room`, or undefined where even narrowed columns do not. */
function fitWidths(
  columns: readonly Column[],
  natural: readonly number[],
  { room, leastWhole }: { room: number; leastWhole: number },
): number[] | undefined {
  const widths = [...natural];
  const least = ({ align, isWhole }: Column) => {
    if (align === "right") return NEVER;
    return isWhole ? leastWhole : NARROWED;
  };
  const excess = () => widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1)) - room;
  const spare = (index: number) => (widths[index] ?? 0) - least(columns[index] ?? { title: "" });
  while (excess() > 0) {
    const places = columns.map((_, index) => index).filter((index) => spare(index) > 0);
    const [first] = places.sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    if (first === undefined) return undefined;
    widths[first] = (widths[first] ?? 0) - Math.min(spare(first), excess());
  }
  return widths;
}

/** The ends of a text, and `…` between them. */
function cutInside(text: string, columns: number): string {
  if (widthOf([{ text }]) <= columns) return text;
  const tail = Math.floor((columns - 1) / 2);
  // Ids are of letters that take up one column each.
  return tail < 1 ? cut(text, columns) : `${cut(text, columns - tail)}${text.slice(-tail)}`;
}

/** Cells of one row; `rule` is a line across, no cells an empty line. */
export type Row = readonly Span[] | "rule";

/** The lines of a table, its head first. `options.columns` is the room for it with its indent. */
export function table(
  head: readonly Column[],
  rows: readonly Row[],
  options: { columns: number; indent: number },
): Line[] {
  const { columns, indent } = options;
  const titles = head.map(({ title }) => span(title, "quiet"));
  const natural = head.map((_, index) =>
    Math.max(...[titles, ...rows].map((row) => (row === "rule" ? 0 : widthOf(row.slice(index, index + 1))))),
  );
  const fitted = (leastWhole: number) => fitWidths(head, natural, { room: columns - indent, leastWhole });
  const early = head.findLastIndex(({ isOptional }) => isOptional === true);
  const dropped = early === -1 ? head.findLastIndex(({ isOptional }) => isOptional === "at last") : early;
  const shortened = dropped === -1 ? 1 : SHORTENED;
  const widths = fitted(NEVER) ?? (early === -1 ? fitted(shortened) : undefined);
  if (widths === undefined && dropped !== -1) {
    const keep = <Item>(items: readonly Item[]) => items.filter((_, index) => index !== dropped);
    const kept = rows.map((row) => (row === "rule" ? row : keep(row)));
    return table(keep(head), kept, options);
  }
  const shown = widths ?? natural;
  const across = "─".repeat(shown.reduce((sum, width) => sum + width, GAP * (shown.length - 1)));
  const print = (row: Row): Line =>
    row === "rule"
      ? [gap(indent), { text: across, style: "quiet" }]
      : [gap(indent), ...shown.flatMap((width, index) => cellSpans(row[index], width, head[index], index))];
  return [titles, ...rows].map(print);
}

function cellSpans(
  cell: Span = { text: "" },
  width: number,
  column: Column | undefined,
  index: number,
): Span[] {
  const text = (column?.isWhole ? cutInside : cut)(cell.text, width);
  const shown: Span = { text, style: cell.style };
  const padding = gap(width - widthOf([shown]));
  const between = gap(index === 0 ? 0 : GAP);
  return column?.align === "right" ? [between, padding, shown] : [between, shown, padding];
}
