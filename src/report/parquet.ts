/** Rows as a Parquet file with typed columns, written group by group: what is held is one group and a line for each before it. */
import type { SchemaElement } from "hyparquet-writer";
import type { Column, ColumnKind } from "./columns.ts";

export interface ParquetFile<Row> {
  add(row: Row): Promise<void>;
  /** Writes what is left and the file's index; there may be no rows at all. */
  finish(): Promise<void>;
}

/** A group ends at either: rows, or some characters of text in them. */
const ROWS_IN_GROUP = 5_000;
const CHARACTERS_IN_GROUP = 8_000_000;

/** Every column may be empty: unknown is null, in each of them. */
function elementsOf({ name, kind }: { name: string; kind: ColumnKind }): SchemaElement[] {
  const optional = { name, repetition_type: "OPTIONAL" } as const;
  switch (kind) {
    case "text":
      return [{ ...optional, type: "BYTE_ARRAY", converted_type: "UTF8" }];
    case "json":
      return [{ ...optional, type: "BYTE_ARRAY", converted_type: "JSON" }];
    case "integer":
      return [{ ...optional, type: "INT64" }];
    case "number":
      return [{ ...optional, type: "DOUBLE" }];
    case "boolean":
      return [{ ...optional, type: "BOOLEAN" }];
    case "time":
      return [{ ...optional, type: "INT64", converted_type: "TIMESTAMP_MILLIS" }];
    case "texts":
      return [
        { ...optional, converted_type: "LIST", num_children: 1 },
        { name: "list", repetition_type: "REPEATED", num_children: 1 },
        { name: "element", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
      ];
  }
}

function cellOf<Row>({ kind, of }: Column<Row>, row: Row): unknown {
  const value = of(row);
  if (value === undefined) return null;
  if (kind === "integer") return BigInt(value as number);
  return kind === "time" ? new Date(value as string) : value;
}

const charactersOf = (cell: unknown): number => {
  if (typeof cell === "string") return cell.length;
  return typeof cell === "object" && cell !== null ? JSON.stringify(cell).length : 8;
};

/** @param write takes the file's bytes, in order; it may keep them */
export async function createParquet<Row>(
  columns: readonly Column<Row>[],
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<ParquetFile<Row>> {
  const { ByteWriter, ParquetWriter } = await import("hyparquet-writer");
  const bytes = new ByteWriter();
  const schema = [{ name: "root", num_children: columns.length }, ...columns.flatMap(elementsOf)];
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy: "dramatis" });
  let cells: unknown[][] = columns.map(() => []);
  let rows = 0;
  let characters = 0;

  async function flush(): Promise<void> {
    const chunk = bytes.getBytes().slice();
    bytes.index = 0;
    await write(chunk);
  }

  async function endGroup(): Promise<void> {
    const columnData = columns.map(({ name, kind }, index) => ({
      name,
      data: cells[index] ?? [],
      // Of texts as long as these the smallest and the greatest say nothing, and would be kept whole.
      statistics: kind !== "json",
    }));
    await writer.write({ columnData, rowGroupSize: rows });
    cells = columns.map(() => []);
    rows = 0;
    characters = 0;
    await flush();
  }

  return {
    async add(row) {
      columns.forEach((column, index) => {
        const cell = cellOf(column, row);
        characters += charactersOf(cell);
        cells[index]?.push(cell);
      });
      rows++;
      if (rows >= ROWS_IN_GROUP || characters >= CHARACTERS_IN_GROUP) await endGroup();
    },
    async finish() {
      if (rows > 0) await endGroup();
      await writer.finish();
      await flush();
    },
  };
}
