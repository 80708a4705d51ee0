/**
 * One persona's turn: ask, run the tools it calls, repair once what can be repaired. Returns an answer, or what went
 * wrong; never throws for what a model or a tool may do.
 */
import { type BaseMessage, SystemMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { Answer } from "../domain/answer.ts";
import type { Attempt } from "../domain/attempt.ts";
import type { Notice } from "../domain/screening.ts";
import type { FailureKind, ToolCall } from "../domain/turn.ts";
import type { AskedTier, Subtotal, UsageEntry } from "../domain/usage.ts";
import { describeCharacters, findCharacters, stripCharacters } from "../guard/characters.ts";
import { checkLengths, describeLength, type LengthLimits } from "../guard/lengths.ts";
import { spentAtMost, subtotalOf } from "../ledger/totals.ts";
import type { TextPiece } from "../model/answer-text.ts";
import type { Ask, ModelLine } from "../model/gateway.ts";
import type { SentRequest } from "./sent-prompt.ts";
import { callMessages, callTool, type ToolCallParts } from "./tool-calls.ts";

export interface TurnParts extends ToolCallParts {
  personaId: string;
  line: ModelLine<Answer>;
  /** What `buildPrompt` laid out. */
  prompt: readonly BaseMessage[];
  /** Passages cited before in this conversation; they may be cited again. */
  citable: readonly string[];
  /** Requests of this turn that may call tools. */
  maxToolRounds: number;
  /** The conversation's id. */
  conversation?: string | undefined;
  /** Makes a shorter prompt when the provider says that this one is too long; undefined: it cannot be shortened. */
  shorten?: ((spendableNanoUsd: number | undefined) => Promise<ShorterPrompt | undefined>) | undefined;
  /** Nano-dollars the conversation may still spend; undefined: no cap. */
  spendableNanoUsd?: number | undefined;
  /** The price tier of its requests. Default: standard. */
  tiers?: AskedTier | undefined;
  lengths?: LengthLimits | undefined;
  /** Told of every request once it was answered. */
  onRequest?: ((sent: SentRequest) => void) | undefined;
  /** Breaks the turn off. */
  signal?: AbortSignal | undefined;
  /** All requests of the turn and their retries share it, in milliseconds. */
  timeoutMs: number;
  /** Told of every failed attempt as it happens. */
  onAttempt?: Ask["onAttempt"];
  /** Told of the answer's message as it arrives; requests are then streamed. */
  onText?: ((piece: TextPiece) => void) | undefined;
  /** Told of what was paid, when something breaks the turn off by throwing: a tool's `interrupt()`, or the graph's signal. */
  onBrokenOff?: ((paid: Pick<TurnOutcome, "usage" | "attempts">) => void) | undefined;
}

export interface ShorterPrompt {
  prompt: readonly BaseMessage[];
  /** What making it cost, at most. */
  costNanoUsd: number;
}

/** One thing that went wrong, with the requests that led to it. */
export interface TurnProblem {
  kind: FailureKind;
  detail: string;
  usage: Subtotal;
}

export interface TurnOutcome {
  /** Undefined when the turn failed; the last of `problems` then says why. */
  answer: (Answer & { removedCitations: string[] }) | undefined;
  problems: TurnProblem[];
  toolCalls: ToolCall[];
  /** What was removed from tool results and the answer, or let pass. */
  notices: Notice[];
  usage: UsageEntry[];
  /** Attempts that came to nothing, whatever became of the turn. */
  attempts: Attempt[];
}

const MAX_REPAIRS = 1;

/** The most requests a turn can take: every tool round, the answer, and its repair. */
export const mostRequests = (maxToolRounds: number): number => maxToolRounds + 1 + MAX_REPAIRS;

/** What the persona is told after a problem that a second try may cure; no entry: it cannot. */
const REPAIRS: Partial<Record<FailureKind, string>> = {
  truncated: "Your last answer was too long and was cut off. Answer again in at most half as many words.",
  "bad-shape": "Your last answer did not have the demanded shape. Answer again in exactly that shape.",
  empty: "Your last answer was empty. Say something, in the demanded shape.",
  "tool-limit": "You may not call any more tools in this turn. Answer now with what you have.",
};

/** Numbers the attempts of a turn's requests through, as far as they said anything: repairs go on where retries end. */
function numbered(onText: TurnParts["onText"]): () => Ask["tell"] {
  let spoken = 0;
  return () => {
    let known: number | undefined;
    return (
      onText && {
        field: "message",
        onText({ attempt, text }) {
          if (attempt !== known) spoken += 1;
          known = attempt;
          onText({ attempt: spoken, text });
        },
      }
    );
  };
}

export async function takeTurn(parts: TurnParts, config: RunnableConfig = {}): Promise<TurnOutcome> {
  const outcome: TurnOutcome = {
    answer: undefined,
    problems: [],
    toolCalls: [],
    notices: [],
    usage: [],
    attempts: [],
  };
  try {
    return await askUntilAnswered(parts, config, outcome);
  } catch (error) {
    parts.onBrokenOff?.(outcome);
    throw error;
  }
}

/** Fills in the outcome as it goes, and returns it. */
async function askUntilAnswered(
  parts: TurnParts,
  config: RunnableConfig,
  outcome: TurnOutcome,
): Promise<TurnOutcome> {
  const { line, turn, personaId } = parts;
  const messages = [...parts.prompt];
  const deadline = { leftMs: parts.timeoutMs };
  const retrieved = new Set(parts.citable);
  const tell = numbered(parts.onText);
  let reported = 0;
  let repairs = 0;
  let rounds = 0;
  let promptLength = messages.length;
  let isShortened = false;
  let spentOnShortening = 0;
  const spendable = () =>
    parts.spendableNanoUsd === undefined
      ? undefined
      : parts.spendableNanoUsd - spentAtMost(subtotalOf(outcome.usage)) - spentOnShortening;

  /** Puts a shorter prompt in the place of the first; the turn's own tool calls and their answers stay together after it. */
  async function shorten(): Promise<boolean> {
    if (isShortened || parts.shorten === undefined) return false;
    isShortened = true;
    const shorter = await parts.shorten(spendable());
    if (shorter === undefined) return false;
    messages.splice(0, promptLength, ...shorter.prompt);
    promptLength = shorter.prompt.length;
    spentOnShortening = shorter.costNanoUsd;
    return true;
  }

  function report(kind: FailureKind, detail: string) {
    outcome.problems.push({ kind, detail, usage: subtotalOf(outcome.usage.slice(reported)) });
    reported = outcome.usage.length;
  }

  /** A model's words are shown and sent on like anybody's; a terminal or another model would obey what is hidden in them. */
  function withoutOddCharacters(answer: Answer): Answer {
    const { message, reasoning, relevantExpertise, emotions } = answer;
    const found = [message, reasoning, ...relevantExpertise, ...emotions].flatMap(findCharacters);
    if (found.length === 0) return answer;
    const place = `answer of ${personaId}, turn ${turn}`;
    outcome.notices.push({ place, kind: describeCharacters(found), action: "removed" });
    return {
      ...answer,
      message: stripCharacters(message),
      reasoning: stripCharacters(reasoning),
      relevantExpertise: relevantExpertise.map(stripCharacters),
      emotions: emotions.map(stripCharacters),
    };
  }

  for (;;) {
    const reply = await line.ask(
      {
        ...parts.tiers,
        messages,
        purpose: "turn",
        turn,
        persona: personaId,
        mayCallTools: rounds < parts.maxToolRounds,
        signal: parts.signal,
        deadline,
        lengths: parts.lengths,
        conversation: parts.conversation,
        tell: tell(),
        onAttempt: parts.onAttempt,
        onThrow(paid) {
          outcome.usage.push(...paid.usage);
          outcome.attempts.push(...paid.attempts);
        },
        spendableNanoUsd: spendable(),
      },
      config,
    );
    outcome.usage.push(...reply.usage);
    outcome.attempts.push(...reply.attempts);
    parts.onRequest?.({ messages: [...messages], promptLength, usage: reply.usage });

    if (reply.kind === "tool-calls" && rounds < parts.maxToolRounds) {
      rounds += 1;
      const called = await Promise.all(reply.calls.map((call) => callTool(call, parts, config)));
      outcome.notices.push(...called.flatMap(({ notices }) => notices ?? []));
      outcome.toolCalls.push(...called.map(({ record }) => record));
      for (const id of called.flatMap(({ record }) => record.passages)) retrieved.add(id);
      messages.push(
        ...callMessages(
          rounds,
          reply,
          called.map(({ content }) => content),
        ),
      );
      const failures = called.flatMap(({ failure }) => failure ?? []);
      for (const { kind, detail } of failures) report(kind, detail);
      // The answer to a failed call tells the model what to do better: that is its repair.
      if (failures.length > 0 && repairs++ >= MAX_REPAIRS) return outcome;
      continue;
    }

    const answer = reply.kind === "answer" ? withoutOddCharacters(reply.value) : undefined;
    const tooLong = answer && checkLengths([answer.message], parts.lengths);
    if (answer !== undefined && tooLong === undefined && answer.message.trim() !== "") {
      const { citations, addressedTo } = answer;
      outcome.answer = {
        ...answer,
        addressedTo: addressedTo === personaId ? null : addressedTo,
        citations: [...new Set(citations)].filter((id) => retrieved.has(id)),
        removedCitations: [...new Set(citations)].filter((id) => !retrieved.has(id)),
      };
      return outcome;
    }

    if (tooLong !== undefined) report("bad-shape", `The message has ${describeLength(tooLong)}.`);
    else if (reply.kind === "answer") report("empty", "The answer's message was empty.");
    else if (reply.kind === "tool-calls")
      report("tool-limit", `Tools were called after ${rounds} tool rounds.`);
    else report(reply.problem, reply.detail);

    const { kind = "empty", detail = "" } = outcome.problems.at(-1) ?? {};
    if (kind === "context-too-long" && (await shorten())) continue;
    const repair = REPAIRS[kind];
    if (repair === undefined || repairs++ >= MAX_REPAIRS) return outcome;
    if (reply.kind === "tool-calls") {
      messages.push(
        ...callMessages(
          rounds,
          reply,
          reply.calls.map(() => "Error: not called."),
        ),
      );
    }
    messages.push(new SystemMessage(kind === "bad-shape" ? `${repair} ${detail}` : repair));
  }
}
