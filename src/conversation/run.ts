/** Runs a conversation to its end, telling of every turn as it comes, and returns its record. */
import type { ConversationRecord, EndingRecord, Status } from "../domain/record.ts";
import { RECORD_VERSION } from "../domain/record.ts";
import type { Choice, Rating, Turn, TurnFailure } from "../domain/turn.ts";
import { emptyTotals } from "../ledger/totals.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { Conversation } from "./graph.ts";
import { utterances } from "./persona-node.ts";
import type { ConversationContextInput, ConversationState } from "./state.ts";

export type ConversationEvent =
  | { type: "choice"; choice: Choice; complexity: Rating }
  | { type: "turn"; turn: Turn }
  | { type: "failure"; failure: TurnFailure };

export interface RunOptions {
  scenario: Scenario;
  /** Also the LangGraph thread id. */
  conversationId: string;
  transport: ConversationRecord["transport"];
  input?: { topic?: string; opening?: string; seed?: number };
  context?: ConversationContextInput;
  /** Breaks off the turn in flight; what was said before is kept. */
  signal?: AbortSignal | undefined;
  onEvent?: (event: ConversationEvent) => void;
  clock?: (() => number) | undefined;
}

const turnNumber = (id: string | undefined) => Number(/^turn-(\d+)$/.exec(id ?? "")?.[1] ?? Number.NaN);

/** What was said from outside the cast, each with the turn it followed. */
function remarksOf({ messages }: ConversationState): ConversationRecord["remarks"] {
  let afterTurn = 0;
  const remarks: ConversationRecord["remarks"] = [];
  for (const message of messages) {
    const turn = turnNumber(message.id);
    if (Number.isNaN(turn))
      remarks.push(
        ...utterances([message]).map((said) => ({ afterTurn, speaker: said.speaker, message: said.message })),
      );
    else afterTurn = turn;
  }
  return remarks;
}

const interrupted = (turn: number): { status: Status; ending: EndingRecord } => ({
  status: "interrupted",
  ending: { kind: "abort", evidence: `broken off during turn ${turn}, whose request may have been paid` },
});

export async function runConversation(graph: Conversation, options: RunOptions): Promise<ConversationRecord> {
  const { scenario, conversationId, signal } = options;
  const clock = options.clock ?? Date.now;
  const startedAt = new Date(clock()).toISOString();
  let state: ConversationState | undefined;
  let brokenOff = false;
  try {
    const stream = await graph.stream(options.input ?? {}, {
      streamMode: ["custom", "values"],
      configurable: { thread_id: conversationId },
      context: options.context ?? {},
      ...(signal === undefined ? {} : { signal }),
    });
    for await (const [mode, chunk] of stream) {
      if (mode === "custom") options.onEvent?.(chunk as ConversationEvent);
      else state = chunk as ConversationState;
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
    brokenOff = true;
  }
  const { turns = [], failures = [], usage: entries = [], totals, complexity, seed = 0 } = state ?? {};
  const outcome =
    brokenOff || state === undefined || state.status === "running" || state.ending === null
      ? interrupted(turns.length + 1)
      : { status: state.status, ending: state.ending };
  return {
    version: RECORD_VERSION,
    conversationId,
    scenario: { id: scenario.id, title: scenario.title, topic: state?.topic ?? scenario.topic },
    participants: scenario.cast.map(({ id, name, role }) => ({ id, name, role })),
    seed,
    transport: options.transport,
    startedAt,
    endedAt: new Date(clock()).toISOString(),
    ...outcome,
    complexity: complexity ?? { level: "low", signs: [] },
    remarks: state === undefined ? [] : remarksOf(state),
    turns,
    failures,
    usage: { entries, totals: totals ?? emptyTotals() },
  };
}
