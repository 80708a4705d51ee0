/** An exchange as the gateway makes it, and completions to answer it with. */
import { loadCatalog } from "../../src/catalog/catalog.ts";
import type { ChatRequest, Completion, Exchange } from "../../src/model/exchange.ts";

export const REQUEST: ChatRequest = {
  model: "gpt-4.1-nano",
  messages: [
    { role: "system", content: "You are Ada." },
    { role: "user", content: "What should we fix first?" },
  ],
  max_completion_tokens: 500,
  seed: 7,
};

type Choice = Completion["choices"][number];

export function completion(content: string | null, choice: Partial<Choice> = {}): Completion {
  const message = { role: "assistant" as const, content, refusal: null };
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_700_000_000,
    model: "gpt-4.1-nano",
    choices: [{ index: 0, finish_reason: "stop", logprobs: null, message, ...choice }],
    usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 },
  };
}

export function exchange(changes: Partial<Exchange> = {}): Exchange {
  return {
    request: REQUEST,
    model: loadCatalog().model("gpt-4.1-nano"),
    labels: { turn: 1, purpose: "turn", persona: "ada" },
    priority: "interactive",
    signal: undefined,
    deadline: { leftMs: 600_000 },
    askedTier: "standard",
    tierFallback: undefined,
    tier: "standard",
    isOffline: false,
    onDelta: undefined,
    onAttempt: undefined,
    maxOutputTokens: 100,
    tokens: () => 25,
    worstNanoUsd: async () => 1000,
    spendableNanoUsd: undefined,
    heldNanoUsd: undefined,
    attempts: [],
    reservation: undefined,
    budget: undefined,
    beforeSend: undefined,
    isAnswered: false,
    requestId: undefined,
    isReplayed: false,
    fromCache: false,
    ...changes,
  };
}
