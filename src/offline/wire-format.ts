/** A completion as it goes over the wire: one JSON object, or a row of chunks. */
import type { ChatRequest, Completion } from "./protocol.ts";

/** Marks every answer as ours; no model of the provider ever sends it. */
export const SYSTEM_FINGERPRINT = "offline";

/** Characters of a delta: a few tokens. Code points are never cut in two. */
const PIECE = /[\s\S]{1,16}/gu;

function usageOf({ usage }: Completion) {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

const envelope = (completion: Completion, object: "chat.completion" | "chat.completion.chunk") => ({
  id: completion.id,
  object,
  created: completion.created,
  model: completion.model,
  service_tier: completion.serviceTier,
  system_fingerprint: SYSTEM_FINGERPRINT,
});

/** The answer to a request that does not stream. */
export function formatCompletion(completion: Completion) {
  const { content, refusal, toolCalls, finishReason } = completion;
  const message = {
    role: "assistant",
    content,
    refusal,
    annotations: [],
    ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
  };
  return {
    ...envelope(completion, "chat.completion"),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason }],
    usage: usageOf(completion),
  };
}

const pieces = (text: string) => text.match(PIECE) ?? [];

function* deltas({ content, refusal, toolCalls }: Completion): Generator<Record<string, unknown>> {
  yield { role: "assistant", content: content === null ? null : "", refusal: null };
  for (const piece of pieces(content ?? "")) yield { content: piece };
  for (const piece of pieces(refusal ?? "")) yield { refusal: piece };
  for (const [index, call] of toolCalls.entries()) {
    const { name, arguments: whole } = call.function;
    yield { tool_calls: [{ index, id: call.id, type: call.type, function: { name, arguments: "" } }] };
    for (const piece of pieces(whole)) yield { tool_calls: [{ index, function: { arguments: piece } }] };
  }
}

/** The chunks of a stream, without the closing `[DONE]`. */
export function* formatChunks(completion: Completion, options: ChatRequest["stream_options"] = {}) {
  const withUsage = options.include_usage === true;
  const head = envelope(completion, "chat.completion.chunk");
  const chunk = (delta: Record<string, unknown>, finishReason: string | null) => ({
    ...head,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    ...(withUsage ? { usage: null } : {}),
  });
  for (const delta of deltas(completion)) yield chunk(delta, null);
  yield chunk({}, completion.finishReason);
  if (withUsage) yield { ...head, choices: [], usage: usageOf(completion) };
}
