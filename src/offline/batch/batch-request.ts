/** What a call that makes a batch may say; everything else is refused at once, as the file's content is not. */
import { badRequest } from "../api-error.ts";
import { checkChoice, checkKeys, checkObject, checkString } from "../field-checks.ts";
import { checkExpiry } from "./expiry.ts";
import type { StoredFile, StoredFiles } from "./stored-files.ts";

const KEYS = new Set(["input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"]);
const EXPIRY_KEYS = new Set(["anchor", "seconds"]);
const MOST_PAIRS = 16;
const KEY_LENGTH = 64;
const VALUE_LENGTH = 512;

export const BATCH_ENDPOINT = "/v1/chat/completions";
export const COMPLETION_WINDOW = "24h";

export interface BatchRequest {
  file: StoredFile;
  metadata: Record<string, string> | null;
  /** Undefined: 30 days. */
  outputExpiresAfterSeconds: number | undefined;
}

function checkMetadata(value: unknown): Record<string, string> | null {
  if (value === undefined || value === null) return null;
  const pairs = Object.entries(checkObject(value, "metadata"));
  if (pairs.length > MOST_PAIRS) {
    throw badRequest(
      `Invalid 'metadata': too many properties. Expected an object with at most ${MOST_PAIRS} properties, but got an object with ${pairs.length} properties instead.`,
      "metadata",
      "object_above_max_properties",
    );
  }
  for (const [key, text] of pairs) {
    if (key.length > KEY_LENGTH) {
      throw badRequest(
        `Invalid property name in 'metadata': '${key}'. Expected a name with maximum length ${KEY_LENGTH}, but got a name with length ${key.length} instead.`,
        "metadata",
        "invalid_property_name",
      );
    }
    checkString(text, `metadata.${key}`, VALUE_LENGTH);
  }
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** Throws an `ApiError` for the first thing that is wrong. */
export function checkBatchRequest(value: unknown, files: StoredFiles): BatchRequest {
  const body = checkObject(value, "body");
  checkKeys(body, KEYS);
  const id = checkString(body.input_file_id, "input_file_id");
  checkChoice(checkString(body.endpoint, "endpoint"), "endpoint", [BATCH_ENDPOINT]);
  checkChoice(checkString(body.completion_window, "completion_window"), "completion_window", [
    COMPLETION_WINDOW,
  ]);
  const metadata = checkMetadata(body.metadata);
  const expiry = body.output_expires_after;
  let outputExpiresAfterSeconds: number | undefined;
  if (expiry !== undefined && expiry !== null) {
    const fields = checkObject(expiry, "output_expires_after");
    checkKeys(fields, EXPIRY_KEYS, "output_expires_after");
    outputExpiresAfterSeconds = checkExpiry(fields.anchor, fields.seconds ?? null, "output_expires_after");
  }
  const file = files.find(id);
  if (file === undefined) {
    throw badRequest(
      `Cannot find file ${id}, or your organization does not have access to it.`,
      "input_file_id",
      "invalid_request",
    );
  }
  if (file.wire.purpose !== "batch") {
    throw badRequest(
      `Invalid purpose of file ${id}: expected 'batch', but got '${file.wire.purpose}' instead.`,
      "input_file_id",
      "invalid_purpose",
    );
  }
  return { file, metadata, outputExpiresAfterSeconds };
}
