/** The buckets of a report, page after page, each checked; memory holds a page at a time. */
import type { OpenAIClient } from "@langchain/openai";
import { z } from "zod";
import { createAdminClient } from "../admin/client.ts";
import { PageTimeout, reportFailure, WrongAnswer } from "./failure.ts";
import { type BucketWidth, type Period, periodOf, type ReportOptions, WIDTH_MS } from "./options.ts";

/** What there was in a minute, an hour or a day of UTC; times are milliseconds since 1970. */
export interface Bucket<Row> {
  startsAt: number;
  /** Excluded. */
  endsAt: number;
  /** None where there was nothing. */
  rows: Row[];
}

/** One page, as it is asked for; `page` is where the one before left off. */
export interface PageQuery {
  start_time: number;
  end_time: number;
  limit: number;
  page?: string;
}

export interface Report<Result, Row> {
  /** Like `the organization's costs`. */
  what: string;
  width: BucketWidth;
  /** Buckets a page: the most that the provider gives. */
  limit: number;
  result: z.ZodType<Result>;
  /** Throws `WrongAnswer` for what cannot be. */
  rowOf(result: Result): Row;
  ask(client: OpenAIClient, query: PageQuery, options: { signal: AbortSignal }): PromiseLike<unknown>;
}

const MOST_RETRIES = 4;
const TIMEOUT_MS = 300_000;
/** In a row: a server that has more to come and sends nothing would be asked for ever. */
const MOST_EMPTY_PAGES = 3;

/** Up to the last time that a Date holds. */
const seconds = z.int().min(0).max(8.64e12);
const pageSchema = <Result>(result: z.ZodType<Result>) =>
  z.object({
    data: z.array(z.object({ start_time: seconds, end_time: seconds, results: z.array(result) })),
    has_more: z.boolean(),
    next_page: z.string().min(1).nullish(),
  });

interface Page<Row> {
  buckets: Bucket<Row>[];
  next: string | undefined;
}

function checkedPage<Result, Row>(answer: unknown, { result, rowOf }: Report<Result, Row>): Page<Row> {
  const parsed = pageSchema(result).safeParse(answer);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue?.path.join(".") || "the answer";
    throw new WrongAnswer(`it is not what is documented (${place}: ${issue?.message})`);
  }
  const { data, has_more, next_page } = parsed.data;
  if (has_more && !next_page) throw new WrongAnswer("there is more to come, but no `next_page` to ask for");
  return {
    buckets: data.map(({ start_time, end_time, results }) => ({
      startsAt: start_time * 1000,
      endsAt: end_time * 1000,
      rows: results.map(rowOf),
    })),
    next: has_more ? (next_page ?? undefined) : undefined,
  };
}

/** Counts every bucket once: whoever sends one twice, out of order or from another time would make a wrong sum. */
function createOrderCheck({ since, until }: Period, width: BucketWidth): (bucket: Bucket<unknown>) => void {
  let last = since - 1;
  return ({ startsAt, endsAt }) => {
    const place = new Date(startsAt).toISOString();
    if (startsAt <= last) throw new WrongAnswer(`the bucket of ${place} came twice, or out of order`);
    if (startsAt >= until || endsAt <= startsAt || endsAt - startsAt > WIDTH_MS[width]) {
      throw new WrongAnswer(`a bucket of ${width} from ${place} on is none that was asked for`);
    }
    last = Math.max(startsAt, endsAt - 1);
  };
}

/** Settles with the work, or rejects with the signal's reason when that is aborted, whatever the work makes of it. */
function orAborted<T>(work: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    Promise.resolve(work)
      .finally(() => signal.removeEventListener("abort", onAbort))
      .then(resolve, reject);
  });
}

async function askInTime<T>(
  ask: (signal: AbortSignal) => PromiseLike<T>,
  { signal, timeoutMs = TIMEOUT_MS }: ReportOptions,
): Promise<T> {
  const late = new AbortController();
  const message = `no page within ${timeoutMs / 1000} s`;
  const timer = setTimeout(() => late.abort(new PageTimeout(message)), timeoutMs);
  const either = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
  try {
    return await orAborted(ask(either), either);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Every bucket of the time, once and in order.
 *
 * @throws DramatisError when any page fails; what was yielded before is then not the whole. The signal's reason when it
 * is aborted.
 */
export async function* readReport<Result, Row>(
  report: Report<Result, Row>,
  options: ReportOptions,
): AsyncGenerator<Bucket<Row>, void> {
  const { signal } = options;
  signal?.throwIfAborted();
  const period = periodOf(options, report.width);
  const client = createAdminClient(options, options.maxRetries ?? MOST_RETRIES);
  const query = { start_time: period.since / 1000, end_time: period.until / 1000, limit: report.limit };
  const checkOrder = createOrderCheck(period, report.width);
  const seen = new Set<string>();
  let pages = 0;
  let empty = 0;
  let next: string | undefined;
  do {
    let page: Page<Row>;
    try {
      const asked = next === undefined ? query : { ...query, page: next };
      const answer = await askInTime((either) => report.ask(client, asked, { signal: either }), options);
      page = checkedPage(answer, report);
      for (const bucket of page.buckets) checkOrder(bucket);
      empty = page.buckets.length === 0 ? empty + 1 : 0;
      if (page.next !== undefined && empty >= MOST_EMPTY_PAGES) {
        throw new WrongAnswer(`${empty} empty pages came, and always with more to follow`);
      }
      if (page.next !== undefined && seen.has(page.next)) {
        throw new WrongAnswer("a `next_page` came a second time, so that there would be no end");
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw reportFailure({ ...options, what: report.what, pages }, error);
    }
    pages += 1;
    next = page.next;
    if (next !== undefined) seen.add(next);
    yield* page.buckets;
  } while (next !== undefined);
}
