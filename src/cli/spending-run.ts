/** What `dramatis costs` and `dramatis usage` have in common: whom to ask, what is kept of the answers, and where it goes. */
import type { AdminAccess } from "../admin/client.ts";
import { DramatisError } from "../domain/errors.ts";
import { createChart } from "../organization/chart.ts";
import { type BucketWidth, type Period, type ReportOptions, WIDTH_MS } from "../organization/options.ts";
import type { Bucket } from "../organization/pages.ts";
import { createGroups, type Figures, type Group } from "../organization/sums.ts";
import { adminAccess } from "./admin-access.ts";
import { type BucketSheet, createBucketWriter, type ReportFormat } from "./bucket-writer.ts";
import { EXIT } from "./exit-code.ts";
import { type Destination, openFile, standardOutput } from "./export-file.ts";
import { type Moment, typedPeriod } from "./moment.ts";
import { renderSpending } from "./screen/spending.ts";
import { spendingPage } from "./screen/spending-page.ts";
import type { SpendingTable, SpendingView } from "./screen/spending-view.ts";
import type { Terminal } from "./terminal.ts";
import { outputPath } from "./typed-path.ts";

export interface SpendingFlags {
  since?: Moment;
  until?: Moment;
  json?: boolean;
  csv?: boolean;
  html?: string;
}

/** What was read, besides the bars. */
export interface Sums<F extends Figures> {
  groups: readonly Group<F>[];
  /** Undefined: nothing was there. */
  total: F | undefined;
}

/** One of the two reports; `Row` is what the provider tells, `F` what of it is added up. */
export interface SpendingPlan<Row, F extends Figures> {
  what: "costs" | "usage";
  title: string;
  unit: string;
  texts: SpendingView["texts"];
  bucket: BucketWidth;
  /** Since when, unless it is said; milliseconds before now. */
  usualMs: number;
  groupBy: readonly string[];
  sheet: BucketSheet<Row>;
  read(options: ReportOptions): AsyncIterable<Bucket<Row>>;
  /** By what a row's group is known. */
  placeOf(row: Row): (string | undefined)[];
  /** Whose part of the bar it is. */
  partOf(row: Row): string;
  /** Undefined: it is in no sum. */
  figuresOf(row: Row): F | undefined;
  valueOf(figures: F): number;
  /** Whatever else is to be read or kept. */
  onBucket?(bucket: Bucket<Row>): void;
  afterwards?(options: ReportOptions): Promise<void>;
  tables(sums: Sums<F>): SpendingTable[];
  notes(): string[];
  /** What JSON has after the buckets. */
  tail(sums: Sums<F>): object;
}

/** A bar a day for two years; a browser has room for that. */
const MOST_BARS = 750;

function formatOf({ json, csv }: SpendingFlags): ReportFormat {
  if (json && csv) throw new DramatisError("invalid-argument", "Expected --json or --csv, got both.");
  if (json) return "json";
  return csv ? "csv" : "text";
}

interface Time {
  since: number;
  until: number;
  /** In whole buckets. */
  whole: Period;
}

/** @throws DramatisError for a time that does not end after it begins */
function timeOf(
  flags: SpendingFlags,
  { bucket, usualMs }: { bucket: BucketWidth; usualMs: number },
  now: number,
): Time {
  const ms = WIDTH_MS[bucket];
  const { since, until } = typedPeriod(flags, usualMs, now);
  return { since, until, whole: { since: Math.floor(since / ms) * ms, until: Math.ceil(until / ms) * ms } };
}

interface Work<Row, F extends Figures> {
  plan: SpendingPlan<Row, F>;
  time: Time;
  format: ReportFormat;
  options: ReportOptions;
  access: AdminAccess & { baseUrl: string };
  terminal: Terminal;
}

/** Reads everything, writes what is asked for as it comes, and returns what is shown at the end. */
async function readAll<Row, F extends Figures>(work: Work<Row, F>): Promise<SpendingView> {
  const { plan, time, format, options, access, terminal } = work;
  const writer = createBucketWriter(format, plan.sheet, standardOutput(terminal));
  const chart = createChart(time.whole, WIDTH_MS[plan.bucket], MOST_BARS);
  const groups = createGroups<F>();
  const { host } = new URL(access.baseUrl);
  await writer.begin({
    report: plan.what,
    host,
    since: new Date(time.whole.since).toISOString(),
    until: new Date(time.until).toISOString(),
    bucket: plan.bucket,
    groupBy: plan.groupBy,
  });
  for await (const bucket of plan.read(options)) {
    for (const row of bucket.rows) {
      const figures = plan.figuresOf(row);
      if (figures === undefined) continue;
      groups.add(plan.placeOf(row), figures);
      chart.add(bucket.startsAt, plan.partOf(row), plan.valueOf(figures));
    }
    plan.onBucket?.(bucket);
    await writer.add(bucket);
  }
  await plan.afterwards?.(options);
  const sorted = groups.list().sort((a, b) => plan.valueOf(b.sums) - plan.valueOf(a.sums));
  const sums = { groups: sorted, total: groups.total() };
  await writer.end(plan.tail(sums));
  return {
    title: plan.title,
    host,
    since: time.whole.since,
    until: time.until,
    unit: plan.unit,
    chart: chart.read(),
    tables: plan.tables(sums),
    notes: plan.notes(),
    texts: plan.texts,
  };
}

/** Returns the exit code. */
export async function runSpending<Row, F extends Figures>(
  plan: SpendingPlan<Row, F>,
  flags: SpendingFlags,
  terminal: Terminal,
): Promise<number> {
  const format = formatOf(flags);
  const now = terminal.clock();
  const time = timeOf(flags, plan, now);
  const access = adminAccess(terminal);
  const interrupt = new AbortController();
  const dispose = terminal.onInterrupt(() => interrupt.abort());
  const { since, until } = time;
  const options = { ...access, since, until, signal: interrupt.signal, clock: terminal.clock };
  const file = flags.html === undefined ? undefined : outputPath(flags.html, terminal.env);
  let page: Destination | undefined;
  try {
    // What cannot be written is said before anything is asked for.
    if (file !== undefined) page = await openFile(file, "--html");
    const view = await readAll({ plan, time, format, options, access, terminal });
    if (format === "text") terminal.write(`${renderSpending(view, terminal.screen).join("\n")}\n`);
    if (page !== undefined) {
      await page.write(spendingPage(view));
      await page.finish();
      terminal.writeError(`Written: ${file}\n`);
    }
    return EXIT.done;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    return EXIT.interrupted;
  } finally {
    await page?.discard();
    dispose();
  }
}
