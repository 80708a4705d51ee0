/** Puts the chunks of a streamed answer together into the completion it would have been, telling each piece on the way. */
import type { OpenAIClient } from "@langchain/openai";
import type { Completion, Delta } from "./exchange.ts";
import { CutStream, NoCompletion } from "./model-error.ts";

type Chunk = OpenAIClient.Chat.Completions.ChatCompletionChunk;
type Call = { id: string; type: "function"; function: { name: string; arguments: string } };

/** More calls than that are no answer; the index is the provider's to choose. */
const MAX_CALLS = 64;

function addCalls(calls: Call[], parts: NonNullable<Chunk["choices"][number]["delta"]["tool_calls"]>): void {
  for (const { index, id, function: part } of parts) {
    if (!Number.isInteger(index) || index < 0 || index >= MAX_CALLS) continue;
    const call = calls[index] ?? { id: "", type: "function", function: { name: "", arguments: "" } };
    calls[index] = call;
    call.id ||= id ?? "";
    call.function.name ||= part?.name ?? "";
    call.function.arguments += part?.arguments ?? "";
  }
}

/**
 * The completion that a stream of chunks adds up to.
 * @throws CutStream when the stream ends before the answer's finish reason.
 */
export async function assembleCompletion(
  chunks: AsyncIterable<Chunk>,
  onDelta: (delta: Omit<Delta, "attempt">) => void,
): Promise<Completion> {
  let last: Chunk | undefined;
  let content: string | null = null;
  let refusal: string | null = null;
  let finish: Completion["choices"][number]["finish_reason"] | undefined;
  let usage: Completion["usage"];
  let tier: Completion["service_tier"];
  const calls: Call[] = [];

  for await (const chunk of chunks) {
    if (!Array.isArray(chunk?.choices))
      throw new NoCompletion("The server streamed something that is no chat completion.");
    last = chunk;
    usage = chunk.usage ?? usage;
    tier = chunk.service_tier ?? tier;
    const choice = chunk.choices[0];
    if (choice === undefined) continue;
    const { delta } = choice;
    if (typeof delta?.content === "string") content = (content ?? "") + delta.content;
    if (typeof delta?.refusal === "string") refusal = (refusal ?? "") + delta.refusal;
    if (Array.isArray(delta?.tool_calls)) addCalls(calls, delta.tool_calls);
    finish = choice.finish_reason ?? finish;
    const call = delta?.tool_calls?.[0];
    const callArguments = call?.function?.arguments ?? "";
    if (delta?.content || callArguments !== "") {
      const callName = call === undefined ? undefined : calls[call.index]?.function.name;
      onDelta({ content: delta.content ?? "", callArguments, callName });
    }
  }
  if (last === undefined || finish === undefined)
    throw new CutStream("The stream ended before the answer did.");
  const whole = calls.filter((call) => call !== undefined);
  return {
    id: last.id,
    object: "chat.completion",
    created: last.created,
    model: last.model,
    choices: [
      {
        index: 0,
        finish_reason: finish,
        logprobs: null,
        message: {
          role: "assistant",
          content,
          refusal,
          ...(whole.length === 0 ? {} : { tool_calls: whole }),
        },
      },
    ],
    ...(usage == null ? {} : { usage }),
    ...(tier == null ? {} : { service_tier: tier }),
    ...(last.system_fingerprint == null ? {} : { system_fingerprint: last.system_fingerprint }),
  };
}
