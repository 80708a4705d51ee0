/** `messages.jsonl`: what was said, one JSON object a line, for data tools. Failures are in `conversation.json`. */
import type { ConversationRecord } from "../domain/record.ts";
import type { Turn } from "../domain/turn.ts";
import { jsonText } from "./json-text.ts";
import { type Participant, type Remark, timeline } from "./timeline.ts";

/** Every line has every key; null where it does not apply or is unknown. */
export interface MessageLine {
  conversationId: string;
  scenario: string;
  kind: "remark" | "turn";
  /** Of a remark: the turn it followed, 0 for the opening. */
  turn: number;
  speaker: string;
  name: string;
  role: string | null;
  message: string;
  confidence: number | null;
  emotions: string[];
  relevantExpertise: string[];
  addressedTo: string | null;
  citations: string[];
  removedCitations: string[];
  wantsToConclude: boolean | null;
  model: string | null;
  startedAt: string | null;
  durationMs: number | null;
  requests: number;
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  /** Null when no request's cost is known; a lower bound when `unpricedRequests` is above 0. */
  costNanoUsd: number | null;
  unpricedRequests: number;
}

/** One JSON object a line for the opening, every turn and every remark, in order; ends with a newline if not empty. */
export function messageLines(record: ConversationRecord): string {
  const known = new Map(record.participants.map((participant) => [participant.id, participant]));
  const origin = { conversationId: record.conversationId, scenario: record.scenario.id };
  const bodies = timeline(record).flatMap((happening): Body[] => {
    if (happening.kind === "failure") return [];
    return happening.kind === "remark"
      ? [ofRemark(happening.remark, known.get(happening.remark.speaker))]
      : [ofTurn(happening.turn, known.get(happening.turn.speaker))];
  });
  return bodies.map((body) => `${jsonText({ ...origin, ...body } satisfies MessageLine)}\n`).join("");
}

type Body = Omit<MessageLine, "conversationId" | "scenario">;

function ofTurn(turn: Turn, participant: Participant | undefined): Body {
  const { usage } = turn;
  return {
    kind: "turn",
    turn: turn.turn,
    speaker: turn.speaker,
    name: participant?.name ?? turn.speaker,
    role: participant?.role ?? null,
    message: turn.message,
    confidence: turn.confidence,
    emotions: turn.emotions,
    relevantExpertise: turn.relevantExpertise,
    addressedTo: turn.addressedTo,
    citations: turn.citations,
    removedCitations: turn.removedCitations,
    wantsToConclude: turn.wantsToConclude,
    model: turn.model.id,
    startedAt: turn.startedAt,
    durationMs: turn.durationMs,
    requests: usage.requests,
    inputTokens: usage.inputTokens,
    cachedInputTokens: usage.cachedInputTokens,
    outputTokens: usage.outputTokens,
    costNanoUsd: usage.costNanoUsd ?? null,
    unpricedRequests: usage.unpricedRequests,
  };
}

function ofRemark(remark: Remark, participant: Participant | undefined): Body {
  return {
    kind: "remark",
    turn: remark.afterTurn,
    speaker: remark.speaker,
    name: participant?.name ?? remark.speaker,
    role: participant?.role ?? null,
    message: remark.message,
    confidence: null,
    emotions: [],
    relevantExpertise: [],
    addressedTo: null,
    citations: [],
    removedCitations: [],
    wantsToConclude: null,
    model: null,
    startedAt: null,
    durationMs: null,
    requests: 0,
    inputTokens: 0,
    cachedInputTokens: 0,
    outputTokens: 0,
    costNanoUsd: 0,
    unpricedRequests: 0,
  };
}
