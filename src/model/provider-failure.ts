/** What a failed request means. Decided once, from the status, the provider's code and the error's class. */
import { OpenAIClient } from "@langchain/openai";
import { withoutKeys } from "../domain/secrets.ts";
import type { FailureKind } from "../domain/turn.ts";

function kindOf(error: Error): FailureKind | undefined {
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

function kindOfStatus(error: InstanceType<typeof OpenAIClient.APIError>): FailureKind {
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
    case 429:
      return error.code === "insufficient_quota" ? "quota-exhausted" : "rate-limited";
    default:
      if (error.code === "context_length_exceeded") return "context-too-long";
      return error.status >= 500 ? "server-error" : "bad-request";
  }
}

const ADVICE: Partial<Record<FailureKind, string>> = {
  unauthorised: "Check OPENAI_API_KEY and, if it is set, OPENAI_BASE_URL; or unset the key to run offline.",
  "model-not-found":
    "Check the model's name and that your account may use it (`dramatis models` lists the catalog), and OPENAI_BASE_URL if it is set.",
  "quota-exhausted": "Raise the account's limit or add credit; sending it again cannot help.",
  "rate-limited": "Wait, or run fewer conversations at once.",
  unreachable: "Check the network and OPENAI_BASE_URL.",
  "context-too-long": "Give the conversation fewer turns, or its personas a model with a larger window.",
};

/** Some servers answer with a whole page, or with the request they could not read. */
const MAX_SAID = 400;

const sentence = (text: string) => (/[.!?…]$/.test(text) ? text : `${text}.`);

/**
 * The kind of a failed request and a few sentences about it; undefined when the error is not the provider's or the
 * network's: an abort, or a mistake in code.
 */
export interface ProviderFailure {
  problem: FailureKind;
  detail: string;
}

export function providerFailure(error: unknown, model: string, key?: string): ProviderFailure | undefined {
  if (!(error instanceof Error)) return undefined;
  const problem = kindOf(error);
  if (problem === undefined) return undefined;
  // A parser quotes what it could not read; that may be anything.
  const own = error instanceof SyntaxError ? "The answer was no JSON." : error.message;
  const messages = [own, ...(error.cause instanceof Error ? [error.cause.message] : [])];
  const said = withoutKeys(messages.map((message) => sentence(message.trim())).join(" "), key);
  const cut = said.length > MAX_SAID ? `${said.slice(0, MAX_SAID)}…` : said;
  const id = error instanceof OpenAIClient.APIError ? error.requestID : undefined;
  const request = id && /^[\w-]{1,80}$/.test(id) ? id : undefined;
  const parts = [`${model}: ${cut}`, request && `Request ${request}.`, ADVICE[problem]];
  return { problem, detail: withoutKeys(parts.filter(Boolean).join(" "), key) };
}
