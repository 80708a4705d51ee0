/** Buckets of a report as JSON or CSV, written as they come: what is not shown need not be kept. */
import type { Bucket } from "../organization/pages.ts";
import type { Column } from "../report/columns.ts";
import { csvHead, csvLine } from "../report/csv.ts";
import { jsonText } from "../report/json-text.ts";
import type { Destination } from "./export-file.ts";

export type ReportFormat = "text" | "json" | "csv";

/** A row with the time of its bucket, as ISO 8601 in UTC. */
export type TimedRow<Row> = Row & { startsAt: string; endsAt: string };

export interface BucketSheet<Row> {
  /** Of CSV; `starts_at` and `ends_at` come first. */
  columns: readonly Column<Row>[];
  /** As JSON has it: what is unknown is null. */
  jsonOf(row: Row): object;
  /** What an empty bucket is in CSV, where it would be missing. */
  empty: Row;
}

export interface BucketWriter<Row> {
  begin(head: object): Promise<void>;
  add(bucket: Bucket<Row>): Promise<void>;
  /** What is known when all was read. */
  end(tail: object): Promise<void>;
}

/** One write for so many characters. */
const CHARACTERS_AT_ONCE = 64_000;

const iso = (time: number) => new Date(time).toISOString();

export function createBucketWriter<Row>(
  format: ReportFormat,
  { columns, jsonOf, empty }: BucketSheet<Row>,
  destination: Destination,
): BucketWriter<Row> {
  const timed: readonly Column<TimedRow<Row>>[] = [
    { name: "starts_at", kind: "time", of: ({ startsAt }) => startsAt },
    { name: "ends_at", kind: "time", of: ({ endsAt }) => endsAt },
    ...columns,
  ];
  let waiting = "";
  let isFirst = true;
  const write = async (text: string, isLast = false) => {
    waiting += text;
    if (waiting.length < CHARACTERS_AT_ONCE && !isLast) return;
    const ready = waiting;
    waiting = "";
    if (ready !== "") await destination.write(ready);
  };
  const csvOf = ({ startsAt, endsAt, rows }: Bucket<Row>) =>
    (rows.length === 0 ? [empty] : rows)
      .map((row) => ({ ...row, startsAt: iso(startsAt), endsAt: iso(endsAt) }))
      .map((row) => csvLine(timed, row, { hasFormulaGuard: true }))
      .join("");
  return {
    async begin(head) {
      if (format === "csv") await write(csvHead(timed));
      if (format === "json") await write(`${jsonText(head).slice(0, -1)},"buckets":[`);
    },
    async add(bucket) {
      if (format === "csv") await write(csvOf(bucket));
      if (format === "json") {
        const { startsAt, endsAt, rows } = bucket;
        const shown = { startsAt: iso(startsAt), endsAt: iso(endsAt), rows: rows.map(jsonOf) };
        await write(`${isFirst ? "" : ","}\n${jsonText(shown)}`);
      }
      isFirst = false;
    },
    async end(tail) {
      await write(format === "json" ? `\n],${jsonText(tail).slice(1)}\n` : "", true);
    },
  };
}
