/** One chat completion from its body to its response: check, count, answer, bill, send. */
import { setTimeout as delay } from "node:timers/promises";
import type { ModelInfo } from "../domain/model-info.ts";
import { badRequest, defaultBody, quotaExceeded } from "./api-error.ts";
import type { BillKeeper } from "./bill.ts";
import { complete, fromGenerator, fromScript, outputLimit } from "./completion.ts";
import type { Connection } from "./connection.ts";
import { checkGenerated } from "./generator-check.ts";
import type { PromptCache } from "./prompt-cache.ts";
import { type CountedPrompt, createPromptCounter, type PromptCounter } from "./prompt-tokens.ts";
import type { ChatRequest, Completion, Generator } from "./protocol.ts";
import type { RateHeaders, RateLimiter } from "./rate-limit.ts";
import { isUnbilled, type ScriptedAnswer, type ScriptQueue, type UnbilledAnswer } from "./script.ts";
import type { ServedModels } from "./served-models.ts";
import { eventStream } from "./stream.ts";
import { type Encoding, loadTokenizer, type Tokenizer } from "./tokens.ts";
import { validateRequest } from "./validation.ts";
import { formatChunks, formatCompletion } from "./wire-format.ts";

export interface ChatParts {
  models: ServedModels;
  generator: Generator;
  clock: () => number;
  limiter: RateLimiter;
  script: ScriptQueue;
  cache: PromptCache;
  bill: BillKeeper;
  latencyMs: number;
}

/** Answers a parsed body; throws `ApiError` for what the client did wrong. */
export type ChatHandler = (body: unknown, connection: Connection) => Promise<Response>;

function checkContext(prompt: number, request: ChatRequest, model: ModelInfo): void {
  const output = outputLimit(request) ?? 0;
  const window = model.contextWindow;
  if (prompt + output <= window) return;
  const problem =
    prompt > window
      ? `your messages resulted in ${prompt} tokens. Please reduce the length of the messages.`
      : `you requested ${prompt + output} tokens (${prompt} in the messages, ${output} in the completion). Please reduce the length of the messages or completion.`;
  throw badRequest(
    `This model's maximum context length is ${window} tokens. However, ${problem}`,
    "messages",
    "context_length_exceeded",
  );
}

async function answerUnbilled(answer: UnbilledAnswer, { signal, drop }: Connection): Promise<Response> {
  switch (answer.kind) {
    case "status": {
      const body = answer.body ?? defaultBody(answer.status);
      const headers = { "content-type": "application/json", ...answer.headers };
      const text = typeof body === "string" ? body : JSON.stringify(body);
      return new Response(text, { status: answer.status, headers });
    }
    case "quota":
      throw quotaExceeded();
    case "drop":
      return drop();
    case "hang":
      return new Promise((_, reject) => {
        const onAbort = () => reject(new DOMException("The client gave up.", "AbortError"));
        if (signal.aborted) onAbort();
        signal.addEventListener("abort", onAbort, { once: true });
      });
  }
}

/** Chunked from the first byte: the server behind the port would otherwise hold small answers back. */
const STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
  "transfer-encoding": "chunked",
};

interface Sending {
  completion: Completion;
  request: ChatRequest;
  step: ScriptedAnswer | undefined;
  headers: RateHeaders;
  connection: Connection;
}

function send({ completion, request, step, headers, connection }: Sending): Response {
  const cutAfter = step?.kind === "cut-stream" ? step.afterChunks : undefined;
  if (step?.kind === "drop" || (cutAfter !== undefined && request.stream !== true)) return connection.drop();
  if (request.stream !== true) return Response.json(formatCompletion(completion), { headers });
  const chunks = formatChunks(completion, request.stream_options);
  return new Response(eventStream(chunks, connection, cutAfter), {
    headers: { ...headers, ...STREAM_HEADERS },
  });
}

export function createChatHandler(parts: ChatParts): ChatHandler {
  const { models, generator, clock, limiter, script, cache, bill } = parts;
  const counters = new Map<Encoding, PromptCounter>();
  let completions = 0;

  const countPrompt = (request: ChatRequest, model: ModelInfo, tokenizer: Tokenizer): CountedPrompt => {
    let counter = counters.get(model.encoding);
    if (counter === undefined) {
      counter = createPromptCounter(tokenizer);
      counters.set(model.encoding, counter);
    }
    return counter.count(request);
  };

  const generate = (request: ChatRequest) => {
    const reply = generator(request);
    checkGenerated(reply, request);
    return fromGenerator(reply);
  };

  return async (body, connection) => {
    const { request, model } = validateRequest(body, models);
    const tokenizer = await loadTokenizer(model.encoding);
    connection.signal.throwIfAborted();
    const prompt = countPrompt(request, model, tokenizer);
    checkContext(prompt.tokens, request, model);
    const headers = limiter.take(model.id, prompt.tokens + (outputLimit(request) ?? 0));

    const step = script.take(request);
    const latencyMs = parts.latencyMs + (step?.latencyMs ?? 0);
    const wait = () =>
      latencyMs > 0 ? delay(latencyMs, undefined, { signal: connection.signal }) : undefined;
    if (step !== undefined && isUnbilled(step)) {
      await wait();
      return answerUnbilled(step, connection);
    }

    const draft = step === undefined ? generate(request) : fromScript(step, () => generate(request));
    completions += 1;
    const completion = complete({
      request,
      draft,
      number: completions,
      created: Math.floor(clock() / 1000),
      tokenizer,
      reasons: model.reasons,
      maxOutputTokens: Math.min(
        outputLimit(request) ?? Number.POSITIVE_INFINITY,
        model.maxOutput,
        model.contextWindow - prompt.tokens,
      ),
      input: { inputTokens: prompt.tokens, cachedInputTokens: cache.read(model.id, prompt.segments) },
    });
    // Charged before it is sent: the provider charges for what it wrote, whether or not anybody was still there.
    bill.charge({ ...model, id: request.model }, completion.usage, completion.serviceTier);
    await wait();
    return send({ completion, request, step, headers, connection });
  };
}
