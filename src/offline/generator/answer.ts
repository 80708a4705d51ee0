/** The structured answer around a message: how sure, why, from which expertise, with which feelings. */
import type { Answer } from "../../domain/answer.ts";
import type { Composition } from "./compose.ts";
import type { Draw, Move } from "./move.ts";
import { FEELINGS, GUARDED, REASON_EVIDENCE, REASONS, WORRIED } from "./phrases/manner.ts";
import type { Frames } from "./phrases/voice.ts";
import { asPhrase, capitalise } from "./prose.ts";
import type { Situation } from "./situation.ts";
import { isPluralField, isPluralPhrase } from "./terms.ts";

const pick = (list: Frames, share: number) => list[Math.floor(share * list.length)] ?? "";

function confidenceOf(
  { self }: Situation,
  move: Move,
  { citations, foundNothing }: Composition,
  draw: Draw,
): number {
  const { neuroticism, extraversion } = self.bigFive;
  const kind =
    self.kind === "visionary" || self.kind === "pragmatic" ? 0.05 : self.kind === "skeptical" ? -0.05 : 0;
  const stage = { open: -0.04, argue: 0, propose: 0.02, decide: 0.08 }[move.stage];
  const evidence = citations.length > 0 ? 0.1 : foundNothing ? -0.18 : 0;
  const sure = 0.62 + 0.16 * (0.5 - neuroticism) + 0.1 * (extraversion - 0.5) + kind + stage + evidence;
  return Math.round(Math.min(0.97, Math.max(0.2, sure + 0.1 * (draw("confidence") - 0.5))) * 100) / 100;
}

function emotionsOf({ self }: Situation, move: Move, draw: Draw): string[] {
  const feelings = FEELINGS[self.kind];
  if (feelings === undefined) return ["attentive"];
  const mood =
    move.stage === "decide"
      ? "close"
      : move.reaction === "agree" || move.reaction === "object"
        ? move.reaction
        : "calm";
  const first = pick(feelings[mood], draw("feels"));
  const isWorried = draw("worries") < self.bigFive.neuroticism - 0.25;
  const isGuarded = self.privateNotes.length > 0 && draw("guards") < 0.2;
  const second = isWorried
    ? pick(WORRIED, draw("worry"))
    : isGuarded
      ? pick(GUARDED, draw("guard"))
      : pick(feelings.calm, draw("calm"));
  return draw("two feelings") < 0.6 ? [...new Set([first, second])] : [first];
}

function reasonOf({ self }: Situation, move: Move, { used }: Composition, draw: Draw): string {
  const mood =
    move.stage === "decide"
      ? "close"
      : move.reaction === "agree" || move.reaction === "object" || move.reaction === "answer"
        ? move.reaction
        : "open";
  const mine = asPhrase(used.mine[0] ?? self.expertise[0] ?? "experience");
  const slots: Record<string, string | undefined> = {
    ...used,
    mine: mine,
    prev: used.prev,
    point: used.point,
  };
  const fits = (mood === "open" || used.prev !== undefined ? REASONS[mood] : REASONS.open).filter((frame) =>
    (frame.match(/\{(\w+)\}/g) ?? []).every((slot) => slots[slot.slice(1, -1)] !== undefined),
  );
  const plural = (slot: string) =>
    slot === "mine" ? isPluralField(mine) : isPluralPhrase(slots[slot] ?? "");
  const render = (frame: string) => {
    let isPlural = false;
    return capitalise(
      frame.replace(/\{(\w+)\}|<([^|>]+)\|([^>]+)>/g, (_, slot?: string, one?: string, many?: string) => {
        if (slot === undefined) return (isPlural ? many : one) ?? "";
        isPlural = plural(slot);
        return slots[slot] ?? "";
      }),
    );
  };
  const because = render(pick(fits, draw("reason")));
  return used.title === undefined ? because : `${because} ${render(pick(REASON_EVIDENCE, draw("source")))}`;
}

export function answerOf(situation: Situation, move: Move, composition: Composition, draw: Draw): Answer {
  const { self } = situation;
  const spare = self.expertise[Math.floor(draw("expertise") * self.expertise.length)];
  const fields =
    composition.used.mine.length > 0 ? composition.used.mine.slice(0, 2) : spare === undefined ? [] : [spare];
  return {
    message: composition.message,
    confidence: confidenceOf(situation, move, composition, draw),
    reasoning: reasonOf(situation, move, composition, draw),
    relevantExpertise: fields,
    emotions: emotionsOf(situation, move, draw),
    addressedTo: move.target?.id ?? null,
    citations: composition.citations,
    wantsToConclude: move.wantsToConclude,
  };
}
