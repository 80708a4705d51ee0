/** Finds the limits of the project that requests are counted against, where an admin key is at hand that may read them. */
import { adminBaseUrl } from "../../domain/base-url.ts";
import { DramatisError } from "../../domain/errors.ts";
import { findKey } from "../../vault/find-key.ts";
import { type ProjectLimits, readProjectLimits } from "./project-limits.ts";

export interface AccountLimitsOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** Like `proj_abc`. Default: OPENAI_PROJECT_ID. */
  project?: string | undefined;
  /** Where the requests go; the admin key goes there only where that is OpenAI. */
  baseUrl: string;
  fetch?: typeof globalThis.fetch | undefined;
}

/** What was found, or what is missing. */
export type AccountLimits =
  | { kind: "found"; project: string; byModel: ReadonlyMap<string, ProjectLimits> }
  | { kind: "no-project" }
  | { kind: "no-admin-key" }
  /** The server is not OpenAI's, and none was named for the admin key. */
  | { kind: "not-sent"; host: string }
  /** The server was asked, and did not tell. */
  | { kind: "not-told"; error: DramatisError };

/** The limits help; nobody waits long for them. */
const TIMEOUT_MS = 10_000;

/** @throws DramatisError for a vault or an address that cannot be used */
export async function readAccountLimits(options: AccountLimitsOptions): Promise<AccountLimits> {
  const { env, fetch } = options;
  const project = options.project?.trim() || env.OPENAI_PROJECT_ID?.trim();
  if (!project) return { kind: "no-project" };
  const admin = findKey("admin", { env });
  if (admin === undefined) return { kind: "no-admin-key" };
  const baseUrl = adminBaseUrl(env, options.baseUrl);
  if (baseUrl === undefined) return { kind: "not-sent", host: new URL(options.baseUrl).host };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const byModel = await readProjectLimits({ adminKey: admin.key, project, baseUrl, fetch, signal });
    return { kind: "found", project, byModel };
  } catch (error) {
    if (error instanceof DramatisError) return { kind: "not-told", error };
    throw error;
  }
}

/** Why they are not known, and how they would be. */
export function missingLimits(found: Exclude<AccountLimits, { kind: "found" }>): string {
  switch (found.kind) {
    case "no-project":
      return "No project is named: set OPENAI_PROJECT_ID, like proj_abc.";
    case "no-admin-key":
      return "There is no admin key: set OPENAI_ADMIN_KEY, or keep one with `dramatis keys add --admin`.";
    case "not-told":
      return found.error.message;
    case "not-sent":
      return `The admin key is not sent to ${found.host}. Where that server knows projects, set OPENAI_ADMIN_BASE_URL.`;
  }
}
