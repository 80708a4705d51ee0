/** Parquet, as another library reads it. */
import { parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { expect, it } from "vitest";
import { columnsOf } from "../../src/report/columns.ts";
import { createParquet } from "../../src/report/parquet.ts";

interface Row {
  name: string | undefined;
  costNanoUsd: number | undefined;
  confidence: number;
  isLast: boolean;
  startedAt: string;
  tags: string[] | undefined;
  calls: object[];
}
const COLUMNS = columnsOf<Row>({
  name: "text",
  costNanoUsd: "integer",
  confidence: "number",
  isLast: "boolean",
  startedAt: "time",
  tags: "texts",
  calls: "json",
});
const ROW: Row = {
  name: "Inês 🙂\n=1",
  costNanoUsd: Number.MAX_SAFE_INTEGER,
  confidence: 0.72,
  isLast: true,
  startedAt: "2026-03-02T09:00:01.234Z",
  tags: ["a", "", "b,c"],
  calls: [{ name: "search", args: { query: "x" }, passages: [] }],
};

async function fileOf(rows: readonly Row[]) {
  const chunks: Uint8Array[] = [];
  const file = await createParquet(COLUMNS, async (bytes) => void chunks.push(bytes));
  for (const row of rows) await file.add(row);
  await file.finish();
  const bytes = Buffer.concat(chunks);
  return { bytes: new Uint8Array(bytes).buffer, chunks };
}

it("gives typed values back: exact whole numbers, times, lists, structures, and null where unknown", async () => {
  const unknown = { ...ROW, name: undefined, costNanoUsd: undefined, tags: undefined, calls: [] };
  const { bytes } = await fileOf([ROW, unknown]);
  const rows = await parquetReadObjects({ file: bytes });
  // The reader gives a list that is null as undefined.
  expect(rows.map((row) => ({ ...row, tags: row.tags ?? null }))).toEqual([
    {
      name: ROW.name,
      cost_nano_usd: BigInt(Number.MAX_SAFE_INTEGER),
      confidence: 0.72,
      is_last: true,
      started_at: new Date(ROW.startedAt),
      tags: ROW.tags,
      calls: ROW.calls,
    },
    expect.objectContaining({ name: null, cost_nano_usd: null, tags: null, calls: [] }),
  ]);
});

it("says the types in its schema", async () => {
  const { bytes } = await fileOf([ROW]);
  const { schema } = await parquetMetadataAsync(bytes);
  const types = schema
    .slice(1)
    .map(({ name, type, converted_type }) => [name, type, converted_type].join(" ").trim());
  expect(types).toEqual([
    "name BYTE_ARRAY UTF8",
    "cost_nano_usd INT64",
    "confidence DOUBLE",
    "is_last BOOLEAN",
    "started_at INT64 TIMESTAMP_MILLIS",
    "tags  LIST",
    "list",
    "element BYTE_ARRAY UTF8",
    "calls BYTE_ARRAY JSON",
  ]);
});

it("is written group by group, at 5,000 rows or 8 million characters", async () => {
  const many = await fileOf(Array.from({ length: 12_000 }, () => ROW));
  const metadata = await parquetMetadataAsync(many.bytes);
  expect(metadata.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([5_000, 5_000, 2_000]);
  expect(many.chunks.length).toBe(4);
  expect(await parquetReadObjects({ file: many.bytes, columns: ["name"] })).toHaveLength(12_000);
  const long = await fileOf(Array.from({ length: 9 }, () => ({ ...ROW, name: "x".repeat(2_000_000) })));
  expect((await parquetMetadataAsync(long.bytes)).row_groups.map(({ num_rows }) => Number(num_rows))).toEqual(
    [4, 4, 1],
  );
});

it("has its columns where there are no rows", async () => {
  const { bytes } = await fileOf([]);
  expect(await parquetReadObjects({ file: bytes })).toEqual([]);
  expect((await parquetMetadataAsync(bytes)).schema[0]?.num_children).toBe(COLUMNS.length);
});
