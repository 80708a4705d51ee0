/** One chat completion from its body to its response: check, count, answer, bill, send. */
import type { ModelInfo } from "../domain/model-info.ts";
import { badRequest } from "./api-error.ts";
import type { BillKeeper } from "./bill.ts";
import { complete, fromGenerator, fromScript, outputLimit } from "./completion.ts";
import type { Connection } from "./connection.ts";
import type { FaultSource } from "./faults.ts";
import { checkGenerated } from "./generator-check.ts";
import type { Pace } from "./pace.ts";
import type { PromptCache } from "./prompt-cache.ts";
import { type CountedPrompt, createPromptCounter, type PromptCounter } from "./prompt-tokens.ts";
import type { ChatRequest, Generator } from "./protocol.ts";
import type { RateLimiter } from "./rate-limit.ts";
import type { OpenRecord } from "./request-log.ts";
import { isUnbilled, type ScriptedAnswer, type ScriptQueue } from "./script.ts";
import { send, sendUnbilled } from "./sending.ts";
import type { ServedModels } from "./served-models.ts";
import { type Encoding, loadTokenizer, type Tokenizer } from "./tokens.ts";
import type { TrafficCounter } from "./traffic.ts";
import { validateRequest } from "./validation.ts";

export interface ChatParts {
  models: ServedModels;
  generator: Generator;
  clock: () => number;
  limiter: RateLimiter;
  script: ScriptQueue;
  faults: FaultSource;
  pace: Pace;
  cache: PromptCache;
  bill: BillKeeper;
  traffic: TrafficCounter;
  /** Of messages that were counted already. */
  memoryCharacters: number | undefined;
}

export interface Exchange {
  /** Parsed JSON. */
  body: unknown;
  record: OpenRecord;
  connection: Connection;
}

/** Answers a request; throws `ApiError` for what the client did wrong. */
export type ChatHandler = (exchange: Exchange) => Promise<Response>;

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

/** What is to happen to one request beyond the usual; undefined: nothing. */
type Step = (ScriptedAnswer & { latencyMs?: number | undefined }) | undefined;

export function createChatHandler(parts: ChatParts): ChatHandler {
  const { models, generator, clock, limiter, script, faults, pace, cache, bill, traffic } = parts;
  const counters = new Map<Encoding, PromptCounter>();
  let completions = 0;

  const countPrompt = (request: ChatRequest, model: ModelInfo, tokenizer: Tokenizer): CountedPrompt => {
    let counter = counters.get(model.encoding);
    if (counter === undefined) {
      counter = createPromptCounter(tokenizer, parts.memoryCharacters);
      counters.set(model.encoding, counter);
    }
    return counter.count(request);
  };

  const generate = (request: ChatRequest) => {
    const reply = generator(request);
    checkGenerated(reply, request);
    return fromGenerator(reply);
  };

  /** The script wins; a fault that it overrules is used up all the same, so that the ones after it stay what they are. */
  const nextStep = (request: ChatRequest): Step => {
    const fault = faults.next(request);
    const step = script.take(request);
    if (step !== undefined || fault === undefined) return step;
    traffic.faulted(fault.kind);
    return fault.answer;
  };

  return async ({ body, record, connection }) => {
    traffic.arrived();
    const { request, model } = validateRequest(body, models);
    record.promptCacheKey = request.prompt_cache_key;
    if (request.prompt_cache_key !== undefined) traffic.cacheKey();
    const tokenizer = await loadTokenizer(model.encoding);
    connection.signal.throwIfAborted();
    const prompt = countPrompt(request, model, tokenizer);
    checkContext(prompt.tokens, request, model);
    const asked = prompt.tokens + (outputLimit(request) ?? 0);
    const headers = limiter.take(model.id, asked);
    traffic.counted(model.id, asked);

    const step = nextStep(request);
    const latencyMs = pace.latencyMs(request) + (step?.latencyMs ?? 0);
    const wait = () => (latencyMs > 0 ? pace.delay(latencyMs, connection.signal) : undefined);
    if (step !== undefined && isUnbilled(step)) {
      await wait();
      return sendUnbilled({ answer: step, model: model.id, limiter, connection });
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
    const { costNanoUsd } = bill.charge({
      requestId: record.id,
      model: { ...model, id: request.model },
      usage: completion.usage,
      tier: completion.serviceTier,
    });
    record.chargedNanoUsd = costNanoUsd;
    await wait();
    return send({ completion, request, step, headers, connection, pace });
  };
}
