/** What a failed attempt means. Decided once, from the status, the provider's code and the error's class. */
import { OpenAIClient } from "@langchain/openai";
import { DramatisError, type RequestFailure } from "../domain/errors.ts";
import { withoutKeys } from "../domain/secrets.ts";
import type { KeySource } from "../vault/find-key.ts";
import { retryAfterMs } from "./retry.ts";

/** What is known of a failure beside its code and message. */
export interface ModelErrorFields {
  /** Whom it was asked of; "Batch API" for calls about files and batches. */
  model: string;
  /** Of the provider's HTTP answer; undefined: none came. */
  status?: number | undefined;
  /** The provider's own code, like `context_length_exceeded`. */
  providerCode?: string | undefined;
  /** By which the provider finds it. */
  requestId?: string | undefined;
  /** Milliseconds that the provider asked to wait. */
  retryAfterMs?: number | undefined;
  /** Whether sending the same again may help. */
  isRetryable: boolean;
  /** Whether an answer may have been generated, billed, and lost on the way. */
  mayBeBilled: boolean;
  headers?: Headers | undefined;
}

/**
 * A request that the provider refused or could not answer, or that the network lost: to a model, or about files and batches. Its
 * message holds no key and no prompt.
 */
export class ModelError extends DramatisError {
  override readonly name = "ModelError";
  override readonly isRetryable: boolean;
  declare readonly code: RequestFailure;
  readonly model: string;
  readonly status: number | undefined;
  readonly providerCode: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly mayBeBilled: boolean;
  /** Of the provider's answer; a private field, so that no log of the error prints them. */
  readonly #headers: Headers | undefined;

  constructor(code: RequestFailure, message: string, fields: ModelErrorFields, cause?: unknown) {
    super(code, message, { cause });
    this.isRetryable = fields.isRetryable;
    this.model = fields.model;
    this.status = fields.status;
    this.providerCode = fields.providerCode;
    this.requestId = fields.requestId;
    this.retryAfterMs = fields.retryAfterMs;
    this.mayBeBilled = fields.mayBeBilled;
    this.#headers = fields.headers;
  }

  get headers(): Headers | undefined {
    return this.#headers;
  }
}

/** An answer with status 200 that is no chat completion: a page of another server, most often. */
export class NoCompletion extends Error {
  override readonly name = "NoCompletion";
}

/** Nothing came, or not all of it, within an attempt's time. */
export class AttemptTimeout extends Error {
  override readonly name = "AttemptTimeout";
}

/** A stream that ended before the answer did. */
export class CutStream extends Error {
  override readonly name = "CutStream";
}

type ApiError = InstanceType<typeof OpenAIClient.APIError>;

function kindOf(error: Error): RequestFailure | undefined {
  if (error instanceof AttemptTimeout) return "timed-out";
  if (error instanceof CutStream) return "unreachable";
  if (error instanceof NoCompletion) return "server-error";
  if (error instanceof OpenAIClient.APIUserAbortError) return undefined;
  if (error instanceof OpenAIClient.APIConnectionTimeoutError) return "timed-out";
  if (error instanceof OpenAIClient.APIConnectionError) return "unreachable";
  if (error instanceof OpenAIClient.APIError) return kindOfStatus(error);
  // A reply that broke off: fetch's own errors carry the network's as their cause, a mistake in code has none.
  if (error instanceof TypeError && error.cause instanceof Error) return "unreachable";
  // A reply that is no JSON, or JSON that stops in the middle.
  if (error instanceof SyntaxError) return "server-error";
  return undefined;
}

/** Of a 429 at flex, which is not charged: platform.openai.com/docs/guides/flex-processing. */
const NO_ROOM = "resource_unavailable";

function kindOfStatus(error: ApiError): RequestFailure {
  switch (error.status) {
    case undefined: // An error event inside a stream that had begun with status 200.
      return "server-error";
    case 401:
    case 403:
      return "unauthorised";
    case 402:
      return "quota-exhausted";
    case 404:
      return "model-not-found";
    case 408:
      return "timed-out";
    case 409: // A conflict passes.
      return "server-error";
    case 429:
      if (error.code === "insufficient_quota") return "quota-exhausted";
      return [error.code, error.type].includes(NO_ROOM) ? "tier-unavailable" : "rate-limited";
    default:
      if (error.code === "context_length_exceeded") return "context-too-long";
      if (error.status === 400 && error.param === "service_tier") return "tier-unavailable";
      return error.status >= 500 ? "server-error" : "bad-request";
  }
}

const RETRYABLE: ReadonlySet<RequestFailure> = new Set([
  "rate-limited",
  "timed-out",
  "unreachable",
  "server-error",
]);

/** Room may come; a tier that is not offered does not. */
const hasNoRoom = (kind: RequestFailure, status: number | undefined) =>
  kind === "tier-unavailable" && status === 429;

/** Whether a status may hide an answer that was generated, billed, and lost between the provider and us. */
const mayBeBilledBehind = (status: number) =>
  status < 400 || status === 408 || (status >= 502 && status !== 503);

/** Codes of connections that were never made, so nothing was sent and nothing is owed. */
const NEVER_SENT: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Codes of a TLS handshake that failed, beside those that begin with `ERR_TLS_` or `CERT_`. */
const NO_HANDSHAKE: ReadonlySet<string> = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** Whether an error, or what caused it, has a code that a test holds for; of several tries, all. */
function hasCode(error: unknown, test: (code: unknown, error: Error) => boolean): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && test(error.code, error)) return true;
  if (error instanceof AggregateError)
    return error.errors.length > 0 && error.errors.every((one) => hasCode(one, test));
  return hasCode(error.cause, test);
}

/** A server that speaks no TLS, or shows a certificate nobody vouches for: the same the next time. */
const hasNoHandshake = (error: unknown) =>
  hasCode(error, (code, { message }) => {
    if (typeof code !== "string") return false;
    if (NO_HANDSHAKE.has(code) || /^(ERR_TLS|CERT)_/.test(code)) return true;
    return code === "EPROTO" && message.includes("wrong version number");
  });

/** A connection that was never made. */
const wasNeverSent = (error: unknown) =>
  hasNoHandshake(error) || hasCode(error, (code) => NEVER_SENT.has(code));

const ADVICE: Partial<Record<RequestFailure, string>> = {
  "model-not-found":
    "Check the model's name and that your account may use it (`dramatis models` lists the catalog), and OPENAI_BASE_URL if it is set.",
  "quota-exhausted": "Raise the account's limit or add credit; sending it again cannot help.",
  "tier-unavailable":
    "Try again later or without --tier, or have it sent at standard where flex has no room (--tier-fallback standard).",
  "rate-limited": "Wait, or run fewer conversations at once.",
  unreachable: "Check the network and OPENAI_BASE_URL.",
  "context-too-long": "Give the conversation fewer turns, or its personas a model with a larger window.",
};

const NO_TLS =
  "Check OPENAI_BASE_URL: the server there speaks no TLS (http:// instead of https://?), or its certificate is not trusted (NODE_EXTRA_CA_CERTS names further ones).";

/** A key is to be mended where it came from; undefined: it was given by a program, or there is none. */
function keyAdvice(source: KeySource | undefined): string {
  switch (source) {
    case "environment":
      return "Check OPENAI_API_KEY and, if it is set, OPENAI_BASE_URL; or unset the key to run offline.";
    case "key-file":
      return "Check the key in the key file and, if it is set, OPENAI_BASE_URL; or run with --offline.";
    case "vault":
      return "Check the key of the vault (`dramatis keys test` does) and, if it is set, OPENAI_BASE_URL; or run with --offline.";
    case undefined:
      return "Check the API key and the address of the server.";
  }
}

/** Some servers answer with a whole page, or with the request they could not read. */
const MAX_SAID = 400;

const sentence = (text: string) => (/[.!?…]$/.test(text) ? text : `${text}.`);

/** A name that a provider gives, like that of a request or of an error; unless it is something odd, or a key. */
export const soundName = (name: unknown, key: string | undefined): string | undefined =>
  typeof name === "string" && /^[\w.-]{1,80}$/.test(name) && withoutKeys(name, key) === name
    ? name
    : undefined;

export interface Attempted {
  model: string;
  /** Never shown. */
  key?: string | undefined;
  keySource?: KeySource | undefined;
  /** Milliseconds since 1970, for a `Retry-After` that is a date. */
  now: number;
}

/**
 * The failure that a thrown error stands for; undefined when it is not the provider's or the network's: an abort, or a
 * mistake in code.
 */
export function modelError(
  error: unknown,
  { model, key, keySource, now }: Attempted,
): ModelError | undefined {
  if (!(error instanceof Error)) return undefined;
  const kind = kindOf(error);
  if (kind === undefined) return undefined;
  // A parser quotes what it could not read; that may be anything.
  const own = error instanceof SyntaxError ? "The answer was no JSON." : error.message;
  const messages = [own, ...(error.cause instanceof Error ? [error.cause.message] : [])];
  const said = withoutKeys(messages.map((message) => sentence(message.trim())).join(" "), key);
  const cut = said.length > MAX_SAID ? `${said.slice(0, MAX_SAID).toWellFormed()}…` : said;
  const api = error instanceof OpenAIClient.APIError ? error : undefined;
  const status: number | undefined = api?.status;
  const headers: Headers | undefined = api?.headers;
  const requestId = soundName(api?.requestID, key);
  const isStranger = status === undefined && hasNoHandshake(error);
  const advice = isStranger ? NO_TLS : kind === "unauthorised" ? keyAdvice(keySource) : ADVICE[kind];
  const parts = [
    isStranger ? `${model}: no secure connection.` : `${model}: ${cut}`,
    requestId && `Request ${requestId}.`,
    advice,
  ];
  const fields: ModelErrorFields = {
    model,
    status,
    providerCode: soundName(api?.code, key),
    requestId,
    retryAfterMs: headers && retryAfterMs(headers, now),
    isRetryable:
      (RETRYABLE.has(kind) || hasNoRoom(kind, status)) && !isStranger && !(error instanceof NoCompletion),
    mayBeBilled: status === undefined ? !wasNeverSent(error) : mayBeBilledBehind(status),
    headers,
  };
  return new ModelError(kind, withoutKeys(parts.filter(Boolean).join(" "), key), fields);
}
