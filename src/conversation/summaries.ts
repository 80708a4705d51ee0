/**
 * Writes the summaries of a conversation: in the background while turns go on, or at once where one is needed. What is
 * in flight belongs to this process alone; a conversation that goes on elsewhere asks anew for what it finds missing.
 */
import { createHash } from "node:crypto";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import type { z } from "zod";
import type { Attempt } from "../domain/attempt.ts";
import { longestAnswer } from "../domain/longest-answer.ts";
import type { ModelInfo } from "../domain/model-info.ts";
import { type SummaryEntry, summarySchema } from "../domain/summary.ts";
import type { FailureKind } from "../domain/turn.ts";
import type { AskedTier, UsageEntry } from "../domain/usage.ts";
import { demandText } from "../model/demand.ts";
import type { Ask, Gateway } from "../model/gateway.ts";
import { keptLines } from "../model/kept-lines.ts";
import type { Reply } from "../model/reply.ts";
import { cheapestModel } from "../model/selection.ts";
import { unnamed } from "../model/tier.ts";
import { boundNanoUsd } from "../model/tokens/worst-case.ts";
import { adopted, type Block } from "../turn/context-window.ts";
import { spoken } from "../turn/prompt.ts";
import { bounded, isEmptySummary, SUMMARY_OUTPUT_TOKENS, summaryPrompt } from "../turn/summary.ts";
import { runSignals } from "./run-signals.ts";
import type { Said } from "./transcript.ts";

/** What a summary is made from. */
export interface SummaryJob {
  tiers: AskedTier;
  conversationId: string;
  seed: number;
  /** The turn to come. */
  turn: number;
  transcript: readonly Said[];
  summaries: readonly SummaryEntry[];
  block: Block;
  /** Used where the cheapest model cannot be. */
  otherModel: string;
  /** Nano-dollars that may be spent; undefined: no cap. */
  spendableNanoUsd: number | undefined;
}

/** What requests cost, and which of their attempts came to nothing. */
export interface Spent {
  usage: UsageEntry[];
  attempts: Attempt[];
}

export interface WrittenSummary extends Spent {
  entry: SummaryEntry;
}

interface InFlight {
  /** The last utterance of its block. */
  upTo: Said | undefined;
  reserveNanoUsd: number;
  reply: Promise<Reply<z.output<typeof summarySchema>>>;
}

export interface Summaries {
  /** Begins to write a summary, unless it is being written already or would set aside too much of what is left. */
  start(job: SummaryJob, config: LangGraphRunnableConfig): void;
  /** The summary of a block, waited for; asked for now where it was not begun. */
  finish(job: SummaryJob, config: LangGraphRunnableConfig): Promise<WrittenSummary>;
  /** The most that summaries in flight can still cost; it may not be spent on anything else. */
  reservedNanoUsd(conversationId: string): number;
  /** Waits for what was begun and is not needed any more: it was paid. */
  settle(conversationId: string): Promise<Spent>;
}

/**
 * Share of what is left that a summary in the background may set aside. Near the cap it would keep turns from being
 * taken; there it is written when it is due, which sets nothing aside.
 */
const MOST_RESERVED = 0.1;

const SUMMARY_TIMEOUT_MS = 60_000;
const MOST_CONVERSATIONS = 10_000;

/** The model cannot be had on this account or server. */
const UNAVAILABLE: ReadonlySet<FailureKind> = new Set(["model-not-found", "unauthorised", "bad-request"]);

/** The most a summary can cost, as the gateway will bound it; undefined where the model has no price. */
const worstNanoUsd = (messages: Ask["messages"], model: ModelInfo): number | undefined =>
  boundNanoUsd({
    model,
    messages,
    demands: demandText({ schema: summarySchema, tools: [] }),
    maxOutputTokens: longestAnswer(model, SUMMARY_OUTPUT_TOKENS),
    // No tier that it may be billed at is dearer.
    tier: "standard",
  });

function failureIn(
  reply: Reply<z.output<typeof summarySchema>>,
): NonNullable<SummaryEntry["failure"]> | undefined {
  if (reply.kind === "answer") return undefined;
  if (reply.kind === "problem") return { kind: reply.problem, detail: reply.detail };
  return { kind: "bad-shape", detail: "A tool was called where a summary was asked for." };
}

export function createSummaries(gateway: Gateway): Summaries {
  /** By conversation, then by what is asked. */
  const inFlight = new Map<string, Map<string, InFlight>>();
  const lineTo = keptLines(gateway, { schema: summarySchema, maxOutputTokens: SUMMARY_OUTPUT_TOKENS });
  const cheapest = cheapestModel(gateway.catalog.models.values())?.id;

  function prepare(job: SummaryJob) {
    const { transcript, summaries, block } = job;
    const { entry } = adopted(transcript, summaries);
    const messages = summaryPrompt(entry?.summary, transcript.slice(block.from, block.to).map(spoken));
    const isUnavailable = summaries.some(({ failure }) => failure && UNAVAILABLE.has(failure.kind));
    const model = cheapest === undefined || isUnavailable ? job.otherModel : cheapest;
    const hash = createHash("sha256");
    for (const { name, content } of messages) hash.update(JSON.stringify([name, content]));
    const key = [model, job.seed, hash.digest("base64")].join(" ");
    return { messages, model, key };
  }

  function ask(
    job: SummaryJob,
    { messages, model }: ReturnType<typeof prepare>,
    config: LangGraphRunnableConfig,
  ): Omit<InFlight, "upTo"> {
    const info = gateway.catalog.model(model);
    const worst = worstNanoUsd(messages, info) ?? 0;
    const { spendableNanoUsd } = job;
    const reserveNanoUsd = spendableNanoUsd === undefined ? worst : Math.min(worst, spendableNanoUsd);
    const signals = [config.signal, runSignals().abort].filter((signal) => signal !== undefined);
    const reply = lineTo(model, job.seed).ask(
      {
        messages,
        purpose: "summary",
        turn: job.turn,
        ...unnamed(job.tiers, info),
        // Turns are waited for.
        priority: "bulk",
        // Whoever finishes it waits for it; a turn that shows more of the transcript is better than one that waits long.
        deadline: { leftMs: SUMMARY_TIMEOUT_MS },
        conversation: job.conversationId,
        spendableNanoUsd: spendableNanoUsd === undefined ? undefined : reserveNanoUsd,
        signal: signals.length === 0 ? undefined : AbortSignal.any(signals),
      },
      // The node that begins this ends before it: only what watches from outside goes along.
      { ...(config.callbacks === undefined ? {} : { callbacks: config.callbacks }) },
    );
    // Whoever finishes or settles it hears of an error; until then it must not count as unhandled.
    reply.catch(() => undefined);
    return { reserveNanoUsd, reply };
  }

  function start(job: SummaryJob, config: LangGraphRunnableConfig): void {
    const upTo = job.transcript[job.block.to - 1];
    // Asked at every turn until it is due; to lay out and hash the block each time takes longer than the rest of the node.
    const begun = inFlight.get(job.conversationId) ?? new Map<string, InFlight>();
    if ([...begun.values()].some((one) => one.upTo === upTo)) return;
    const prepared = prepare(job);
    if (begun.has(prepared.key)) return;
    const worst = worstNanoUsd(prepared.messages, gateway.catalog.model(prepared.model));
    const { spendableNanoUsd } = job;
    const most = spendableNanoUsd === undefined ? undefined : spendableNanoUsd * MOST_RESERVED;
    if (most !== undefined && (worst === undefined || worst > most)) return;
    // Only runs that broke off leave something behind; a process of many must not keep all of it.
    const [oldest] = inFlight.keys();
    if (inFlight.size >= MOST_CONVERSATIONS && oldest !== undefined) inFlight.delete(oldest);
    begun.set(prepared.key, { ...ask(job, prepared, config), upTo });
    inFlight.set(job.conversationId, begun);
  }

  async function finish(job: SummaryJob, config: LangGraphRunnableConfig): Promise<WrittenSummary> {
    const prepared = prepare(job);
    const begun = inFlight.get(job.conversationId);
    const { reply: asked } = begun?.get(prepared.key) ?? ask(job, prepared, config);
    begun?.delete(prepared.key);
    if (begun?.size === 0) inFlight.delete(job.conversationId);
    const reply = await asked;
    const { usage, attempts } = reply;
    const { transcript, block, turn, summaries } = job;
    const upTo = transcript[block.to - 1]?.id ?? "";
    const before = adopted(transcript, summaries).entry?.messages ?? 0;
    const entry = { turn, upTo, messages: before + block.to - block.from, model: prepared.model };
    const failure = failureIn(reply);
    if (failure !== undefined || reply.kind !== "answer")
      return { entry: { ...entry, failure }, usage, attempts };
    const earlier = adopted(transcript, summaries).entry?.summary;
    const said = transcript.slice(0, block.to);
    const summary = bounded(reply.value, {
      speakers: new Set([
        ...said.map(({ speaker }) => speaker),
        ...(earlier?.said ?? []).map(({ speaker }) => speaker),
      ]),
      citations: new Set([...said.flatMap(({ citations = [] }) => citations), ...(earlier?.citations ?? [])]),
    });
    if (!isEmptySummary(summary)) return { entry: { ...entry, summary }, usage, attempts };
    const detail = "The summary said nothing.";
    return { entry: { ...entry, failure: { kind: "empty", detail } }, usage, attempts };
  }

  const ofConversation = (id: string) => [...(inFlight.get(id)?.values() ?? [])];

  return {
    start,
    finish,
    reservedNanoUsd: (id) => ofConversation(id).reduce((sum, { reserveNanoUsd }) => sum + reserveNanoUsd, 0),
    async settle(id) {
      const pending = ofConversation(id);
      inFlight.delete(id);
      const replies = await Promise.all(pending.map(({ reply }) => reply));
      return {
        usage: replies.flatMap(({ usage }) => usage),
        attempts: replies.flatMap(({ attempts }) => attempts),
      };
    },
  };
}
