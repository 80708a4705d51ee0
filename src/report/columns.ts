/** Columns of exported rows: their names in files, and what kind of value each holds. */

/** time: ISO 8601, UTC. texts: a list. json: any structure. What is unknown is undefined, never 0. */
export type ColumnKind = "text" | "integer" | "number" | "boolean" | "time" | "texts" | "json";

export interface Column<Row> {
  /** As files name it. */
  name: string;
  kind: ColumnKind;
  of(row: Row): unknown;
}

const WORD = /[A-Z]/g;
const fileName = (key: string) => key.replace(WORD, (letter) => `_${letter.toLowerCase()}`);

/** A column for each key of a row, in this order: `costNanoUsd` is `cost_nano_usd` in files. */
export const columnsOf = <Row extends object>(kinds: Record<keyof Row & string, ColumnKind>): Column<Row>[] =>
  (Object.keys(kinds) as (keyof Row & string)[]).map((key) => ({
    name: fileName(key),
    kind: kinds[key],
    of: (row) => row[key],
  }));

/** A row as files of JSON lines hold it: every key, `null` where a value is unknown. */
export const jsonOf = <Row>(columns: readonly Column<Row>[], row: Row): Record<string, unknown> =>
  Object.fromEntries(columns.map((column) => [column.name, column.of(row) ?? null]));
