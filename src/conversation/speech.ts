/**
 * Tells a turn's message while it arrives: in events `token`, and as chunks in LangGraph's stream mode `messages`.
 * There is none where nobody watches, and the requests are then not streamed.
 */
import { AIMessageChunk, type AIMessageChunkFields, type UsageMetadata } from "@langchain/core/messages";
import { type LangGraphRunnableConfig, pushMessage } from "@langchain/langgraph";
import type { Answer } from "../domain/answer.ts";
import type { Subtotal } from "../domain/usage.ts";
import type { TextPiece } from "../model/answer-text.ts";
import { emit } from "./events.ts";
import { turnMessageId } from "./transcript.ts";

export interface SpeechParts {
  turn: number;
  speaker: string;
  /** Whether events `token` are wanted. */
  stream: boolean;
  config: LangGraphRunnableConfig;
}

export interface Speech {
  /** Words of the message; those of another attempt than before replace what was told. */
  tell(piece: TextPiece): void;
  /** The turn is over. Tells what of its message was not told, and what the turn took. */
  end(answer: Pick<Answer, "message" | "citations"> | undefined, usage: Subtotal): void;
}

/** LangGraph's handler of the mode, by the name under which `pushMessage` looks for it too. */
function hasMessagesReader({ callbacks }: LangGraphRunnableConfig): boolean {
  const handlers = Array.isArray(callbacks) ? callbacks : (callbacks?.handlers ?? []);
  return handlers.some((handler) => "name" in handler && handler.name === "StreamMessagesHandler");
}

/**
 * The id of an attempt's chunks. The first has the finished message's own, so that LangGraph does not send that again;
 * a later one needs another, since consumers append whatever comes under one id.
 */
const chunkId = (turn: number, attempt: number) =>
  attempt === 1 ? turnMessageId(turn) : `${turnMessageId(turn)}-${attempt}`;

function usageMetadata(usage: Subtotal): UsageMetadata | undefined {
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = usage;
  if (inputTokens + outputTokens === 0) return undefined;
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    input_token_details: { cache_read: cachedInputTokens },
    output_token_details: { reasoning: reasoningTokens },
  };
}

/** Undefined when nobody watches. */
export function createSpeech({ turn, speaker, stream, config }: SpeechParts): Speech | undefined {
  const isRead = hasMessagesReader(config);
  if (!stream && !isRead) return undefined;
  let attempt = 0;
  let told = "";

  function push(content: string, last: { citations?: string[]; usage_metadata?: UsageMetadata } = {}) {
    const { citations, ...more } = last;
    // The declared type of a chunk's fields knows no usage; the running object does.
    const fields: object = {
      id: chunkId(turn, attempt),
      name: speaker,
      content,
      ...(citations === undefined ? {} : { additional_kwargs: { citations } }),
      ...more,
    };
    pushMessage(new AIMessageChunk(fields as AIMessageChunkFields), { ...config, stateKey: null });
  }

  function tell(piece: TextPiece) {
    told = piece.attempt === attempt ? told + piece.text : piece.text;
    attempt = piece.attempt;
    if (stream) emit(config, { type: "token", turn, speaker, ...piece });
    if (isRead) push(piece.text);
  }

  return {
    tell,
    end(answer, usage) {
      // Not everything arrives in pieces that can be told: cached answers, say, or a field that came twice.
      const message = answer?.message ?? told;
      if (message.startsWith(told) && message.length > told.length) {
        tell({ attempt: Math.max(attempt, 1), text: message.slice(told.length) });
      } else if (message !== told) tell({ attempt: attempt + 1, text: message });
      if (!isRead || attempt === 0) return;
      const counted = usageMetadata(usage);
      push("", {
        ...(answer === undefined ? {} : { citations: answer.citations }),
        ...(counted === undefined ? {} : { usage_metadata: counted }),
      });
    },
  };
}
