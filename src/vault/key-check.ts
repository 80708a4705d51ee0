/** Asks the provider once whether it takes a key. Costs nothing: no model is asked. */
import type { KeyKind } from "./vault-file.ts";

/** A kind that the provider can be asked about; it never says whether a webhook's secret is right. */
export type CheckedKind = Exclude<KeyKind, "webhook">;

export type KeyCheck =
  | { outcome: "ok" }
  | { outcome: "refused"; status: number }
  /** No answer, or one that says nothing about the key. */
  | { outcome: "unreachable"; why: string };

export interface KeyCheckOptions {
  kind: CheckedKind;
  key: string;
  /** Of the provider, with its version, like `https://api.openai.com/v1`. */
  baseUrl: string;
  fetch: typeof globalThis.fetch;
  signal: AbortSignal;
}

const PATHS: Readonly<Record<CheckedKind, string>> = {
  api: "/models",
  admin: "/organization/projects?limit=1",
};

export async function checkKey({ kind, key, baseUrl, fetch, signal }: KeyCheckOptions): Promise<KeyCheck> {
  const url = `${baseUrl.replace(/\/+$/, "")}${PATHS[kind]}`;
  const headers = { authorization: `Bearer ${key}` };
  try {
    // A redirect would take the key to an address that nobody named.
    const response = await fetch(url, { headers, redirect: "manual", signal });
    await response.body?.cancel();
    return outcomeOf(response.status);
  } catch (error) {
    return { outcome: "unreachable", why: signal.aborted ? "no answer in time" : causeOf(error) };
  }
}

function outcomeOf(status: number): KeyCheck {
  if (status >= 200 && status < 300) return { outcome: "ok" };
  if (status === 401 || status === 403) return { outcome: "refused", status };
  const isRedirect = status === 0 || (status >= 300 && status < 400);
  const why = isRedirect
    ? "it answered with a redirect, which is not followed"
    : `it answered with status ${status}`;
  return { outcome: "unreachable", why };
}

/** The network's own code, like ECONNREFUSED; texts of errors may quote the request. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause
    ? `the connection failed (${String(cause.code)})`
    : "the request failed";
}
