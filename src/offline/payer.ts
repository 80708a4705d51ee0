/** Whom a request is charged to. A key is known by a digest; who has it is not known here. */
import { createHash } from "node:crypto";
import type { Payer } from "./bill.ts";

/** Digits of a key's digest that make its id. */
const KEY_ID_DIGITS = 16;

/** @param projectId of requests that name none */
export function payerOf(headers: Headers, projectId: string): Payer {
  const [, key] = /^Bearer (.+)$/.exec(headers.get("authorization") ?? "") ?? [];
  const digest = key && createHash("sha256").update(key).digest("hex").slice(0, KEY_ID_DIGITS);
  return { project: headers.get("openai-project") ?? projectId, apiKey: digest && `key_${digest}` };
}
