/** One request as a line of a batch's file, and the name by which its answer is found. */
import type { RequestKey } from "../../store/requests.ts";
import type { ChatRequest, Labels } from "../exchange.ts";
import { digestOf } from "../request-digest.ts";

export const BATCH_ENDPOINT = "/v1/chat/completions";

/** What makes an attempt of a request what it is; another one, of whatever conversation, has another id. */
export interface LineKey extends RequestKey, Pick<Labels, "conversation" | "turn" | "purpose"> {
  /** Counted from 1. */
  attempt: number;
}

/** 64 hexadecimal digits. */
export const customIdOf = ({ conversation, turn, purpose, attempt, digest, occurrence }: LineKey): string =>
  digestOf({ conversation, turn, purpose, attempt, digest, occurrence });

/** What is sent of a request: how it is billed and how it travels is the batch's business. */
export function lineBody(request: ChatRequest): string {
  const {
    service_tier: _,
    stream: __,
    stream_options: ___,
    ...body
  } = request as ChatRequest & {
    stream_options?: unknown;
  };
  return JSON.stringify(body);
}

export const lineText = ({ customId, body }: { customId: string; body: string }): string =>
  `{"custom_id":${JSON.stringify(customId)},"method":"POST","url":"${BATCH_ENDPOINT}","body":${body}}\n`;

export const lineBytes = (line: { customId: string; body: string }): number =>
  Buffer.byteLength(lineText(line), "utf8");
