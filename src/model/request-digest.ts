/** What of a request decides its answer, and a digest of it: two requests with one digest ask the same. */
import { createHash } from "node:crypto";
import type { ChatRequest } from "./exchange.ts";

/**
 * Parameters that do not decide an answer: they route it, bill it, store it or say how it travels. Everything else
 * does, parameters that are not known yet included.
 */
export const IRRELEVANT_PARAMETERS = [
  "metadata",
  "prompt_cache_key",
  "prompt_cache_retention",
  "safety_identifier",
  "store",
  "stream",
  "stream_options",
  "user",
] as const;

const IRRELEVANT: ReadonlySet<string> = new Set(IRRELEVANT_PARAMETERS);

/** The tier that is meant where none is named. */
const DEFAULT_TIER = "default";

/** A request without what does not decide its answer. */
export const decidingParameters = (request: ChatRequest): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(request).filter(
      ([name, value]) =>
        !IRRELEVANT.has(name) && value !== undefined && !(name === "service_tier" && value === DEFAULT_TIER),
    ),
  );

/** JSON with the keys of every object sorted by code unit; what is undefined is left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`);
  return `{${fields.join(",")}}`;
}

/** SHA-256 of a value's canonical JSON, in hexadecimal digits. */
export const digestOf = (value: unknown): string =>
  createHash("sha256").update(canonicalJson(value)).digest("hex");
