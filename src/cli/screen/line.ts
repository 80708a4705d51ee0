/**
 * Lines of styled spans and the one place where they become text. Whatever a span holds, what `printLine` returns has
 * no control character that it did not put there itself, and is no wider than the columns.
 */
import stringWidth from "string-width";
import wrapAnsi from "wrap-ansi";
import { plainLine, plainText } from "../../report/plain-text.ts";
import { paint, type Style } from "./paint.ts";

/** Where the lines go. */
export interface ScreenOptions {
  /** Width of the terminal; less than 20 is taken as 20. */
  columns: number;
  /** False for pipes and NO_COLOR: no escape sequence at all. */
  colour: boolean;
}

export interface Span {
  text: string;
  style?: Style | undefined;
}
export type Line = readonly Span[];

const NARROWEST = 20;
/** Longer lines of prose are hard to read. */
const PROSE_COLUMNS = 100;

export const screenColumns = ({ columns }: ScreenOptions): number => Math.max(NARROWEST, columns);
export const proseColumns = (options: ScreenOptions): number =>
  Math.min(PROSE_COLUMNS, screenColumns(options));

export const span = (text: string, style?: Style): Span => ({ text: plainLine(text), style });
export const gap = (columns: number): Span => ({ text: " ".repeat(Math.max(0, columns)) });
export const widthOf = (line: Line): number => stringWidth(line.map(({ text }) => text).join(""));

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The text itself if it fits, else its beginning and `…`. */
export function cut(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  if (columns < 1) return "";
  let kept = "";
  for (const { segment } of graphemes.segment(text)) {
    if (stringWidth(kept + segment) > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** The spans that fit and the beginning of the first that does not; a line too long always ends in `…`. */
function cutLine(line: Line, columns: number): Line {
  const kept: Span[] = [];
  for (const { text, style } of line) {
    if (widthOf([...kept, { text }]) > columns - 1) {
      return [...kept, { text: cut(`${text}…`, columns - widthOf(kept)), style }];
    }
    kept.push({ text, style });
  }
  return kept;
}

/** One line of text, neutralised, cut to the columns and painted; spaces at its end are dropped. */
export function printLine(line: Line, options: ScreenOptions): string {
  const safe = line.map(({ text, style }) => ({ text: plainText(text).replaceAll("\n", " "), style }));
  const columns = screenColumns(options);
  return (widthOf(safe) <= columns ? safe : cutLine(safe, columns))
    .map(({ text, style }) => (options.colour ? paint(text, style) : text))
    .join("")
    .trimEnd();
}

export const printLines = (lines: readonly Line[], options: ScreenOptions): string[] =>
  lines.map((line) => printLine(line, options));

/** The words of a text in lines of at most `columns`; empty lines are kept, but no two in a row. */
export function wrapText(text: string, columns: number): string[] {
  const lines = wrapAnsi(plainText(text).trim(), Math.max(1, columns), { hard: true }).split("\n");
  return lines.filter((line, index) => line !== "" || lines[index - 1] !== "");
}

/** A paragraph with every line indented. */
export function prose(text: string, options: { columns: number; indent: number; style?: Style }): Line[] {
  const { columns, indent, style } = options;
  return wrapText(text, columns - indent).map((line) =>
    line === "" ? [] : [gap(indent), { text: line, style }],
  );
}

/** Items side by side, two spaces apart, going on in the next line where one does not fit. */
export function flow(items: readonly Line[], options: { columns: number; indent: number }): Line[] {
  const room = options.columns - options.indent;
  const fitting = items.flatMap((item) => (widthOf(item) <= room ? [item] : broken(item, room)));
  const rows: Span[][] = [];
  for (const item of fitting) {
    const row = rows.at(-1);
    if (row === undefined || widthOf([...row, gap(2), ...item]) > options.columns) {
      rows.push([gap(options.indent), ...item]);
    } else {
      row.push(gap(2), ...item);
    }
  }
  return rows;
}

/** An item too wide for any line, as several that fit. */
const broken = (item: Line, columns: number): Line[] =>
  item.flatMap(({ text, style }) => wrapText(text, columns).map((part) => [{ text: part, style }]));
