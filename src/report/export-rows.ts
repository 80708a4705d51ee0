/** Exported rows: one a turn, or one a conversation, for notebooks and spreadsheets. */
import { usdText } from "../domain/money.ts";
import type { ToolCall, Turn } from "../domain/turn.ts";
import type { Subtotal } from "../domain/usage.ts";
import type { StoredConversation } from "../store/export-pages.ts";
import { columnsOf } from "./columns.ts";

/** What every row says of its conversation. */
interface Origin {
  run: string;
  conversation: string;
  /** Of the conversation in its run, counted from 0. */
  position: number;
  /** Of an experiment: the combination of factors; undefined elsewhere. */
  arm: string | undefined;
  seed: number | undefined;
  /** completed, failed, budget, …: as `dramatis show` names it. */
  status: string;
  scenario: string;
  /** network: a model wrote the answers. offline: they were generated. Undefined before the first end. */
  transport: string | undefined;
}

/** Tokens and money of a row. Input includes the cached tokens, output the reasoning ones. */
interface Figures {
  requests: number | undefined;
  inputTokens: number | undefined;
  cachedInputTokens: number | undefined;
  outputTokens: number | undefined;
  reasoningTokens: number | undefined;
  /** Undefined when no cost is known; a lower bound where `unpricedRequests` is above 0. */
  costNanoUsd: number | undefined;
  /** The same amount in dollars, as an exact decimal: `0.001234500`. */
  costUsd: string | undefined;
  unpricedRequests: number | undefined;
  /** The most those can have cost, where their model has a price. */
  unpricedBoundNanoUsd: number | undefined;
}

/** One turn, with what it belongs to and what it took. */
export interface TurnRow extends Origin, Figures {
  turn: number;
  /** Id of the persona. */
  speaker: string;
  name: string | undefined;
  role: string | undefined;
  model: string;
  message: string;
  /** 0 to 1. */
  confidence: number;
  reasoning: string;
  emotions: string[];
  addressedTo: string | undefined;
  citations: string[];
  wantsToConclude: boolean;
  toolCalls: ToolCall[];
  complexity: string;
  /** ISO 8601, UTC. */
  startedAt: string;
  durationMs: number;
}

/** One conversation; figures are undefined while it has not ended. */
export interface ConversationRow extends Origin, Figures {
  /** The kind of ending that fired, and the figures or words that made it. */
  ending: string | undefined;
  evidence: string | undefined;
  turns: number | undefined;
  /** What went wrong in turns, repaired or not. */
  failures: number | undefined;
  startedAt: string | undefined;
  endedAt: string | undefined;
  durationMs: number | undefined;
}

const ORIGIN = {
  run: "text",
  conversation: "text",
  position: "integer",
  arm: "text",
  seed: "integer",
  status: "text",
  scenario: "text",
  transport: "text",
} as const;

const FIGURES = {
  requests: "integer",
  inputTokens: "integer",
  cachedInputTokens: "integer",
  outputTokens: "integer",
  reasoningTokens: "integer",
  costNanoUsd: "integer",
  costUsd: "text",
  unpricedRequests: "integer",
  unpricedBoundNanoUsd: "integer",
} as const;

export const TURN_COLUMNS = columnsOf<TurnRow>({
  ...ORIGIN,
  turn: "integer",
  speaker: "text",
  name: "text",
  role: "text",
  model: "text",
  message: "text",
  confidence: "number",
  reasoning: "text",
  emotions: "texts",
  addressedTo: "text",
  citations: "texts",
  wantsToConclude: "boolean",
  toolCalls: "json",
  complexity: "text",
  ...FIGURES,
  startedAt: "time",
  durationMs: "number",
});

export const CONVERSATION_COLUMNS = columnsOf<ConversationRow>({
  ...ORIGIN,
  ending: "text",
  evidence: "text",
  turns: "integer",
  failures: "integer",
  ...FIGURES,
  startedAt: "time",
  endedAt: "time",
  durationMs: "number",
});

/** Planned with the conversation: all there is to know of its seed before it ended. */
function plannedSeed(settings: object): number | undefined {
  const { seed } = settings as { seed?: unknown };
  return typeof seed === "number" ? seed : undefined;
}

function originOf(conversation: StoredConversation): Origin {
  const { id, runId, scenario, position, arm, status, settings, outcome } = conversation;
  return {
    run: runId,
    conversation: id,
    position,
    arm,
    seed: outcome?.seed ?? plannedSeed(settings),
    status,
    scenario,
    transport: outcome?.transport,
  };
}

const figuresOf = (usage: Subtotal | undefined): Figures => ({
  requests: usage?.requests,
  inputTokens: usage?.inputTokens,
  cachedInputTokens: usage?.cachedInputTokens,
  outputTokens: usage?.outputTokens,
  reasoningTokens: usage?.reasoningTokens,
  costNanoUsd: usage?.costNanoUsd,
  costUsd: usage?.costNanoUsd === undefined ? undefined : usdText(usage.costNanoUsd),
  unpricedRequests: usage?.unpricedRequests,
  unpricedBoundNanoUsd: usage?.unpricedBoundNanoUsd,
});

export function turnRow(conversation: StoredConversation, turn: Turn): TurnRow {
  const participant = conversation.outcome?.participants.find(({ id }) => id === turn.speaker);
  return {
    ...originOf(conversation),
    turn: turn.turn,
    speaker: turn.speaker,
    name: participant?.name,
    role: participant?.role,
    model: turn.model.id,
    message: turn.message,
    confidence: turn.confidence,
    reasoning: turn.reasoning,
    emotions: turn.emotions,
    addressedTo: turn.addressedTo ?? undefined,
    citations: turn.citations,
    wantsToConclude: turn.wantsToConclude,
    toolCalls: turn.toolCalls,
    complexity: turn.complexity,
    ...figuresOf(turn.usage),
    startedAt: turn.startedAt,
    durationMs: turn.durationMs,
  };
}

export function conversationRow(conversation: StoredConversation): ConversationRow {
  const { outcome, startedAt } = conversation;
  return {
    ...originOf(conversation),
    ending: outcome?.ending.kind,
    evidence: outcome?.ending.evidence,
    turns: outcome?.turns,
    failures: outcome?.failures,
    ...figuresOf(outcome?.totals),
    startedAt: startedAt?.toISOString(),
    endedAt: outcome?.endedAt.toISOString(),
    durationMs:
      outcome === undefined || startedAt === undefined
        ? undefined
        : outcome.endedAt.getTime() - startedAt.getTime(),
  };
}
