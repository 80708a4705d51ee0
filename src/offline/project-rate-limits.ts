/** The limits of a project as the organization's endpoint lists them: a row a model, in pages. */
import { ApiError, badRequest } from "./api-error.ts";
import type { RateLimit } from "./rate-limit.ts";

export interface ProjectRateLimit {
  object: "project.rate_limit";
  id: string;
  model: string;
  max_requests_per_1_minute: number;
  max_tokens_per_1_minute: number;
}

export interface RateLimitPage {
  object: "list";
  data: readonly ProjectRateLimit[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

/** Rows a page, unless the query says. */
const DEFAULT_ROWS = 100;
const MOST_ROWS = 100;

export function projectRateLimit(model: string, limit: RateLimit): ProjectRateLimit {
  return {
    object: "project.rate_limit",
    id: `rl-${model}`,
    model,
    max_requests_per_1_minute: limit.requestsPerMinute,
    max_tokens_per_1_minute: limit.tokensPerMinute,
  };
}

function rowsOf(limit: string | undefined): number {
  const rows = limit === undefined ? DEFAULT_ROWS : Number(limit);
  if (Number.isInteger(rows) && rows >= 1 && rows <= MOST_ROWS) return rows;
  throw badRequest(
    `Invalid 'limit': expected an integer from 1 to ${MOST_ROWS}, but got '${limit}' instead.`,
    "limit",
    "invalid_value",
  );
}

function indexOf(rows: readonly ProjectRateLimit[], name: "after" | "before", id: string): number {
  const index = rows.findIndex((row) => row.id === id);
  if (index >= 0) return index;
  throw badRequest(`Invalid '${name}': no rate limit has the id '${id}'.`, name, "invalid_value");
}

export interface RateLimitQuery {
  limit?: string | undefined;
  /** The id of the last row of the page before. */
  after?: string | undefined;
  /** The id of the first row of the page after. */
  before?: string | undefined;
}

/** Throws an `ApiError` for a limit that is none and for an id that no row has. */
export function pageOf(rows: readonly ProjectRateLimit[], query: RateLimitQuery): RateLimitPage {
  const { after, before } = query;
  const count = rowsOf(query.limit);
  if (after !== undefined && before !== undefined) {
    throw badRequest("Only one of 'after' and 'before' may be given.", "before", "invalid_value");
  }
  const end = before === undefined ? rows.length : indexOf(rows, "before", before);
  const start = after === undefined ? 0 : indexOf(rows, "after", after) + 1;
  // Backwards, a page ends where the next one began.
  const from = before === undefined ? start : Math.max(0, end - count);
  const data = rows.slice(from, Math.min(end, from + count));
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: before === undefined ? from + data.length < rows.length : from > 0,
  };
}

export function projectNotFound(id: string): ApiError {
  return new ApiError(404, `No such project: '${id}'.`, { param: "project_id", code: "not_found" });
}
