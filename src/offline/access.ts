/** Whose key opens what: an API key the models, an admin key the organization. */
import { ApiError } from "./api-error.ts";

export interface AccessOptions {
  /** When set, any other bearer key is refused. Default: every key is taken, and none is needed. */
  apiKey?: string | undefined;
  /** The only key that opens `/v1/organization`; it opens nothing else. Default: none, every call of the organization is refused with 401. */
  adminKey?: string | undefined;
}

function masked(key: string): string {
  const shown = key.length >= 12 ? { start: 3, end: 4 } : { start: 0, end: 0 };
  const hidden = "*".repeat(key.length - shown.start - shown.end);
  return key.slice(0, shown.start) + hidden + key.slice(key.length - shown.end);
}

const missingScope = (scope: string) =>
  `You have insufficient permissions for this operation. Missing scopes: ${scope}. Check that you have the correct role in your organization (Reader, Writer, Owner) and project (Member, Owner), and if you're using a restricted API key, that it has the necessary scopes.`;

const isAdminPath = (path: string) => path === "/v1/organization" || path.startsWith("/v1/organization/");

/** Lets a request pass, throws the provider's 401, or returns it where its body is not of the usual shape. */
export type AccessCheck = (path: string, authorization: string | undefined) => Response | undefined;

export function createAccessCheck({ apiKey, adminKey }: AccessOptions): AccessCheck {
  return (path, authorization) => {
    const isAdmin = isAdminPath(path);
    if (!isAdmin && apiKey === undefined && adminKey === undefined) return undefined;
    const given = /^Bearer (.+)$/.exec(authorization ?? "")?.[1];
    if (given !== undefined && given === adminKey) {
      if (isAdmin) return undefined;
      throw new ApiError(401, missingScope("model.request"), { code: "missing_scope" });
    }
    if (given === undefined && (isAdmin || apiKey !== undefined)) {
      throw new ApiError(
        401,
        "You didn't provide an API key. Send it in an Authorization header using Bearer auth.",
      );
    }
    if (given !== undefined && apiKey !== undefined && given !== apiKey) {
      throw new ApiError(401, `Incorrect API key provided: ${masked(given)}.`, { code: "invalid_api_key" });
    }
    if (!isAdmin) return undefined;
    // The organization's endpoints say it in a bare text, where all others send an object.
    return Response.json({ error: missingScope("api.management.read") }, { status: 401 });
  };
}
