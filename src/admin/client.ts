/** OpenAI's client for what only an admin key may ask, and what its errors say. */
import { OpenAIClient } from "@langchain/openai";
import { DEFAULT_BASE_URL } from "../domain/base-url.ts";
import { messageOf } from "../domain/errors.ts";
import { withoutKeys } from "../domain/secrets.ts";

export interface AdminAccess {
  /** An admin key (`sk-admin-…`); a project's own key is refused. */
  adminKey: string;
  /** Where it is sent, and nowhere else. Default: OpenAI's. */
  baseUrl?: string | undefined;
  fetch?: typeof globalThis.fetch | undefined;
}

/** Of one attempt. */
const TIMEOUT_MS = 30_000;
const LONGEST_QUOTE = 300;

/** @param maxRetries further attempts of what may succeed later, at the time that the server says. Default 2 */
export function createAdminClient(
  { adminKey, baseUrl, fetch }: AdminAccess,
  maxRetries?: number,
): OpenAIClient {
  return new OpenAIClient({
    adminAPIKey: adminKey,
    // Not the environment's: that may name a server which answers prompts, and is no business of the admin key's.
    baseURL: baseUrl ?? DEFAULT_BASE_URL,
    // These calls need none of them.
    apiKey: null,
    organization: null,
    project: null,
    timeout: TIMEOUT_MS,
    logLevel: "off",
    // A redirect would take the key to an address that nobody named.
    fetchOptions: { redirect: "manual" },
    ...(maxRetries === undefined ? {} : { maxRetries }),
    ...(fetch === undefined ? {} : { fetch }),
  });
}

/** The status that a call failed with; undefined: none came. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && "status" in error && typeof error.status === "number"
    ? error.status
    : undefined;
}

/** What an error says, short, and without the key: it may quote the request. */
export const wordsOf = (error: unknown, adminKey: string): string =>
  withoutKeys(messageOf(error), adminKey).slice(0, LONGEST_QUOTE);
