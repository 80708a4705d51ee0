/** CSV as RFC 4180 has it: commas, CRLF, quotes where they are needed; nothing in it can become a spreadsheet's formula. */
import type { Column } from "./columns.ts";

/**
 * What spreadsheets take for the beginning of a formula, also in its full-width forms and behind white space; a text could
 * call a program or send the sheet's content away.
 */
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/u;
const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;

export interface CsvOptions {
  /** Puts an apostrophe before texts that a spreadsheet would run as a formula; the text is no longer the same to the byte. */
  hasFormulaGuard: boolean;
  /** Told of every text that got one. */
  onGuarded?: (() => void) | undefined;
}

const quoted = (text: string) => (NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function textOf<Row>(column: Column<Row>, row: Row): string {
  const value = column.of(row);
  if (value === undefined) return "";
  return column.kind === "texts" || column.kind === "json" ? JSON.stringify(value) : String(value);
}

export const csvHead = (columns: readonly { name: string }[]): string =>
  `${columns.map(({ name }) => quoted(name)).join(",")}\r\n`;

/** One line. Lists and structures are JSON in their cell; what is unknown is an empty cell. */
export function csvLine<Row>(columns: readonly Column<Row>[], row: Row, options: CsvOptions): string {
  const cells = columns.map((column) => {
    const text = textOf(column, row);
    // Numbers and times are ours; a minus before them is one.
    if (column.kind !== "text" || !options.hasFormulaGuard || !FORMULA.test(text)) return quoted(text);
    options.onGuarded?.();
    return quoted(`'${text}`);
  });
  return `${cells.join(",")}\r\n`;
}
