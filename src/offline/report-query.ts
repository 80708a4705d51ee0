/** What a report of the organization is asked for: its query, checked as the provider does and a little more strictly. */
import { createHash } from "node:crypto";
import { badRequest } from "./api-error.ts";
import { checkChoice, checkInteger } from "./field-checks.ts";

export type BucketWidth = "1m" | "1h" | "1d";
/** Seconds. */
export const WIDTHS: Readonly<Record<BucketWidth, number>> = { "1m": 60, "1h": 3600, "1d": 86_400 };

/** What one of the reports takes. */
export interface ReportRules {
  /** Buckets a page, unless `limit` says, and at most; widths that are missing are refused. */
  pages: Readonly<Partial<Record<BucketWidth, { usual: number; most: number }>>>;
  groupBy: readonly string[];
  /** Names of parameters that take a list of ids. */
  filters: readonly string[];
  /** Whether `batch` is one of its parameters. */
  hasBatch: boolean;
}

export interface ReportQuery {
  /** Of the first bucket of this page, and where the last page ends; seconds since 1970, whole buckets. */
  from: number;
  until: number;
  width: BucketWidth;
  /** Buckets a page. */
  limit: number;
  groupBy: ReadonlySet<string>;
  filters: ReadonlyMap<string, ReadonlySet<string>>;
  batch: boolean | undefined;
  /** The token of the page that begins at this time. */
  pageAt(start: number): string;
}

const SCALARS = ["start_time", "end_time", "bucket_width", "limit", "page"];
const WHOLE = /^\d{1,12}$/;

interface Given {
  scalars: Map<string, string>;
  lists: Map<string, string[]>;
}

/** Lists come as `group_by[]=a&group_by[]=b`, and from some clients as `group_by=a&group_by=b`. */
function readParameters(search: URLSearchParams, { filters, hasBatch }: ReportRules): Given {
  const listed = new Set(["group_by", ...filters]);
  const known = new Set([...SCALARS, ...(hasBatch ? ["batch"] : [])]);
  const given: Given = { scalars: new Map(), lists: new Map() };
  for (const [name, value] of search) {
    const plain = name.endsWith("[]") ? name.slice(0, -2) : name;
    if (listed.has(plain)) {
      given.lists.set(plain, [...(given.lists.get(plain) ?? []), value]);
    } else if (!known.has(name)) {
      throw badRequest(`Unknown parameter: '${name}'.`, name, "unknown_parameter");
    } else if (given.scalars.has(name)) {
      throw badRequest(`Invalid '${name}': expected it once.`, name, "invalid_value");
    } else {
      given.scalars.set(name, value);
    }
  }
  return given;
}

const whole = (text: string | undefined, name: string, range = {}) =>
  checkInteger(text !== undefined && WHOLE.test(text) ? Number(text) : text, name, range);

/** Ties a page to the query that it goes on with. */
const digestOf = (search: URLSearchParams): string => {
  const asked = [...search].filter(([name]) => name !== "page").map((pair) => pair.join("="));
  return createHash("sha256").update(asked.sort().join("&")).digest("base64url").slice(0, 12);
};

const PAGE = /^page_(\d{1,12})_(\d{1,12})_([\w-]{12})$/;

function placeOf(page: string, search: URLSearchParams): { from: number; until: number } {
  const [, from, until, digest] = PAGE.exec(page) ?? [];
  if (digest !== digestOf(search)) {
    throw badRequest(
      "Invalid 'page': expected the 'next_page' of an answer to the same query.",
      "page",
      "invalid_value",
    );
  }
  return { from: Number(from), until: Number(until) };
}

/**
 * @param now milliseconds since 1970; a report ends there where nothing else is said, and never later
 * @throws ApiError 400
 */
export function readReportQuery(search: URLSearchParams, rules: ReportRules, now: number): ReportQuery {
  const { scalars, lists } = readParameters(search, rules);
  const widths = Object.keys(rules.pages);
  const width = checkChoice(scalars.get("bucket_width") ?? "1d", "bucket_width", widths) as BucketWidth;
  const { usual, most } = rules.pages[width] ?? { usual: 1, most: 1 };
  const asked = scalars.get("limit");
  const limit = asked === undefined ? usual : whole(asked, "limit", { min: 1, max: most });
  const groupBy = new Set(lists.get("group_by") ?? []);
  for (const name of groupBy) checkChoice(name, "group_by", rules.groupBy);
  const batch = scalars.get("batch");
  if (batch !== undefined) checkChoice(batch, "batch", ["true", "false"]);

  const seconds = WIDTHS[width];
  const start = whole(scalars.get("start_time"), "start_time");
  const endGiven = scalars.get("end_time");
  const end = endGiven === undefined ? undefined : whole(endGiven, "end_time", { min: start + 1 });
  const current = Math.floor(now / 1000 / seconds) * seconds + seconds;
  const page = scalars.get("page");
  const place =
    page === undefined
      ? {
          from: Math.floor(start / seconds) * seconds,
          until: Math.min(Math.ceil((end ?? current) / seconds) * seconds, current),
        }
      : placeOf(page, search);
  return {
    ...place,
    width,
    limit,
    groupBy,
    filters: new Map(
      rules.filters.flatMap((name) => {
        const values = lists.get(name);
        return values === undefined ? [] : [[name, new Set(values)] as const];
      }),
    ),
    batch: batch === undefined ? undefined : batch === "true",
    pageAt: (from) => `page_${from}_${place.until}_${digestOf(search)}`,
  };
}
