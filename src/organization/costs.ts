/** What the provider charged an organization, by day. */
import { z } from "zod";
import { nanoOf } from "./amount.ts";
import { WrongAnswer } from "./failure.ts";
import type { ReportOptions } from "./options.ts";
import { type Bucket, readReport } from "./pages.ts";

/** What costs may be told apart by. */
export type CostDimension = "project" | "user" | "apiKey" | "lineItem";

/** The time, what to tell apart, and of which projects or keys alone. */
export interface OrganizationCostsOptions extends ReportOptions {
  /** Default: nothing, one row a day. */
  groupBy?: readonly CostDimension[] | undefined;
  /** Ids of projects; default: all. */
  projects?: readonly string[] | undefined;
  /** Ids of keys, not keys; default: all. */
  apiKeys?: readonly string[] | undefined;
}

/** Charges of a day; dimensions that were not asked for, or that the provider does not know, are undefined. */
export interface CostRow {
  project?: string | undefined;
  user?: string | undefined;
  apiKey?: string | undefined;
  /** As on the invoice, like `gpt-4.1, input_tokens`. */
  lineItem?: string | undefined;
  /**
   * Whole nano-dollars, below 0 for credits; the provider's decimal amount is rounded half up once. Undefined where it
   * told no amount, and for other currencies.
   */
  costNanoUsd?: number | undefined;
  /** An amount in another currency, in billionths of it; such amounts are in no sum of dollars. */
  other?: { currency: string; nano: number } | undefined;
}

const WIRE: Readonly<Record<CostDimension, "project_id" | "user_id" | "api_key_id" | "line_item">> = {
  project: "project_id",
  user: "user_id",
  apiKey: "api_key_id",
  lineItem: "line_item",
};

const id = z.string().nullish();
const resultSchema = z.object({
  amount: z
    .object({ value: z.union([z.number(), z.string()]).nullish(), currency: z.string().nullish() })
    .nullish(),
  project_id: id,
  user_id: id,
  api_key_id: id,
  line_item: id,
});

function amountOf({ amount }: z.output<typeof resultSchema>): Pick<CostRow, "costNanoUsd" | "other"> {
  const { value, currency } = amount ?? {};
  if (value == null || !currency) return {};
  const nano = nanoOf(value);
  if (nano === undefined) throw new WrongAnswer("an amount is no decimal number, or beyond 9 million");
  return currency.toLowerCase() === "usd" ? { costNanoUsd: nano } : { other: { currency, nano } };
}

/** Buckets a page. */
const LIMIT = 180;

/**
 * What the provider charged, a bucket a day in UTC, empty days among them. Pages are followed to the end, and memory
 * holds one at a time. Source: `GET /organization/costs` of the OpenAI API.
 *
 * @throws DramatisError while it is read, by which what came before is not the whole. By its `code`: `invalid-argument` for
 * times that cannot be and for a missing key; `unauthorised` for a key that is refused, or may not read this; `rate-limited`,
 * `timed-out` and `unreachable` after all attempts; `server-error`, also for answers that are not what is documented, broken off or
 * without an end; `bad-request` for any other refusal. Its `isRetryable` says whether asking again later may help; its message has the
 * provider's words, without the key. The signal's reason when it is aborted.
 */
export function organizationCosts(options: OrganizationCostsOptions): AsyncGenerator<Bucket<CostRow>, void> {
  const { groupBy = [], projects, apiKeys } = options;
  const filter = {
    ...(groupBy.length === 0 ? {} : { group_by: groupBy.map((dimension) => WIRE[dimension]) }),
    ...(projects === undefined ? {} : { project_ids: [...projects] }),
    ...(apiKeys === undefined ? {} : { api_key_ids: [...apiKeys] }),
  };
  return readReport(
    {
      what: "the organization's costs",
      width: "1d",
      limit: LIMIT,
      result: resultSchema,
      rowOf: (result) => ({
        project: result.project_id ?? undefined,
        user: result.user_id ?? undefined,
        apiKey: result.api_key_id ?? undefined,
        lineItem: result.line_item ?? undefined,
        ...amountOf(result),
      }),
      ask: (client, query, request) =>
        client.admin.organization.usage.costs({ ...query, ...filter, bucket_width: "1d" }, request),
    },
    options,
  );
}
