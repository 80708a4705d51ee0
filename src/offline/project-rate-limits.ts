/** The limits of a project as the organization's endpoint lists them: a row a model, in pages. */
import { ApiError } from "./api-error.ts";
import type { PageRules } from "./page.ts";
import type { RateLimit } from "./rate-limit.ts";

export interface ProjectRateLimit {
  object: "project.rate_limit";
  id: string;
  model: string;
  max_requests_per_1_minute: number;
  max_tokens_per_1_minute: number;
  max_requests_per_1_day?: number;
  batch_1_day_max_input_tokens?: number;
}

export const RATE_LIMIT_PAGES: PageRules = { noun: "rate limit", usual: 100, most: 100 };

export function projectRateLimit(model: string, limit: RateLimit): ProjectRateLimit {
  const { requestsPerDay, batchTokensPerDay } = limit;
  return {
    object: "project.rate_limit",
    id: `rl-${model}`,
    model,
    max_requests_per_1_minute: limit.requestsPerMinute,
    max_tokens_per_1_minute: limit.tokensPerMinute,
    ...(requestsPerDay === undefined ? {} : { max_requests_per_1_day: requestsPerDay }),
    ...(batchTokensPerDay === undefined ? {} : { batch_1_day_max_input_tokens: batchTokensPerDay }),
  };
}

export function projectNotFound(id: string): ApiError {
  return new ApiError(404, `No such project: '${id}'.`, { param: "project_id", code: "not_found" });
}
