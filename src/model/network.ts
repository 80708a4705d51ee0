/**
 * Carries a request over the network: one attempt, in time, whole or streamed. What is streamed, or carried by somebody's
 * own fetch, goes through the provider's client; whole answers need no more of it than its address and headers.
 */
import { OpenAIClient } from "@langchain/openai";
import { assembleCompletion } from "./assemble.ts";
import { completionSchema } from "./completion-schema.ts";
import type { ChatRequest, Completion, Delta } from "./exchange.ts";
import { ERROR_BODY, isStraight, MOST_BODY_BYTES, openPost, type Post } from "./http-post.ts";
import { AttemptTimeout, NoCompletion } from "./model-error.ts";

export interface NetworkOptions {
  apiKey: string;
  baseUrl?: string | undefined;
  fetch?: typeof globalThis.fetch | undefined;
  /** Of one attempt, until the whole answer is there, unless it says. */
  timeoutMs: number;
}

export interface SendOptions {
  timeoutMs?: number | undefined;
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

const NOT_MODIFIED = 304;
/** The client's own timer comes after ours. */
const SPARE_MS = 60_000;

/** The beginning of an error's body, which the client would read without a limit of time or size, as much as arrives in time. */
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

/** The same answer, which breaks off where it is larger than any completion. */
function withLimit({ status, headers, body }: Response): Response {
  let left = MOST_BODY_BYTES;
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(part, controller) {
      left -= part.byteLength;
      if (left >= 0) controller.enqueue(part);
      else controller.error(new NoCompletion(`The answer is larger than ${MOST_BODY_BYTES} bytes.`));
    },
  });
  return new Response(body === null ? null : body.pipeThrough(limit), { status, headers });
}

/** Follows no redirect, which would carry the prompt to another host, and reads of no answer more than it can need. */
const guarded =
  (fetch: typeof globalThis.fetch): typeof globalThis.fetch =>
  async (input, init) => {
    const response = await fetch(input, { ...init, redirect: "manual" });
    return response.ok ? withLimit(response) : await withEndingBody(response);
  };

/** Other servers' pages, too, come with status 200. */
function checked(data: unknown, headers: Headers): Arrived {
  if (completionSchema.safeParse(data).success) return { completion: data as Completion, headers };
  throw new NoCompletion(
    "The server answered with something that is no chat completion. Check OPENAI_BASE_URL.",
  );
}

/** What the client makes of a body that is no JSON: nothing. */
function parsedOr(text: string): object | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The way the client would take, with the headers it would send. */
async function postLike(client: OpenAIClient): Promise<Post> {
  const { req, url } = await client.buildRequest({ method: "post", path: "/chat/completions", body: {} });
  const own = ["content-length", "x-stainless-timeout"];
  const headers = [...new Headers(req.headers)].filter(([name]) => !own.includes(name));
  return openPost(url, { ...Object.fromEntries(headers), "accept-encoding": "identity" });
}

/** One attempt without the client; its errors are the client's all the same. */
async function postWhole(
  post: Post,
  request: ChatRequest,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Arrived> {
  const options = { body: JSON.stringify(request), timeoutMs, signal };
  const { status, headers, text } = await post(options).catch((error: unknown) => {
    if (signal?.aborted || error instanceof AttemptTimeout || error instanceof NoCompletion) throw error;
    throw new OpenAIClient.APIConnectionError({ cause: error as Error });
  });
  if (status < 200 || status >= 300) {
    const body = parsedOr(text);
    throw OpenAIClient.APIError.generate(status, body, body === undefined ? text : undefined, headers);
  }
  const isJson = /\bjson\b/i.test(headers.get("content-type") ?? "");
  return checked(isJson ? JSON.parse(text) : text, headers);
}

/** The client's own retries, timers and logs are off: there is one layer of each, and it is ours. */
export function openNetwork({ apiKey, baseUrl, fetch, timeoutMs }: NetworkOptions): Carry {
  const client = new OpenAIClient({
    apiKey,
    baseURL: baseUrl,
    fetch: guarded(fetch ?? globalThis.fetch),
    maxRetries: 0,
    // The timer below covers the body as well; the client's would end with the headers.
    timeout: timeoutMs + SPARE_MS,
    logLevel: "off",
  });
  const isOurs = fetch === undefined && isStraight(process.env);
  let post: Promise<Post> | undefined;

  async function throughClient(request: ChatRequest, sending: SendOptions): Promise<Arrived> {
    const { signal, onDelta, timeoutMs: ms = timeoutMs } = sending;
    const attempt = new AbortController();
    const onAbort = () => attempt.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      attempt.abort();
    }, ms);
    try {
      const options = { signal: attempt.signal, timeout: ms + SPARE_MS };
      if (onDelta !== undefined) {
        const body = { ...request, stream: true, stream_options: { include_usage: true } } as const;
        const { data, response } = await client.chat.completions.create(body, options).withResponse();
        return { completion: await assembleCompletion(data, onDelta), headers: response.headers };
      }
      const { data, response } = await client.chat.completions.create(request, options).withResponse();
      return checked(data, response.headers);
    } catch (error) {
      if (isLate) throw new AttemptTimeout(`Nothing came, or not all of it, within ${ms} ms.`);
      signal?.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  return async (request, options) => {
    options.signal?.throwIfAborted();
    if (!isOurs || options.onDelta !== undefined) return await throughClient(request, options);
    post ??= postLike(client);
    return await postWhole(await post, request, options.timeoutMs ?? timeoutMs, options.signal);
  };
}
