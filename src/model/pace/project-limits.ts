/** The limits of an OpenAI project, from its rate-limit endpoint, which takes an admin key. */
import { type AdminAccess, createAdminClient, statusOf, wordsOf } from "../../admin/client.ts";
import { DramatisError } from "../../domain/errors.ts";
import type { Limits } from "./permit.ts";

export interface ProjectLimitsOptions extends AdminAccess {
  /** Like `proj_abc`. */
  project: string;
  signal?: AbortSignal | undefined;
}

/** What a project may ask of a model; undefined: not told. */
export interface ProjectLimits extends Limits {
  requestsPerDay?: number | undefined;
  /** Input tokens of batches. */
  batchTokensPerDay?: number | undefined;
}

const PAGE_SIZE = 100;
/** 5,000 models; a server that has more repeats itself. */
const MOST_PAGES = 50;

const limitOf = (value: unknown) =>
  typeof value === "number" && Number.isFinite(value) && value >= 1 ? value : undefined;

function adviceFor(status: number | undefined): string {
  if (status === 401) return "Check that OPENAI_ADMIN_KEY holds an admin key that is still valid.";
  if (status === 403) return "The key must be an admin key that may read the project's rate limits.";
  if (status === 404) return "Check the project's id, and that the base URL is one that knows projects.";
  return "Try again later, or set the limits by hand.";
}

function failure({ adminKey, project }: ProjectLimitsOptions, cause: unknown): DramatisError {
  const status = statusOf(cause);
  const isOurs = status === 401 || status === 403 || status === 404;
  const said = wordsOf(cause, adminKey);
  const message = `The rate limits of project ${project} could not be read: ${said} ${adviceFor(status)}`;
  // The cause may hold the request with its key, so it is not passed on.
  return new DramatisError(isOurs ? "invalid-argument" : "run-failed", message);
}

/**
 * Requests and tokens a minute or day of every model the project may use. Source: `GET
 * /organization/projects/{id}/rate_limits` of the OpenAI API.
 *
 * @throws DramatisError `invalid-argument` when key or project are refused, `run-failed` when the answer did not come or
 * is not what is documented; the signal's reason when it is aborted.
 */
export async function readProjectLimits(options: ProjectLimitsOptions): Promise<Map<string, ProjectLimits>> {
  const { adminKey, project, signal } = options;
  signal?.throwIfAborted();
  if (adminKey === "" || project === "") {
    const missing = adminKey === "" ? "an admin key (OPENAI_ADMIN_KEY)" : "the project's id, like proj_abc";
    throw new DramatisError(
      "invalid-argument",
      `To read the rate limits of a project, expected ${missing}, got nothing.`,
    );
  }
  const client = createAdminClient(options);
  const limits = new Map<string, ProjectLimits>();
  try {
    const { rateLimits } = client.admin.organization.projects;
    const first = await rateLimits.listRateLimits(project, { limit: PAGE_SIZE }, signal ? { signal } : {});
    let pages = 0;
    for await (const { data } of first.iterPages()) {
      pages += 1;
      if (pages > MOST_PAGES) throw new Error(`expected at most ${MOST_PAGES} pages, got more.`);
      if (!Array.isArray(data)) throw new Error("expected a list of rate limits, got something else.");
      for (const row of data) {
        const { model } = row;
        if (typeof model !== "string" || model === "") continue;
        limits.set(model, {
          requestsPerMinute: limitOf(row.max_requests_per_1_minute),
          tokensPerMinute: limitOf(row.max_tokens_per_1_minute),
          requestsPerDay: limitOf(row.max_requests_per_1_day),
          batchTokensPerDay: limitOf(row.batch_1_day_max_input_tokens),
        });
      }
    }
    if (limits.size === 0) throw new Error("expected a list of rate limits, got an empty one.");
    return limits;
  } catch (error) {
    signal?.throwIfAborted();
    throw failure(options, error);
  }
}
