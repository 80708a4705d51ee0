/** Runs a conversation to its end, telling of every turn as it comes, and returns its record. */
import type { RunnableConfig } from "@langchain/core/runnables";
import { ConversationError } from "../domain/conversation-error.ts";
import { messageOf } from "../domain/errors.ts";
import type { ConversationRecord } from "../domain/record.ts";
import { withoutKeys } from "../domain/secrets.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { SentPrompt } from "../turn/sent-prompt.ts";
import type { ConversationEvent } from "./events.ts";
import type { Conversation } from "./graph.ts";
import { recordOf } from "./record.ts";
import { withRunSignals } from "./run-signals.ts";
import type { ConversationContextInput, ConversationInput, ConversationState } from "./state.ts";

/** How one conversation is run, watched and stopped. */
export interface RunOptions {
  scenario: Scenario;
  /** Also the LangGraph thread id. */
  conversationId: string;
  transport: ConversationRecord["transport"];
  /** Of a replay: the transport of the recorded run. */
  replayOf?: ConversationRecord["replayOf"];
  input?: ConversationInput | undefined;
  context?: ConversationContextInput | undefined;
  /** Ends the conversation before the next turn. */
  stopSignal?: AbortSignal | undefined;
  /** Breaks off the request in flight as well; what it may have cost is in the record. */
  signal?: AbortSignal | undefined;
  /**
   * Told of every choice as it is made, of every turn and failure once it is in the state, and, where the context says
   * `stream: true`, of the words of a message as they arrive.
   */
  onEvent?: ((event: ConversationEvent) => void) | undefined;
  /** Told of what was sent for every turn, private notes included, once the turn is over. */
  onPrompt?: ((sent: SentPrompt) => void) | undefined;
  /** Further LangChain options of the run: callbacks, tags, metadata. */
  config?: Pick<RunnableConfig, "callbacks" | "tags" | "metadata"> | undefined;
  /** Milliseconds since 1970. Default: Date.now. */
  clock?: (() => number) | undefined;
}

/** Told as they happen; all others once they are in the state. */
const LIVE: ReadonlySet<ConversationEvent["type"]> = new Set(["choice", "attempt", "notice", "token"]);

/**
 * Runs a compiled conversation.
 * @throws ConversationError with the record up to then, when something throws after the first request was paid.
 */
export async function runConversation(graph: Conversation, options: RunOptions): Promise<ConversationRecord> {
  const { conversationId, onEvent } = options;
  const signals = { stop: options.stopSignal, abort: options.signal, onPrompt: options.onPrompt };
  let state: ConversationState | undefined;

  async function follow(): Promise<void> {
    const stream = await graph.stream(options.input ?? {}, {
      ...options.config,
      streamMode: ["custom", "values"],
      configurable: { thread_id: conversationId },
      context: options.context ?? {},
    });
    for await (const [mode, chunk] of stream) {
      if (mode === "custom") {
        if (LIVE.has(chunk.type)) onEvent?.(chunk);
        continue;
      }
      const next = chunk as unknown as ConversationState;
      for (const event of newEvents(state, next)) onEvent?.(event);
      state = next;
    }
  }

  const recorded = (last: ConversationState) =>
    recordOf(last, { ...options, endedAt: (options.clock ?? Date.now)() });
  try {
    await withRunSignals(signals, follow);
  } catch (error) {
    const last = state as ConversationState | undefined;
    if (last === undefined || last.usage.length === 0) throw error;
    const evidence = withoutKeys(messageOf(error));
    throw new ConversationError(
      recorded({ ...last, status: "failed", ending: { kind: "error", evidence } }),
      error,
    );
  }
  if (state === undefined) throw new Error("the graph ended without a state");
  return recorded(state);
}

/** The turns, failures and summaries that one state has and the one before had not; a resumed thread's first state tells nothing. */
function newEvents(before: ConversationState | undefined, now: ConversationState): ConversationEvent[] {
  if (before === undefined) return [];
  return [
    ...now.summaries.slice(before.summaries.length).map((summary) => ({ type: "summary" as const, summary })),
    ...now.failures.slice(before.failures.length).map((failure) => ({ type: "failure" as const, failure })),
    ...now.turns.slice(before.turns.length).map((turn) => ({ type: "turn" as const, turn })),
  ];
}
