/** A persona's node: chooses its model, takes the turn, and returns what the state should hold of it. */
import { AIMessage } from "@langchain/core/messages";
import type { StructuredToolInterface } from "@langchain/core/tools";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { DramatisError } from "../domain/errors.ts";
import { longestAnswer } from "../domain/longest-answer.ts";
import type { Persona } from "../domain/persona.ts";
import type { Turn, TurnFailure } from "../domain/turn.ts";
import type { UsageEntry } from "../domain/usage.ts";
import { addTotals, subtotalOf, totalsOf } from "../ledger/totals.ts";
import type { Gateway } from "../model/gateway.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { takeTurn } from "../turn/persona-turn.ts";
import type { SentRequest } from "../turn/sent-prompt.ts";
import type { AnswerLine } from "./answer-line.ts";
import type { BrokenOff } from "./broken-off.ts";
import { budgetOf } from "./budget.ts";
import { emit } from "./events.ts";
import { cancelledSummary, haltAfter } from "./halt.ts";
import { runSignals } from "./run-signals.ts";
import type { RunSettings } from "./settings.ts";
import { createShown } from "./shown.ts";
import { chooseModel } from "./speaker-model.ts";
import { createSpeech } from "./speech.ts";
import type { ConversationState, ConversationUpdate } from "./state.ts";
import type { Summaries } from "./summaries.ts";
import { turnMessageId } from "./transcript.ts";

export interface PersonaNodeParts {
  scenario: Scenario;
  persona: Persona;
  gateway: Gateway;
  tools: readonly StructuredToolInterface[];
  line: AnswerLine;
  /** Categories of the conversation's knowledge base; empty: there is none. */
  categories: readonly string[];
  clock: () => number;
  summaries: Summaries;
  brokenOff: BrokenOff;
}

/** A turn as chat clients see it. */
const turnMessage = ({ turn, speaker, message, citations }: Turn) =>
  new AIMessage({
    id: turnMessageId(turn),
    name: speaker,
    content: message,
    additional_kwargs: { citations },
  });

/** Summaries are no part of a turn's own cost. */
const isOfTurn = ({ purpose }: UsageEntry) => purpose === "turn";

/** Of all turns, in every turn: a loop, since `flatMap` takes ten times as long. */
function citationsOf(turns: readonly Turn[]): string[] {
  const all: string[] = [];
  for (const { citations } of turns) for (const id of citations) all.push(id);
  return all;
}

export function createPersonaNode(parts: PersonaNodeParts) {
  const { scenario, persona, gateway, tools, line, categories, clock } = parts;
  const { maxOutputTokens } = scenario.answers;

  return async function personaNode(
    state: ConversationState,
    settings: RunSettings,
    config: LangGraphRunnableConfig,
  ): Promise<ConversationUpdate> {
    const { next: choice, complexity } = state;
    if (choice === undefined || complexity === undefined) {
      throw new DramatisError(
        "invalid-argument",
        `Node ${persona.id} ran before the moderator chose a speaker.`,
      );
    }
    const model = chooseModel(parts, settings, complexity.level);
    const { conversationId = "" } = state;
    const reserved = parts.summaries.reservedNanoUsd(conversationId);
    const key = { conversationId, turn: choice.turn };
    const before = parts.brokenOff.take(key);
    const isAnew = before.usage.length > 0;
    const totalsBefore = isAnew ? addTotals(state.totals, totalsOf(before.usage)) : state.totals;
    const budget = budgetOf(settings.maxCostUsd, totalsBefore, reserved);
    const startedAt = clock();
    const info = gateway.catalog.model(model.id);
    const shown = createShown(
      {
        scenario,
        persona,
        categories,
        writer: parts.summaries,
        state,
        settings,
        choice,
        model: info,
        reservedTokens: line.demandBound + longestAnswer(info, maxOutputTokens),
      },
      config,
    );
    const speech = createSpeech({ turn: choice.turn, speaker: persona.id, stream: settings.stream, config });
    const { abort, onPrompt } = runSignals();
    const requests: SentRequest[] = [];
    const { answer, problems, toolCalls, notices, usage, attempts } = await takeTurn(
      {
        turn: choice.turn,
        personaId: persona.id,
        line: line.to(model.id, state.seed),
        tools,
        prompt: await shown.prompt(),
        shorten: shown.shorten,
        citable: citationsOf(state.turns),
        maxToolRounds: tools.length === 0 ? 0 : scenario.answers.maxToolRounds,
        spendableNanoUsd: budget?.spendableNanoUsd,
        secrets: settings.screening.secrets,
        lengths: settings.screening,
        timeoutMs: gateway.turnTimeoutMs(settings.tiers.tier),
        tiers: settings.tiers,
        conversation: conversationId,
        onRequest: onPrompt && ((sent) => requests.push(sent)),
        signal: abort,
        onText: speech?.tell,
        onAttempt: (attempt) => emit(config, { type: "attempt", attempt }),
        onBrokenOff: (paid) => {
          const { made } = shown;
          parts.brokenOff.keep(key, {
            usage: [...before.usage, ...made.usage, ...paid.usage],
            attempts: [...before.attempts, ...made.attempts, ...paid.attempts],
          });
        },
      },
      config,
    );
    speech?.end(answer, subtotalOf(usage));
    onPrompt?.({
      turn: choice.turn,
      persona: persona.id,
      model: info,
      demands: line.demandPieces(),
      requests,
    });

    const unwritten = answer === undefined ? cancelledSummary(shown.made.summaries) : undefined;
    const wrong = unwritten === undefined ? problems : [...problems, { ...unwritten, usage: subtotalOf([]) }];
    const last = answer === undefined ? wrong.at(-1) : undefined;
    const paid = [...before.usage, ...shown.made.usage, ...usage];
    const failed = [...before.attempts, ...shown.made.attempts, ...attempts];
    const totals = totalsOf(paid);
    const halt =
      last &&
      haltAfter({
        choice,
        problem: last,
        before: state,
        budget: budgetOf(settings.maxCostUsd, addTotals(state.totals, totals)),
        onFailure: scenario.onFailure,
      });
    const wasSent = paid.length > 0 || (last?.kind !== "budget" && last?.kind !== "aborted");
    // Nothing was sent: the turn did not begin, and is taken again when the conversation goes on.
    if (halt !== undefined && !wasSent) return { halt, attempts: failed };

    const spoken = {
      turn: choice.turn,
      speaker: persona.id,
      model,
      choice,
      startedAt: new Date(startedAt).toISOString(),
      // A clock that is set back is no reason to lose what was paid for.
      durationMs: Math.max(0, clock() - startedAt),
    };
    const outcome = answer !== undefined ? "repaired" : halt !== undefined ? "stopped" : "skipped";
    const failures: TurnFailure[] = wrong.map((problem) => ({ ...spoken, ...problem, outcome }));
    for (const failure of failures) emit(config, { type: "failure", failure });
    const update: ConversationUpdate = {
      failures,
      notices,
      usage: paid,
      summaries: shown.made.summaries,
      totals,
      attempts: failed,
      ...(halt === undefined ? {} : { halt }),
    };
    if (answer === undefined) return update;
    const turn: Turn = {
      ...spoken,
      ...answer,
      toolCalls,
      usage: subtotalOf([...before.usage.filter(isOfTurn), ...usage]),
      complexity: complexity.level,
    };
    emit(config, { type: "turn", turn });
    return { ...update, turns: [turn], messages: [turnMessage(turn)] };
  };
}
