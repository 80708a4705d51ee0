/** Which tokens an organization used, by minute, hour or day. */
import { z } from "zod";
import type { Tier } from "../domain/usage.ts";
import { WrongAnswer } from "./failure.ts";
import type { BucketWidth, ReportOptions } from "./options.ts";
import { type Bucket, readReport } from "./pages.ts";

/** What usage may be told apart by; `tier` is the provider's `service_tier`, which says nothing of batches. */
export type UsageDimension = "model" | "project" | "user" | "apiKey" | "batch" | "tier";

/** The time, what to tell apart, and which part alone. Lists are ids; default: all. */
export interface OrganizationUsageOptions extends ReportOptions {
  /** Default `1d`. */
  bucket?: BucketWidth | undefined;
  /** Default: nothing, one row a bucket. */
  groupBy?: readonly UsageDimension[] | undefined;
  models?: readonly string[] | undefined;
  projects?: readonly string[] | undefined;
  users?: readonly string[] | undefined;
  /** Ids of keys, not keys. */
  apiKeys?: readonly string[] | undefined;
  /** True: batches alone; false: all but batches. */
  batch?: boolean | undefined;
}

/** Requests and tokens of a bucket; dimensions that were not asked for, or that the provider does not know, are undefined. */
export interface UsageRow {
  /** As requests named it, or the dated snapshot that served them. */
  model?: string | undefined;
  project?: string | undefined;
  user?: string | undefined;
  apiKey?: string | undefined;
  batch?: boolean | undefined;
  /** As the provider names it: `default`, `flex`, `priority`… */
  serviceTier?: string | undefined;
  /** The price tier, where `batch` and `tier` were both asked for and it is one that is known. */
  tier?: Tier | undefined;
  requests: number;
  /** All input, the cached tokens included. */
  inputTokens: number;
  /** Undefined where the provider does not tell. */
  cachedInputTokens?: number | undefined;
  /** All output, with the reasoning. */
  outputTokens: number;
  /** Of sound and images, in and out: they have prices of their own. */
  otherTokens: number;
}

const WIRE = {
  model: "model",
  project: "project_id",
  user: "user_id",
  apiKey: "api_key_id",
  batch: "batch",
  tier: "service_tier",
} as const satisfies Readonly<Record<UsageDimension, string>>;

const id = z.string().nullish();
const tokens = z.int().min(0);
const resultSchema = z.object({
  num_model_requests: tokens,
  input_tokens: tokens,
  input_cached_tokens: tokens.nullish(),
  output_tokens: tokens,
  input_audio_tokens: tokens.nullish(),
  output_audio_tokens: tokens.nullish(),
  input_image_tokens: tokens.nullish(),
  output_image_tokens: tokens.nullish(),
  model: id,
  project_id: id,
  user_id: id,
  api_key_id: id,
  batch: z.boolean().nullish(),
  service_tier: id,
});
type Result = z.output<typeof resultSchema>;

const TIERS: Readonly<Record<string, Tier>> = {
  default: "standard",
  standard: "standard",
  flex: "flex",
  priority: "priority",
  batch: "batch",
};

function tierOf({ batch, service_tier }: Result): Tier | undefined {
  if (batch === true) return "batch";
  return batch === false && service_tier && Object.hasOwn(TIERS, service_tier)
    ? TIERS[service_tier]
    : undefined;
}

function rowOf(result: Result): UsageRow {
  const { input_tokens: inputTokens, input_cached_tokens: cached } = result;
  if ((cached ?? 0) > inputTokens) throw new WrongAnswer("more tokens are cached than there are");
  return {
    model: result.model ?? undefined,
    project: result.project_id ?? undefined,
    user: result.user_id ?? undefined,
    apiKey: result.api_key_id ?? undefined,
    batch: result.batch ?? undefined,
    serviceTier: result.service_tier ?? undefined,
    tier: tierOf(result),
    requests: result.num_model_requests,
    inputTokens,
    cachedInputTokens: cached ?? undefined,
    outputTokens: result.output_tokens,
    otherTokens:
      (result.input_audio_tokens ?? 0) +
      (result.output_audio_tokens ?? 0) +
      (result.input_image_tokens ?? 0) +
      (result.output_image_tokens ?? 0),
  };
}

/** Buckets a page: the most that the provider gives. */
const LIMITS: Readonly<Record<BucketWidth, number>> = { "1m": 1440, "1h": 168, "1d": 31 };

/**
 * Requests and tokens of chat completions and responses, a bucket a minute, hour or day in UTC, empty ones among them.
 * Pages are followed to the end, and memory holds one at a time. Source: `GET /organization/usage/completions` of the
 * OpenAI API.
 *
 * @throws as `organizationCosts` does.
 */
export function organizationUsage(options: OrganizationUsageOptions): AsyncGenerator<Bucket<UsageRow>, void> {
  const { bucket = "1d", groupBy = [], models, projects, users, apiKeys, batch } = options;
  const filter = {
    ...(groupBy.length === 0 ? {} : { group_by: groupBy.map((dimension) => WIRE[dimension]) }),
    ...(models === undefined ? {} : { models: [...models] }),
    ...(projects === undefined ? {} : { project_ids: [...projects] }),
    ...(users === undefined ? {} : { user_ids: [...users] }),
    ...(apiKeys === undefined ? {} : { api_key_ids: [...apiKeys] }),
    ...(batch === undefined ? {} : { batch }),
  };
  return readReport(
    {
      what: "the organization's usage",
      width: bucket,
      limit: LIMITS[bucket],
      result: resultSchema,
      rowOf,
      ask: (client, query, request) =>
        client.admin.organization.usage.completions({ ...query, ...filter, bucket_width: bucket }, request),
    },
    options,
  );
}
