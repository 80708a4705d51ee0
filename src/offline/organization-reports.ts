/** The organization's reports of usage and costs, as pages of buckets, from the server's own bill. */
import { badRequest } from "./api-error.ts";
import { type ReportQuery, type ReportRules, readReportQuery, WIDTHS } from "./report-query.ts";
import { addSums, type Spending, type Spent, type SpentCell } from "./spending.ts";

export interface Bucket<Result> {
  object: "bucket";
  /** Seconds since 1970, a whole bucket whatever the query's times were. */
  start_time: number;
  end_time: number;
  /** None where nothing was charged. */
  results: Result[];
}

export interface ReportPage<Result> {
  object: "page";
  data: Bucket<Result>[];
  has_more: boolean;
  next_page: string | null;
}

/** Dimensions that were not asked for are null. */
export interface UsageResult {
  object: "organization.usage.completions.result";
  /** With the cached ones. */
  input_tokens: number;
  input_cached_tokens: number;
  input_uncached_tokens: number;
  output_tokens: number;
  input_audio_tokens: number;
  output_audio_tokens: number;
  num_model_requests: number;
  project_id: string | null;
  user_id: string | null;
  api_key_id: string | null;
  model: string | null;
  batch: boolean | null;
  service_tier: string | null;
}

export interface CostsResult {
  object: "organization.costs.result";
  amount: { value: number; currency: "usd" };
  line_item: string | null;
  project_id: string | null;
  user_id: string | null;
  api_key_id: string | null;
  quantity: number | null;
  quantity_unit: "tokens" | null;
}

const PAYERS = ["project_id", "user_id", "api_key_id"] as const;

const USAGE: ReportRules = {
  pages: {
    "1m": { usual: 60, most: 1440 },
    "1h": { usual: 24, most: 168 },
    "1d": { usual: 7, most: 31 },
  },
  groupBy: [...PAYERS, "model", "batch", "service_tier"],
  filters: ["project_ids", "user_ids", "api_key_ids", "models"],
  hasBatch: true,
};

const COSTS: ReportRules = {
  pages: { "1d": { usual: 7, most: 180 } },
  groupBy: [...PAYERS, "line_item"],
  filters: ["project_ids", "api_key_ids", "line_items"],
  hasBatch: false,
};

const NANO = 1_000_000_000;

const payerOf = ({ project, user, apiKey }: SpentCell) => ({
  project_id: project ?? null,
  user_id: user ?? null,
  api_key_id: apiKey ?? null,
});

type Place = Readonly<Record<string, string | boolean | null>>;

/** What is told of where a cell belongs: what the query groups by, and null for the rest. */
const placeIn = (all: Place, groupBy: ReadonlySet<string>): Place =>
  Object.fromEntries(Object.entries(all).map(([name, value]) => [name, groupBy.has(name) ? value : null]));

/** By parameter: what it must hold of this cell. */
const isAsked = (query: ReportQuery, facts: Readonly<Record<string, string | undefined>>): boolean =>
  [...query.filters].every(([name, values]) => {
    const fact = facts[name];
    return fact !== undefined && values.has(fact);
  });

function grouped<Sums>(
  items: readonly { place: Place; sums: Sums }[],
  add: (sums: Sums, more: Sums) => void,
  copy: (sums: Sums) => Sums,
): { place: Place; sums: Sums }[] {
  const groups = new Map<string, { place: Place; sums: Sums }>();
  for (const { place, sums } of items) {
    const key = JSON.stringify(place);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { place, sums: copy(sums) });
    else add(group.sums, sums);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

function usageResults(cells: readonly SpentCell[], query: ReportQuery): UsageResult[] {
  const items = cells.flatMap((cell) => {
    const isBatch = cell.tier === "batch";
    if (query.batch !== undefined && query.batch !== isBatch) return [];
    const payer = payerOf(cell);
    const facts = {
      project_ids: cell.project,
      user_ids: cell.user,
      api_key_ids: cell.apiKey,
      models: cell.model,
    };
    if (!isAsked(query, facts)) return [];
    const tier = isBatch ? "default" : cell.tier;
    const place = { ...payer, model: cell.model, batch: isBatch, service_tier: tier };
    return [{ place: placeIn(place, query.groupBy), sums: cell.sums }];
  });
  const copy = (sums: Spent) => ({ ...sums });
  return grouped(items, addSums, copy).map(({ place, sums }) => ({
    object: "organization.usage.completions.result",
    input_tokens: sums.inputTokens,
    input_cached_tokens: sums.cachedInputTokens,
    input_uncached_tokens: sums.inputTokens - sums.cachedInputTokens,
    output_tokens: sums.outputTokens,
    input_audio_tokens: 0,
    output_audio_tokens: 0,
    num_model_requests: sums.requests,
    ...(place as Pick<UsageResult, (typeof PAYERS)[number] | "model" | "batch" | "service_tier">),
  }));
}

interface Line {
  name: string;
  nano: number;
  tokens: number;
}

/** Lines of an invoice: `gpt-4.1, input_tokens`, `gpt-4.1, batch cached_input_tokens`. */
function linesOf({ model, tier, sums }: SpentCell): Line[] {
  const named = (what: string) => `${model}, ${tier === "default" ? "" : `${tier} `}${what}`;
  const lines = [
    {
      name: named("input_tokens"),
      nano: sums.inputNanoUsd,
      tokens: sums.inputTokens - sums.cachedInputTokens,
    },
    {
      name: named("cached_input_tokens"),
      nano: sums.cachedInputNanoUsd,
      tokens: sums.cachedInputTokens,
    },
    { name: named("output_tokens"), nano: sums.outputNanoUsd, tokens: sums.outputTokens },
  ];
  // What has no price is on no line of an invoice.
  return sums.unpricedRequests > 0 ? [] : lines.filter(({ tokens }) => tokens > 0);
}

function costsResults(cells: readonly SpentCell[], query: ReportQuery): CostsResult[] {
  const items = cells.flatMap((cell) =>
    linesOf(cell).flatMap(({ name, nano, tokens }) => {
      const facts = { project_ids: cell.project, api_key_ids: cell.apiKey, line_items: name };
      if (!isAsked(query, facts)) return [];
      const place = placeIn({ ...payerOf(cell), line_item: name }, query.groupBy);
      return [{ place, sums: { nano, tokens } }];
    }),
  );
  const add = (sums: { nano: number; tokens: number }, more: { nano: number; tokens: number }) => {
    sums.nano += more.nano;
    sums.tokens += more.tokens;
  };
  const isByLine = query.groupBy.has("line_item");
  return grouped(items, add, (sums) => ({ ...sums })).map(({ place, sums }) => ({
    object: "organization.costs.result",
    // The nearest number to the exact amount: as JSON it is the amount itself, up to 15 digits.
    amount: { value: sums.nano / NANO, currency: "usd" },
    ...(place as Pick<CostsResult, (typeof PAYERS)[number] | "line_item">),
    quantity: isByLine ? sums.tokens : null,
    quantity_unit: isByLine ? "tokens" : null,
  }));
}

function pageOf<Result>(
  query: ReportQuery,
  spending: Spending,
  resultsOf: (cells: readonly SpentCell[], query: ReportQuery) => Result[],
): ReportPage<Result> {
  const { from, until, width, limit } = query;
  const since = width === "1d" ? spending.daysSince : spending.minutesSince;
  if (from < until && from * 1000 < since) {
    // An empty bucket would say that nothing was charged.
    throw badRequest(
      `The offline server keeps buckets of ${width} since ${new Date(since).toISOString()}, and forgot what was before.`,
      "start_time",
      "invalid_value",
    );
  }
  const seconds = WIDTHS[width];
  const end = Math.min(until, from + limit * seconds);
  const data: Bucket<Result>[] = [];
  for (let start = from; start < end; start += seconds) {
    const cells = spending.between(start * 1000, (start + seconds) * 1000);
    const results = resultsOf(cells, query);
    data.push({ object: "bucket", start_time: start, end_time: start + seconds, results });
  }
  const hasMore = end < until;
  return { object: "page", data, has_more: hasMore, next_page: hasMore ? query.pageAt(end) : null };
}

export interface OrganizationReports {
  /** `GET /v1/organization/usage/completions`; throws `ApiError`. */
  usage(search: URLSearchParams): ReportPage<UsageResult>;
  /** `GET /v1/organization/costs`; throws `ApiError`. */
  costs(search: URLSearchParams): ReportPage<CostsResult>;
}

export const createReports = (spending: Spending, clock: () => number): OrganizationReports => ({
  usage: (search) => pageOf(readReportQuery(search, USAGE, clock()), spending, usageResults),
  costs: (search) => pageOf(readReportQuery(search, COSTS, clock()), spending, costsResults),
});
