/** Rows in pages, as the provider's lists come: a limit, and the id of the row before or after. */
import { badRequest } from "./api-error.ts";

export interface Page<Row> {
  object: "list";
  data: readonly Row[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

export interface PageQuery {
  limit?: string | undefined;
  /** The id of the last row of the page before. */
  after?: string | undefined;
  /** The id of the first row of the page after. */
  before?: string | undefined;
}

export interface PageRules {
  /** What a row is called in errors. */
  noun: string;
  /** Rows a page, unless the query says. */
  usual: number;
  most: number;
}

function limitOf(limit: string | undefined, { usual, most }: PageRules): number {
  const rows = limit === undefined ? usual : Number(limit);
  if (Number.isInteger(rows) && rows >= 1 && rows <= most) return rows;
  throw badRequest(
    `Invalid 'limit': expected an integer from 1 to ${most}, but got '${limit}' instead.`,
    "limit",
    "invalid_value",
  );
}

/** Throws an `ApiError` for a limit that is none and for an id that no row has. */
export function pageOf<Row extends { readonly id: string }>(
  rows: readonly Row[],
  query: PageQuery,
  rules: PageRules,
): Page<Row> {
  const { after, before } = query;
  const count = limitOf(query.limit, rules);
  const indexOf = (name: "after" | "before", id: string): number => {
    const index = rows.findIndex((row) => row.id === id);
    if (index >= 0) return index;
    throw badRequest(`Invalid '${name}': no ${rules.noun} has the id '${id}'.`, name, "invalid_value");
  };
  if (after !== undefined && before !== undefined) {
    throw badRequest("Only one of 'after' and 'before' may be given.", "before", "invalid_value");
  }
  const end = before === undefined ? rows.length : indexOf("before", before);
  const start = after === undefined ? 0 : indexOf("after", after) + 1;
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
