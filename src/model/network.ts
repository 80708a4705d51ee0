/** Carries a request over the network with the provider's own client: one attempt, in time, whole or streamed. */
import { OpenAIClient } from "@langchain/openai";
import { z } from "zod";
import { assembleCompletion } from "./assemble.ts";
import type { ChatRequest, Completion, Delta } from "./exchange.ts";
import { AttemptTimeout, NoCompletion } from "./model-error.ts";

export interface NetworkOptions {
  apiKey: string;
  baseUrl?: string | undefined;
  fetch?: typeof globalThis.fetch | undefined;
  /** Of one attempt, until the whole answer is there. */
  timeoutMs: number;
}

export interface SendOptions {
  signal?: AbortSignal | undefined;
  /** Set: the answer is streamed, and every piece is told. */
  onDelta?: ((delta: Omit<Delta, "attempt">) => void) | undefined;
}

export interface Arrived {
  completion: Completion;
  headers: Headers;
}

/** Carries one attempt of a request. Throws what the client, the network or an abort threw. */
export type Carry = (request: ChatRequest, options: SendOptions) => Promise<Arrived>;

/** An error's body is a few lines; the client reads it without a limit of time or size. */
const ERROR_BODY = { timeoutMs: 10_000, bytes: 65_536 };
const NOT_MODIFIED = 304;

/** The beginning of a body, as much as arrives in time. */
async function beginningOf(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader();
  const timer = setTimeout(() => void reader.cancel(), ERROR_BODY.timeoutMs);
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    while (bytes < ERROR_BODY.bytes) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      text += decoder.decode(value, { stream: true });
    }
    return text;
  } finally {
    clearTimeout(timer);
    await reader.cancel();
  }
}

/** The same answer with a body that is known to end. */
async function withEndingBody({ status, headers, body }: Response): Promise<Response> {
  const text = body === null || status === NOT_MODIFIED ? null : await beginningOf(body);
  return new Response(text, { status, headers });
}

/** Follows no redirect, which would carry the prompt to another host, and reads no more of an error than its beginning. */
const guarded =
  (fetch: typeof globalThis.fetch): typeof globalThis.fetch =>
  async (input, init) => {
    const response = await fetch(input, { ...init, redirect: "manual" });
    return response.ok ? response : await withEndingBody(response);
  };

/** What must hold of an answer before it is read: other servers' pages, too, come with status 200. */
export const completionSchema = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        message: z.looseObject({
          content: z.string().nullish(),
          refusal: z.string().nullish(),
          tool_calls: z
            .array(
              z.looseObject({
                type: z.literal("function"),
                function: z.looseObject({ name: z.string(), arguments: z.string() }),
              }),
            )
            .nullish(),
        }),
      }),
    )
    .min(1),
});

/** The client's own retries, timers and logs are off: there is one layer of each, and it is ours. */
export function openNetwork({ apiKey, baseUrl, fetch, timeoutMs }: NetworkOptions): Carry {
  const client = new OpenAIClient({
    apiKey,
    baseURL: baseUrl,
    fetch: guarded(fetch ?? globalThis.fetch),
    maxRetries: 0,
    // The timer below covers the body as well; the client's would end with the headers.
    timeout: timeoutMs + 60_000,
    logLevel: "off",
  });

  return async (request, { signal, onDelta }) => {
    signal?.throwIfAborted();
    const attempt = new AbortController();
    const onAbort = () => attempt.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      attempt.abort();
    }, timeoutMs);
    try {
      const options = { signal: attempt.signal };
      if (onDelta !== undefined) {
        const body = { ...request, stream: true, stream_options: { include_usage: true } } as const;
        const { data, response } = await client.chat.completions.create(body, options).withResponse();
        return { completion: await assembleCompletion(data, onDelta), headers: response.headers };
      }
      const { data, response } = await client.chat.completions.create(request, options).withResponse();
      if (completionSchema.safeParse(data).success) return { completion: data, headers: response.headers };
      throw new NoCompletion(
        "The server answered with something that is no chat completion. Check OPENAI_BASE_URL.",
      );
    } catch (error) {
      if (isLate) throw new AttemptTimeout(`Nothing came, or not all of it, within ${timeoutMs} ms.`);
      signal?.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  };
}
