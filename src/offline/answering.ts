/** What every chat completion goes through, live or in a batch: checked, counted, written, billed. */
import type { ModelInfo } from "../domain/model-info.ts";
import { badRequest } from "./api-error.ts";
import type { BilledTier, BillKeeper, Payer } from "./bill.ts";
import { complete, fromGenerator, fromScript, outputLimit } from "./completion.ts";
import { checkGenerated } from "./generator-check.ts";
import type { PromptCache } from "./prompt-cache.ts";
import { type CountedPrompt, createPromptCounter, type PromptCounter } from "./prompt-tokens.ts";
import type { ChatRequest, Completion, Generator } from "./protocol.ts";
import type { BilledAnswer } from "./script.ts";
import type { ServedModels } from "./served-models.ts";
import { type Encoding, loadTokenizer, type Tokenizer } from "./tokens.ts";
import { type AcceptedRequest, validateRequest } from "./validation.ts";

export interface AnsweringParts {
  models: ServedModels;
  generator: Generator;
  cache: PromptCache;
  bill: BillKeeper;
  /** Of messages that were counted already. */
  memoryCharacters: number | undefined;
}

export interface CountedRequest extends AcceptedRequest {
  prompt: CountedPrompt;
  tokenizer: Tokenizer;
}

export interface Writing {
  counted: CountedRequest;
  /** What a script or a fault wants; undefined: what the generator writes. */
  step: BilledAnswer | undefined;
  /** Names the charge. */
  requestId: string;
  /** Undefined: the one that the completion says. */
  tier?: BilledTier | undefined;
  payer: Payer;
  /** Milliseconds since 1970. */
  now: number;
}

export interface WrittenAnswer {
  completion: Completion;
  /** Undefined for a model without a price. */
  costNanoUsd: number | undefined;
}

export interface Answering {
  /** Throws an `ApiError` for the first rule that the body breaks. */
  check(body: unknown): AcceptedRequest;
  /** Throws an `ApiError` where prompt and allowed output do not fit the model. */
  count(accepted: AcceptedRequest): Promise<CountedRequest>;
  /** Writes the answer and charges for it, whether or not anybody is still there. Throws `GeneratorFault`. */
  write(writing: Writing): WrittenAnswer;
}

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

export function createAnswering(parts: AnsweringParts): Answering {
  const { models, generator, cache, bill } = parts;
  const counters = new Map<Encoding, PromptCounter>();
  let completions = 0;

  const counterOf = (encoding: Encoding, tokenizer: Tokenizer): PromptCounter => {
    let counter = counters.get(encoding);
    if (counter === undefined) {
      counter = createPromptCounter(tokenizer, parts.memoryCharacters);
      counters.set(encoding, counter);
    }
    return counter;
  };

  const generate = (request: ChatRequest) => {
    const reply = generator(request);
    checkGenerated(reply, request);
    return fromGenerator(reply);
  };

  return {
    check: (body) => validateRequest(body, models),

    async count({ request, model }) {
      const tokenizer = await loadTokenizer(model.encoding);
      const prompt = counterOf(model.encoding, tokenizer).count(request);
      checkContext(prompt.tokens, request, model);
      return { request, model, prompt, tokenizer };
    },

    write({ counted, step, requestId, tier, payer, now }) {
      const { request, model, prompt, tokenizer } = counted;
      const draft = step === undefined ? generate(request) : fromScript(step, () => generate(request));
      completions += 1;
      const completion = complete({
        request,
        draft,
        number: completions,
        created: Math.floor(now / 1000),
        tokenizer,
        reasons: model.reasons,
        maxOutputTokens: Math.min(
          outputLimit(request) ?? Number.POSITIVE_INFINITY,
          model.maxOutput,
          model.contextWindow - prompt.tokens,
        ),
        input: { inputTokens: prompt.tokens, cachedInputTokens: cache.read(model.id, prompt.segments) },
      });
      const { costNanoUsd } = bill.charge({
        requestId,
        model: { ...model, id: request.model },
        usage: completion.usage,
        tier: tier ?? completion.serviceTier,
        payer,
        at: now,
      });
      return { completion, costNanoUsd };
    },
  };
}
