/** Errors as the provider sends them: a status and `{error: {message, type, param, code}}`. */

export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null };
}

export type ErrorFields = Partial<Omit<ErrorBody["error"], "message">>;

/** Thrown anywhere while a request is handled; the server answers with it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly body: ErrorBody;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    fields: ErrorFields = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.body = errorBody(message, fields);
    this.headers = headers;
  }
}

/** Fields left out are `invalid_request_error`, null and null, as most of the provider's errors are. */
export function errorBody(message: string, fields: ErrorFields = {}): ErrorBody {
  const { type = "invalid_request_error", param = null, code = null } = fields;
  return { error: { message, type, param, code } };
}

/** The 400 that a malformed or unacceptable request gets. */
export function badRequest(message: string, param: string | null, code: string | null = null): ApiError {
  return new ApiError(400, message, { param, code });
}

export function modelNotFound(model: string): ApiError {
  return new ApiError(404, `The model \`${model}\` does not exist or you do not have access to it.`, {
    code: "model_not_found",
  });
}

/** The 429 of an account without money; retrying cannot help. */
export function quotaExceeded(): ApiError {
  return new ApiError(429, "You exceeded your current quota, please check your plan and billing details.", {
    type: "insufficient_quota",
    code: "insufficient_quota",
  });
}

/** The 429 of a tier without room; it is not charged. */
export function resourceUnavailable(): ApiError {
  return new ApiError(429, "Resource unavailable. Please try again later.", {
    type: "resource_unavailable",
    code: "resource_unavailable",
  });
}

const DEFAULTS: Readonly<Record<number, [message: string, fields: ErrorFields]>> = {
  401: ["Incorrect API key provided.", { code: "invalid_api_key" }],
  403: ["You are not allowed to do this.", { code: "forbidden" }],
  404: ["The requested resource does not exist.", { code: "not_found" }],
  429: ["Rate limit reached.", { type: "requests", code: "rate_limit_exceeded" }],
  500: ["The server had an error while processing your request. Sorry about that!", { type: "server_error" }],
  503: ["The server is overloaded. Please try again later.", { type: "server_error" }],
};

/** A plausible body for a status that a test asked for without saying more. */
export function defaultBody(status: number): ErrorBody {
  const fallback: [string, ErrorFields] = [
    `Scripted status ${status}.`,
    { type: status >= 500 ? "server_error" : "invalid_request_error" },
  ];
  const [message, fields] = DEFAULTS[status] ?? fallback;
  return errorBody(message, fields);
}
