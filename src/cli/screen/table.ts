/** A table aligned by what characters really take up; too little room narrows names, then drops columns. */
import { cut, gap, type Line, type Span, span, widthOf } from "./line.ts";

export interface Column {
  title: string;
  align?: "left" | "right";
  /** May be left out where the table would not fit; the last such column goes first. */
  isOptional?: boolean;
  /** Never narrowed: what it holds must be typed somewhere else. */
  isWhole?: boolean;
}

const GAP = 2;
/** Left-aligned columns are narrowed to this, if they are wider, before a column is dropped. */
const NARROWED = 14;

/** Widths that fit in `room`, or undefined where even narrowed columns do not. */
function fitWidths(
  columns: readonly Column[],
  natural: readonly number[],
  room: number,
): number[] | undefined {
  const widths = [...natural];
  const isFixed = (index: number) => columns[index]?.align === "right" || columns[index]?.isWhole === true;
  const excess = () => widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1)) - room;
  while (excess() > 0) {
    const widest = Math.max(...widths.map((width, index) => (isFixed(index) ? 0 : width)));
    if (widest <= NARROWED) return undefined;
    const index = widths.findIndex((width, place) => width === widest && !isFixed(place));
    widths[index] = Math.max(NARROWED, widest - excess());
  }
  return widths;
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
  const widths = fitWidths(head, natural, columns - indent);
  const dropped = head.findLastIndex(({ isOptional }) => isOptional);
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
  const shown: Span = { text: cut(cell.text, width), style: cell.style };
  const padding = gap(width - widthOf([shown]));
  const between = gap(index === 0 ? 0 : GAP);
  return column?.align === "right" ? [between, padding, shown] : [between, shown, padding];
}
