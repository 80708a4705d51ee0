/** A small record with everything a report has to show: an opening, tool use, failures of each outcome, a moderator's cost. */
import type { ConversationRecord } from "../../src/domain/record.ts";
import type { Turn, TurnFailure } from "../../src/domain/turn.ts";
import type { Subtotal, UsageEntry } from "../../src/domain/usage.ts";
import { subtotalOf, totalsOf } from "../../src/ledger/totals.ts";

export const usage = (changes: Partial<Subtotal> = {}): Subtotal => ({
  requests: 1,
  inputTokens: 1_240,
  cachedInputTokens: 1_024,
  outputTokens: 96,
  reasoningTokens: 0,
  costNanoUsd: 85_600,
  unpricedRequests: 0,
  unpricedBoundNanoUsd: 0,
  ...changes,
});

const NANO = { id: "gpt-4.1-nano", reason: "low complexity" };
const FULL = { id: "gpt-4.1", reason: "the persona requires reasoning" };

export function sampleTurn(changes: Partial<Turn> = {}): Turn {
  const turn = changes.turn ?? 1;
  const speaker = changes.speaker ?? "maya-okafor";
  return {
    turn,
    speaker,
    model: NANO,
    choice: {
      turn,
      speaker,
      policy: "directed",
      reason: turn === 1 ? "has not spoken yet" : `silent since turn 1`,
    },
    startedAt: "2026-03-02T09:00:01.000Z",
    durationMs: 812,
    usage: usage(),
    message:
      "Metered pricing looks fair on paper, but our smallest customers cannot forecast it. I would rather start with three flat plans and publish the limits of each.",
    confidence: 0.72,
    reasoning: "Small customers fear surprise bills.",
    relevantExpertise: ["pricing"],
    emotions: ["curious"],
    addressedTo: null,
    citations: [],
    removedCitations: [],
    wantsToConclude: false,
    toolCalls: [],
    complexity: "medium",
    ...changes,
  };
}

export function sampleFailure(changes: Partial<TurnFailure> = {}): TurnFailure {
  const turn = changes.turn ?? 3;
  const speaker = changes.speaker ?? "lin-wei";
  return {
    turn,
    speaker,
    model: NANO,
    choice: { turn, speaker, policy: "directed", reason: "addressed by tomas-berg" },
    startedAt: "2026-03-02T09:00:03.000Z",
    durationMs: 640,
    kind: "truncated",
    detail: "Expected a whole answer, got one cut off at 1,200 output tokens. Raise answers.maxOutputTokens.",
    outcome: "skipped",
    usage: usage({ outputTokens: 1_200, costNanoUsd: 527_200 }),
    ...changes,
  };
}

const entry = (changes: Partial<UsageEntry>): UsageEntry => ({
  model: "gpt-4.1-nano",
  tier: "standard",
  purpose: "turn",
  inputTokens: 1_240,
  cachedInputTokens: 1_024,
  outputTokens: 96,
  reasoningTokens: 0,
  costNanoUsd: 85_600,
  ...changes,
});

const badShape = entry({
  turn: 2,
  persona: "tomas-berg",
  model: "gpt-4.1",
  outputTokens: 110,
  costNanoUsd: 1_824_000,
});
const repaired = entry({
  turn: 2,
  persona: "tomas-berg",
  model: "gpt-4.1",
  inputTokens: 1_660,
  outputTokens: 130,
  costNanoUsd: 2_824_000,
});
const cutOff = entry({ turn: 3, persona: "lin-wei", outputTokens: 1_200, costNanoUsd: 527_200 });
const ENTRIES = [
  entry({ turn: 1, persona: "maya-okafor" }),
  badShape,
  repaired,
  cutOff,
  entry({ turn: 4, purpose: "moderator" }),
  entry({ turn: 4, persona: "lin-wei" }),
  entry({ turn: 5, persona: "maya-okafor" }),
];

/** Five turn numbers: 1 and 5 simple, 2 with a search and a repaired failure before it, 3 skipped, 4 by another persona. */
export function sampleRecord(changes: Partial<ConversationRecord> = {}): ConversationRecord {
  return {
    version: 1,
    conversationId: "c-0001",
    scenario: {
      id: "api-pricing",
      title: "How should we price the new API?",
      topic: "The API leaves beta in June. Decide between flat plans, metered pricing and a mix of both.",
    },
    participants: [
      { id: "maya-okafor", name: "Maya Okafor", role: "Product lead" },
      { id: "tomas-berg", name: "Tomáš Berg", role: "Staff engineer" },
      { id: "lin-wei", name: "林薇 (Lin Wei)", role: "Head of customer research" },
    ],
    seed: 7,
    transport: "offline",
    startedAt: "2026-03-02T09:00:00.000Z",
    endedAt: "2026-03-02T09:00:41.250Z",
    status: "completed",
    ending: {
      kind: "consensus",
      evidence: "The latest turns of all 3 speakers want to conclude (turns 2, 4, 5).",
    },
    complexity: { level: "medium", score: 3, signs: ["two questions in the topic"] },
    remarks: [
      { afterTurn: 0, speaker: "host", message: "Welcome. We have half an hour and want one decision." },
      { afterTurn: 4, speaker: "human", message: "What about students?" },
    ],
    turns: [
      sampleTurn({ turn: 1, addressedTo: "tomas-berg" }),
      sampleTurn({
        turn: 2,
        speaker: "tomas-berg",
        model: FULL,
        choice: { turn: 2, speaker: "tomas-berg", policy: "directed", reason: "addressed by maya-okafor" },
        message:
          "Maya is right about forecasts. Our own load tests show that 92% of beta users stay under 10,000 calls a month; the rest are forty times larger.\n\nSo: flat plans below that line, metering above it.",
        confidence: 0.9,
        addressedTo: "lin-wei",
        citations: ["load-tests#2", "beta-usage#1"],
        removedCitations: ["pricing-survey#9"],
        usage: subtotalOf([badShape, repaired]),
      }),
      sampleTurn({
        turn: 4,
        speaker: "lin-wei",
        message:
          "在访谈中，十二家客户里有九家更喜欢固定价格。Nine of twelve customers preferred a fixed price 🙂 even when it cost more.",
        confidence: 0.41,
        wantsToConclude: true,
        choice: {
          turn: 4,
          speaker: "lin-wei",
          policy: "directed",
          reason: "addressed by tomas-berg",
          fallbackFrom: { policy: "model", problem: "it chose nobody-known, who is not a candidate" },
        },
      }),
      sampleTurn({
        turn: 5,
        message: "Then we agree: three flat plans, metering above the largest.",
        wantsToConclude: true,
      }),
    ],
    attempts: [],
    summaries: [],
    failures: [
      sampleFailure({ turn: 3 }),
      sampleFailure({
        turn: 2,
        speaker: "tomas-berg",
        model: FULL,
        kind: "bad-shape",
        detail: "Expected confidence from 0 to 1, got 90.",
        outcome: "repaired",
        usage: subtotalOf([badShape]),
      }),
    ],
    sources: [
      {
        id: "load-tests#2",
        title: "Load tests of the beta: Who calls how often",
        category: "technical",
        text: "92% of beta users stay under 10,000 calls a month.\n\nThe rest are forty times larger.",
      },
      {
        id: "beta-usage#1",
        title: "Usage in the beta",
        category: "business",
        text: "Of 1,210 beta users, 1,113 never passed the free limit.",
      },
    ],
    usage: { entries: ENTRIES, totals: totalsOf(ENTRIES) },
    ...changes,
  };
}
