/** Decides what a persona does in its turn, before a word of it is chosen. */
import { randomShare } from "../../domain/random.ts";
import type { Agenda } from "./agenda.ts";
import { STYLE_CUES, STYLES, type Style } from "./phrases/manner.ts";
import { closingQuestion } from "./prose.ts";
import type { Participant, Situation, Spoken } from "./situation.ts";
import { ownOption, roomOption, statedLeanings } from "./stance.ts";
import { overlap, stemsOfAll } from "./stems.ts";

export type Part = "speaker" | "advocate" | "judge" | "interviewer" | "respondent";
export type Stage = "open" | "argue" | "propose" | "decide";
export type Reaction = "none" | "outside" | "alone" | "agree" | "object" | "answer";

export interface Move {
  part: Part;
  stage: Stage;
  reaction: Reaction;
  /** What the reaction is to; the speaker is undefined when nobody of the cast spoke. */
  previous: (Spoken & { by: Participant | undefined }) | undefined;
  target: Participant | undefined;
  wantsToConclude: boolean;
  /** Sentences the message should have. */
  length: number;
  styles: Style[];
  /** Indexes into the agenda's options. */
  ownOption: number | undefined;
  roomOption: number | undefined;
  /** The leaning this persona stated last. */
  saidOption: number | undefined;
}

/** Draws in [0, 1), one for each name, the same whenever this turn is generated. */
export type Draw = (name: string) => number;

/** Turns a conversation without a known limit is expected to take for each of its cast. */
const TURNS_EACH = 4;

function partOf(id: string, agenda: Agenda): Part {
  if (agenda.judge === id) return "judge";
  if (agenda.interviewer !== undefined) return agenda.interviewer === id ? "interviewer" : "respondent";
  return agenda.sides.has(id) ? "advocate" : "speaker";
}

/** How far the conversation is, 0 to 1. */
function progressOf({ turn, maxTurns, cast }: Situation): number {
  return Math.min(1, turn / (maxTurns ?? Math.max(12, TURNS_EACH * cast.length)));
}

/** Agreeable personas are ready first; once ready, a persona stays so. A judge waits for its last chance to speak. */
function isReady(situation: Situation, agenda: Agenda, part: Part): boolean {
  const { self, cast, turn, maxTurns } = situation;
  const progress = progressOf(situation);
  if (part === "judge") {
    const left = (maxTurns ?? Math.max(12, TURNS_EACH * cast.length)) - turn;
    return progress >= 0.5 && left <= Math.max(1, Math.min(cast.length, 0.25 * turn + 1));
  }
  const patience = 0.1 * randomShare(self.id, agenda.key, "patience") + (part === "advocate" ? 0.06 : 0);
  return turn > cast.length && progress >= 0.7 - 0.22 * self.bigFive.agreeableness + patience;
}

function stageOf(situation: Situation, ready: boolean): Stage {
  const { turn, cast } = situation;
  const progress = progressOf(situation);
  if (ready) return "decide";
  if (progress > 0.66 && turn > cast.length) return "propose";
  return turn <= Math.max(1, Math.min(cast.length, 0.34 * (situation.maxTurns ?? turn * 3)))
    ? "open"
    : "argue";
}

/** Whether the last sentence of the message asks this persona. */
const asks = (message: string, { shortName, name }: Participant) => {
  const question = closingQuestion(message);
  return question.includes(shortName) || question.includes(name);
};

function reactionOf(
  move: Pick<Move, "part" | "stage" | "previous" | "ownOption">,
  situation: Situation,
  agenda: Agenda,
  draw: Draw,
): Reaction {
  const { previous } = move;
  const { self } = situation;
  if (previous === undefined) return "none";
  if (previous.speaker === self.id) return "alone";
  if (previous.by === undefined)
    return previous.speaker === "host" || situation.turn <= 1 ? "none" : "outside";
  if (asks(previous.text, self) && draw("answers") < (move.part === "respondent" ? 0.95 : 0.6))
    return "answer";
  if (move.part === "advocate") {
    if (previous.by.id === agenda.judge) return "answer";
    return agenda.sides.get(previous.by.id) === move.ownOption ? "agree" : "object";
  }
  const theirs = statedLeanings(situation, agenda).get(previous.by.id);
  const kinship =
    theirs === undefined || move.ownOption === undefined ? 0 : theirs === move.ownOption ? 0.3 : -0.35;
  const stageBias = { open: 0, argue: -0.05, propose: 0.2, decide: 0.6 }[move.stage];
  const skeptical = self.kind === "skeptical" ? -0.12 : 0;
  return draw("agrees") < 0.3 + 0.4 * self.bigFive.agreeableness + kinship + stageBias + skeptical
    ? "agree"
    : "object";
}

/** Whoever fits the part: those asked about their field, those silent for long, the one who just spoke. */
function targetOf(
  move: Pick<Move, "part" | "stage" | "previous">,
  situation: Situation,
  agenda: Agenda,
  draw: Draw,
): Participant | undefined {
  const { cast, self, transcript } = situation;
  const { part, stage, previous } = move;
  const others = cast.filter(({ id }) => id !== self.id);
  const isLast = situation.maxTurns !== undefined && situation.turn >= situation.maxTurns;
  if (others.length === 0 || isLast) return undefined;
  const nobody = {
    speaker: { open: 0.15, argue: 0.25, propose: 0.3, decide: 0.9 },
    advocate: { open: 0.25, argue: 0.3, propose: 0.4, decide: 0.9 },
    judge: { open: 0, argue: 0.05, propose: 0.05, decide: 1 },
    interviewer: { open: 0, argue: 0, propose: 0, decide: 1 },
    respondent: { open: 0.35, argue: 0.4, propose: 0.5, decide: 0.9 },
  }[part][stage];
  if (draw("addresses") < nobody) return undefined;
  if (part === "respondent" && agenda.interviewer !== undefined && draw("to interviewer") < 0.55) {
    return others.find(({ id }) => id === agenda.interviewer);
  }
  const recent = transcript.slice(-60);
  const about = stemsOfAll([previous?.text ?? situation.topic]);
  const isRival = (id: string) => agenda.sides.has(id) && agenda.sides.get(id) !== agenda.sides.get(self.id);
  const scored = others.map((person) => {
    const last = recent.findLastIndex(({ speaker }) => speaker === person.id);
    const silence = last === -1 ? 1 : (recent.length - 1 - last) / Math.max(6, recent.length);
    const fit = Math.min(2, overlap(person.expertise.join(" "), about)) * 0.25;
    const spoke = person.id === previous?.by?.id ? (part === "judge" ? 0.1 : 0.2) : 0;
    const role =
      (part === "advocate" && isRival(person.id) ? 0.4 : 0) -
      (person.id === agenda.judge && part !== "advocate" ? 0.3 : 0);
    return { person, score: silence * 0.9 + fit + spoke + role + 0.5 * draw(`to ${person.id}`) };
  });
  return scored.sort((a, b) => b.score - a.score)[0]?.person;
}

export function stylesOf(style: string, traits: string): Style[] {
  return STYLES.filter(
    (name) =>
      STYLE_CUES[name].test(style) ||
      (name === "dry" && STYLE_CUES.dry.test(traits)) ||
      (name === "formal" && /\bformal|courteous|exact\b/.test(traits)),
  );
}

export function decideMove(situation: Situation, agenda: Agenda, draw: Draw): Move {
  const { self, cast, transcript } = situation;
  const part = partOf(self.id, agenda);
  const last = transcript.at(-1);
  const previous = last && { ...last, by: cast.find(({ id }) => id === last.speaker && id !== self.id) };
  const wantsToConclude = isReady(situation, agenda, part);
  const stage = stageOf(situation, wantsToConclude);
  const own = ownOption(agenda, self);
  const leanings = statedLeanings(situation, agenda);
  const known = { part, stage, previous, ownOption: own };
  const styles = stylesOf(self.style, self.traits);
  return {
    ...known,
    reaction: reactionOf(known, situation, agenda, draw),
    target: targetOf(known, situation, agenda, draw),
    wantsToConclude,
    length: styles.includes("terse")
      ? 3
      : draw("length") < 0.35 + 0.4 * (1 - self.bigFive.extraversion)
        ? 3
        : 4,
    styles,
    saidOption: leanings.get(self.id),
    roomOption: own === undefined ? undefined : roomOption(leanings, agenda, own),
  };
}

/** Words that ask for facts rather than for views. */
const FACTUAL =
  /\d|\b(how many|how much|how often|how long|which|evidence|measure|figures?|numbers?|cost|share|rate|proof|test|data|know)\b/i;

/** Whether this turn looks something up before it speaks. About two turns in five do, early ones more often. */
export function wantsSearch(
  situation: Situation,
  { part, stage, previous, styles }: Move,
  draw: Draw,
): boolean {
  const { kind } = situation.self;
  const asked = previous?.text ?? situation.topic;
  const chance =
    { open: 0.6, argue: 0.55, propose: 0.34, decide: 0.1 }[stage] +
    (FACTUAL.test(asked) ? 0.06 : -0.08) +
    (kind === "analytical" || kind === "skeptical"
      ? 0.08
      : kind === "creative" || kind === "empathetic"
        ? -0.06
        : 0) +
    (styles.includes("numbers") ? 0.05 : 0) +
    (overlap(situation.self.expertise.join(" "), stemsOfAll([asked])) > 0 ? 0.08 : 0);
  const share = { speaker: 1, advocate: 1, judge: 0.4, interviewer: 0.5, respondent: 0.35 }[part];
  return draw("searches") < chance * share;
}
