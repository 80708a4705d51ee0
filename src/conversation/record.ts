/** A conversation's record, from its state. */
import type { ConversationRecord } from "../domain/record.ts";
import { RECORD_VERSION } from "../domain/record.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { ConversationOutput } from "./state.ts";
import { transcriptOf } from "./transcript.ts";

/** What a record says that a state does not. */
export interface RecordParts {
  scenario: Scenario;
  conversationId: string;
  transport: ConversationRecord["transport"];
  /** Of a replay: the transport of the recorded run. */
  replayOf?: ConversationRecord["replayOf"];
  /** Milliseconds since 1970. Default: now. */
  endedAt?: number | undefined;
}

/** What was said from outside the cast, each with the turn it followed. */
function remarksOf(state: ConversationOutput, { cast }: Scenario): ConversationRecord["remarks"] {
  let afterTurn = 0;
  return transcriptOf(state, cast).flatMap(({ turn, speaker, message }) => {
    if (turn === undefined) return [{ afterTurn, speaker, message }];
    afterTurn = turn;
    return [];
  });
}

/** The passages that were cited, in the order of their first citation. */
function sourcesOf(
  { passages }: Scenario,
  turns: ConversationOutput["turns"],
): ConversationRecord["sources"] {
  const cited = new Set(turns.flatMap(({ citations }) => citations));
  const byId = new Map(passages.map((passage) => [passage.id, passage]));
  return [...cited].flatMap((id) => {
    const passage = byId.get(id);
    return passage === undefined
      ? []
      : [{ id, title: passage.title, category: passage.category, text: passage.text }];
  });
}

/**
 * The record of a conversation so far: of what `invoke` returns or the stream mode `values` gives, or of
 * `getState(config).values` where it is a {@link ConversationState}.
 */
export function recordOf(state: ConversationOutput, parts: RecordParts): ConversationRecord {
  const { scenario, conversationId, transport, replayOf } = parts;
  const { turns, failures, attempts, summaries, status, ending } = state;
  const notices = [...scenario.notices, ...state.notices];
  const endedAt = new Date(parts.endedAt ?? Date.now()).toISOString();
  return {
    version: RECORD_VERSION,
    conversationId,
    scenario: { id: scenario.id, title: scenario.title, topic: state.topic ?? scenario.topic },
    participants: scenario.cast.map(({ id, name, role }) => ({ id, name, role })),
    seed: state.seed ?? scenario.seed ?? 0,
    transport,
    ...(replayOf === undefined ? {} : { replayOf }),
    startedAt: state.startedAt ?? endedAt,
    endedAt,
    status: status === "running" ? "interrupted" : status,
    ending: ending ?? { kind: "abort", evidence: "the run ended before the conversation did" },
    complexity: state.complexity ?? { level: "low", signs: [] },
    remarks: remarksOf(state, scenario),
    turns,
    failures,
    attempts,
    summaries,
    sources: sourcesOf(scenario, turns),
    ...(notices.length > 0 ? { notices } : {}),
    usage: { entries: state.usage, totals: state.totals },
  };
}
