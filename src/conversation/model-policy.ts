/** A moderator that asks a model who should speak. A choice that is not valid falls back to `directed` and says so. */
import { type BaseMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { z } from "zod";
import type { Catalog } from "../catalog/catalog.ts";
import type { Attempt } from "../domain/attempt.ts";
import { DramatisError } from "../domain/errors.ts";
import type { ModeratorSettings } from "../domain/scenario.ts";
import type { Choice, FailureKind } from "../domain/turn.ts";
import type { AskedTier, UsageEntry } from "../domain/usage.ts";
import type { Gateway } from "../model/gateway.ts";
import { keptLines } from "../model/kept-lines.ts";
import { cheapestModel } from "../model/selection.ts";
import { unnamed } from "../model/tier.ts";
import { candidates, directed } from "./policies.ts";
import { runSignals } from "./run-signals.ts";
import type { ConversationView } from "./view.ts";

type ModelPolicySettings = Extract<ModeratorSettings, { policy: "model" }>;

export interface AskedChoice {
  choice: Omit<Choice, "turn">;
  usage: UsageEntry[];
  attempts: Attempt[];
  /** Why the question itself did not fit the budget; there is then no choice to follow. */
  overBudget?: string | undefined;
  /** Why the question was not answered that was in a batch that was cancelled; the conversation ends there. */
  cancelled?: string | undefined;
}

/** What asking costs is told of, beside the conversation itself. */
export interface ChoiceRequest {
  tiers: AskedTier;
  conversationId: string;
  /** Nano-dollars; undefined: nothing caps the cost. */
  spendableNanoUsd: number | undefined;
}

/** Latest turns the model sees; the cast's roles and this much of the conversation decide a speaker. */
export const SEEN_TURNS = 8;
/** Of the moderator's answer. */
export const CHOICE_OUTPUT_TOKENS = 200;

export const speakerSchema = (castIds: readonly [string, ...string[]]) =>
  z.strictObject({
    speaker: z.enum(castIds).describe("Id of the participant who should speak next."),
    reason: z.string().describe("Why, in one short sentence."),
  });

/** The model that is asked who speaks next. */
export function moderatorModel(settings: ModelPolicySettings, catalog: Catalog): string {
  const model = settings.model ?? cheapestModel(catalog.models.values())?.id;
  if (model !== undefined) return model;
  throw new DramatisError(
    "no-price",
    "Policy `model` needs a model: no model of the catalog has a price. Name one.",
  );
}

/** What it is asked. */
export function choicePrompt(
  settings: ModelPolicySettings,
  view: Pick<ConversationView, "topic" | "cast" | "turns" | "turn">,
  among: readonly string[],
): BaseMessage[] {
  const cast = view.cast.map(({ id, name, role }) => `- ${id}: ${name}, ${role}`);
  const instructions = settings.instructions ?? "Choose whoever would move the conversation on.";
  const head = [
    "You moderate a conversation and choose who speaks next.",
    instructions,
    "",
    "# Topic",
    view.topic,
    "",
    "# Participants",
    ...cast,
  ];
  return [
    new SystemMessage(head.join("\n")),
    ...view.turns
      .slice(-SEEN_TURNS)
      .map(({ speaker, message }) => new HumanMessage({ name: speaker, content: message })),
    new SystemMessage(`Turn ${view.turn}. Candidates: ${among.join(", ")}.`),
  ];
}

export function createModelPolicy(
  settings: ModelPolicySettings,
  gateway: Gateway,
  castIds: readonly [string, ...string[]],
) {
  const model = moderatorModel(settings, gateway.catalog);
  const fallback = directed(settings.pingPongLimit);
  const schema = speakerSchema(castIds);
  const lineTo = keptLines(gateway, { schema, maxOutputTokens: CHOICE_OUTPUT_TOKENS });

  return async function choose(
    view: ConversationView,
    { conversationId, spendableNanoUsd, tiers }: ChoiceRequest,
    config: RunnableConfig,
  ): Promise<AskedChoice> {
    const among = candidates(view);
    const only = among[0];
    if (among.length === 1 && only !== undefined) {
      return {
        choice: { speaker: only, policy: "model", reason: "the only candidate" },
        usage: [],
        attempts: [],
      };
    }
    const reply = await lineTo(model, view.seed).ask(
      {
        ...unnamed(tiers, gateway.catalog.model(model)),
        messages: choicePrompt(settings, view, among),
        purpose: "moderator",
        turn: view.turn,
        conversation: conversationId,
        spendableNanoUsd,
        signal: runSignals().abort,
      },
      config,
    );
    if (reply.kind === "answer" && among.includes(reply.value.speaker)) {
      return { choice: { ...reply.value, policy: "model" }, usage: reply.usage, attempts: reply.attempts };
    }
    const problem =
      reply.kind === "answer"
        ? `${reply.value.speaker} is not a candidate`
        : reply.kind === "problem"
          ? `${reply.problem}: ${reply.detail}`
          : "a tool was called";
    const detailOf = (kind: FailureKind) =>
      reply.kind === "problem" && reply.problem === kind ? reply.detail : undefined;
    return {
      overBudget: detailOf("budget"),
      cancelled: detailOf("batch-cancelled"),
      choice: { ...fallback(view), policy: "directed", fallbackFrom: { policy: "model", problem } },
      usage: reply.usage,
      attempts: reply.attempts,
    };
  };
}
