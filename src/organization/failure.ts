/** Why a report could not be read to its end. What was read before is no sum, so it is an error every time. */
import { OpenAIClient } from "@langchain/openai";
import { type AdminAccess, statusOf, wordsOf } from "../admin/client.ts";
import { DramatisError, type ErrorCode } from "../domain/errors.ts";

/** What came is not what the provider documents. */
export class WrongAnswer extends Error {
  override readonly name = "WrongAnswer";
}

/** A page did not come in time. */
export class PageTimeout extends Error {
  override readonly name = "PageTimeout";
}

/** Some errors go away by themselves. */
class ReportError extends DramatisError {
  override readonly isRetryable: boolean;

  constructor(code: ErrorCode, message: string, isRetryable: boolean) {
    super(code, message);
    this.isRetryable = isRetryable;
  }
}

interface Verdict {
  code: ErrorCode;
  isRetryable: boolean;
  advice: string;
}

const LATER = "Try again later, or ask about less time at once.";
const NOT_OURS =
  "Check that the address is one that knows organizations; an admin key goes to OpenAI, or to OPENAI_ADMIN_BASE_URL.";

type ApiError = InstanceType<typeof OpenAIClient.APIError>;

const retryAfterOf = (error: ApiError) => {
  const seconds = error.headers?.get("retry-after");
  return seconds === null || seconds === undefined ? "" : `It asked to wait ${seconds} s. `;
};

function verdictOnStatus(error: ApiError, status: number): Verdict {
  if (status === 401) {
    const advice =
      "Expected an admin key (sk-admin-…) that is still valid: owners of an organization make them at platform.openai.com/settings/organization/admin-keys. A project's key is refused.";
    return { code: "unauthorised", isRetryable: false, advice };
  }
  if (status === 403) {
    const advice = "The key is known, but may not read this: it needs the permission to read usage.";
    return { code: "unauthorised", isRetryable: false, advice };
  }
  if (status === 429) {
    const advice = `${retryAfterOf(error)}It was asked several times in vain. ${LATER}`;
    return { code: "rate-limited", isRetryable: true, advice };
  }
  if (status === 408 || status === 409 || status >= 500) {
    return { code: "server-error", isRetryable: true, advice: LATER };
  }
  if (status >= 300 && status < 400) {
    const advice = `It answered with a redirect, which is not followed with an admin key. ${NOT_OURS}`;
    return { code: "server-error", isRetryable: false, advice };
  }
  return { code: "bad-request", isRetryable: false, advice: NOT_OURS };
}

/** The network's own code, like ECONNREFUSED, which lies some causes deep. */
function networkCodeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return "code" in error && typeof error.code === "string" ? `(${error.code}) ` : networkCodeOf(error.cause);
}

function verdictOn(error: unknown): Verdict {
  if (error instanceof PageTimeout || error instanceof OpenAIClient.APIConnectionTimeoutError) {
    return { code: "timed-out", isRetryable: true, advice: LATER };
  }
  if (error instanceof OpenAIClient.APIConnectionError) {
    return { code: "unreachable", isRetryable: true, advice: `${networkCodeOf(error)}${LATER}` };
  }
  const status = statusOf(error);
  if (error instanceof OpenAIClient.APIError && status !== undefined) return verdictOnStatus(error, status);
  if (error instanceof WrongAnswer) return { code: "server-error", isRetryable: false, advice: NOT_OURS };
  if (error instanceof SyntaxError) {
    const advice = `The answer is no JSON, or broke off. ${LATER}`;
    return { code: "server-error", isRetryable: true, advice };
  }
  // A body that broke off: fetch's own errors carry the network's as their cause, a mistake in code has none.
  if (error instanceof TypeError && error.cause instanceof Error) {
    return { code: "unreachable", isRetryable: true, advice: `The answer broke off. ${LATER}` };
  }
  throw error;
}

export interface FailedReport extends AdminAccess {
  /** Like `the organization's costs`. */
  what: string;
  /** Read before it failed. */
  pages: number;
}

/** An error for the user; a mistake of ours is thrown as it is. The cause may hold the key, so it is not passed on. */
export function reportFailure(
  { what, pages, adminKey, baseUrl }: FailedReport,
  cause: unknown,
): DramatisError {
  const { code, isRetryable, advice } = verdictOn(cause);
  const where = baseUrl === undefined ? "" : ` from ${new URL(baseUrl).host}`;
  const when =
    pages === 0 ? "" : ` after ${pages} ${pages === 1 ? "page" : "pages"}, which are not the whole`;
  const said = wordsOf(cause, adminKey);
  const stop = /[.!?…]$/.test(said) ? "" : ".";
  return new ReportError(
    code,
    `Reading ${what}${where} failed${when}: ${said}${stop} ${advice}`,
    isRetryable,
  );
}
