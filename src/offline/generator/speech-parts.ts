/** The parts a message is put together from; each adds a sentence or two to the desk, or says that it could not. */
import { add, type Brief, type Desk, filling, leadOf, optionFilling } from "./desk.ts";
import { lifeOf } from "./memoir.ts";
import { ADVOCATE, JUDGE } from "./phrases/debate.ts";
import { INTERVIEWER, RESPONDENT } from "./phrases/interview.ts";
import { ASIDES } from "./phrases/manner.ts";
import {
  AGAIN,
  ALONE,
  ALSO,
  CITED,
  CONCEDE,
  FAVOUR,
  FAVOUR_ACTION,
  GIVEN,
  OUTSIDE,
} from "./phrases/stance.ts";
import type { Frames, Voice } from "./phrases/voice.ts";
import { VOICES } from "./phrases/voices.ts";
import type { Filling, Slots } from "./phrasing.ts";
import { lowerFirst, withEnd } from "./prose.ts";
import { judgedOption } from "./stance.ts";
import { overlap, stemsOfAll } from "./stems.ts";

export const voiceOf = ({ situation }: Brief): Voice => VOICES[situation.self.kind];

/** First the list's own draw, then the rest: one item that was not said yet. */
function unsaid(desk: Desk, name: string, list: readonly string[]): string | undefined {
  const fresh = list.filter((text) => !desk.phrasing.wasSaid(text));
  return fresh[Math.floor(desk.draw(name) * fresh.length)];
}

/** Begins the message: with the previous speaker, or with the topic when there is none. */
export function addReaction(desk: Desk): boolean {
  const { move, draw, agenda } = desk;
  const voice = voiceOf(desk);
  const isToInterviewer = move.previous?.by?.id === agenda.interviewer;
  const own: Partial<Record<typeof move.part, { open: Frames; react: Frames }>> = {
    interviewer: { open: INTERVIEWER.open, react: INTERVIEWER.thank },
    judge: { open: JUDGE.open, react: JUDGE.hear },
    respondent: { open: voice.open, react: isToInterviewer ? RESPONDENT.answer : RESPONDENT.heard },
  };
  const { open = voice.open, react } = own[move.part] ?? {};
  switch (move.reaction) {
    case "none":
      return add(desk, open, judgeSlots(desk)) || add(desk, voice.open);
    case "outside":
      return add(desk, OUTSIDE);
    case "alone":
      return add(desk, ALONE);
    case "answer":
      return add(desk, react ?? voice.answer);
    case "agree": {
      const isAboutSources = (move.previous?.sources.length ?? 0) > 0 && draw("cited") < 0.3;
      return add(desk, react ?? (isAboutSources ? CITED : voice.agree));
    }
    case "object":
      return add(desk, react ?? voice.object);
  }
}

/** Reads out up to `most` findings and says what they mean. With nothing new in them, the source is recalled. */
export function addEvidence(desk: Desk, most = 1): boolean {
  const { phrasing, findings, move } = desk;
  const voice = voiceOf(desk);
  const begin = desk.sentences.length;
  for (const { id, title, quoted, clause, sentence, helps } of findings) {
    if (desk.sentences.length - begin >= most) break;
    if (desk.titles.includes(title) || phrasing.wasSaid(sentence)) continue;
    const frames =
      desk.sentences.length > begin
        ? ALSO
        : move.part === "advocate" && helps < 0
          ? ADVOCATE.admit
          : voice.found;
    const slots: Slots = {
      title: [filling(title)],
      quoted: [filling(quoted)],
      clause: clause === undefined ? [] : [filling(clause)],
    };
    if (add(desk, frames, slots)) cite(desk, id, title);
  }
  if (desk.sentences.length > begin) {
    // Whoever proposes or decides says next what follows from it.
    if (move.stage === "propose" || move.stage === "decide") return true;
    return add(desk, voice.meaning, { subject: nearFirst(desk, desk.sentences.slice(begin).join(" ")) });
  }
  const [first] = findings;
  if (first === undefined || !add(desk, AGAIN, { title: [filling(first.title)] })) return false;
  cite(desk, first.id, first.title);
  return true;
}

function cite(desk: Desk, id: string, title: string): void {
  desk.cited.add(id);
  desk.titles.push(title);
}

/** Terms that the passage just read names, before the others. */
function nearFirst({ slots }: Desk, passage: string): Filling[] {
  const stems = stemsOfAll([passage]);
  return (slots.subject ?? [])
    .slice(0, 12)
    .map((item) => ({ item, near: Math.min(1, overlap(item.text, stems)) }))
    .sort((a, b) => b.near - a.near)
    .map(({ item }) => item);
}

export function addBelief(desk: Desk): boolean {
  const { beliefs } = desk.situation.self;
  const drawn = unsaid(desk, "belief", beliefs.map(withEnd));
  if (drawn === undefined) return false;
  if (desk.draw("bare belief") < 0.5) return add(desk, ["{belief}"], { belief: [filling(drawn)] });
  return add(desk, voiceOf(desk).belief, { belief: [filling(lowerFirst(drawn, beliefs.join(" ")))] });
}

/** Something from the persona's own life, and what it has to do with the matter. */
export function addLife(desk: Desk): boolean {
  const { self } = desk.situation;
  const drawn = unsaid(desk, "life", lifeOf(self.background, self.shortName));
  if (drawn === undefined || !add(desk, ["{belief}"], { belief: [filling(drawn)] })) return false;
  return add(desk, voiceOf(desk).experience);
}

/** A figure everybody was given with the topic. */
function addGiven(desk: Desk): boolean {
  const fact = unsaid(desk, "fact", desk.agenda.facts);
  return fact !== undefined && add(desk, GIVEN, { fact: [filling(lowerFirst(fact, desk.situation.topic))] });
}

export function addAside(desk: Desk): boolean {
  return add(
    desk,
    desk.move.styles.flatMap((style) => [...ASIDES[style]]),
  );
}

/** The middle of a message of somebody who argues: `count` sentences of the things such a person has to say. */
export function addArguments(desk: Desk, count: number): void {
  const { draw, move } = desk;
  const voice = voiceOf(desk);
  const isEarly = move.stage === "open";
  const ways: { name: string; weight: number; say: () => boolean }[] = [
    { name: "argue", weight: 1, say: () => add(desk, voice.argue) },
    { name: "mine", weight: 0.45, say: () => add(desk, voice.mine) },
    { name: "belief", weight: 0.6, say: () => addBelief(desk) },
    { name: "given", weight: isEarly ? 0.2 : 0.35, say: () => addGiven(desk) },
    { name: "life", weight: isEarly ? 0.4 : move.stage === "argue" ? 0.2 : 0.05, say: () => addLife(desk) },
    { name: "aside", weight: 0.45, say: () => addAside(desk) },
  ];
  const order = ways
    .map((way) => ({ ...way, rank: draw(`way ${way.name}`) ** (1 / way.weight) }))
    .sort((a, b) => b.rank - a.rank);
  const until = desk.sentences.length + count;
  for (const { say } of order) if (desk.sentences.length < until) say();
  while (desk.sentences.length < until && add(desk, voice.argue));
}

/** The option the speaker would choose, unless it said so a moment ago. */
export function addFavour(desk: Desk): boolean {
  const { move, agenda } = desk;
  if (move.ownOption === undefined) return false;
  if (move.saidOption === move.ownOption && desk.draw("says again") < 0.6) return false;
  return add(desk, agenda.optionForm === "noun" ? FAVOUR : FAVOUR_ACTION);
}

/** Gives way to the option the room is settling on. */
export function addConcession(desk: Desk): boolean {
  const { move, agenda } = desk;
  const own = move.ownOption === undefined ? undefined : agenda.options[move.ownOption];
  const room = move.roomOption === undefined ? undefined : agenda.options[move.roomOption];
  if (own === undefined || room === undefined || own === room || agenda.optionForm !== "noun") return false;
  if (move.saidOption === move.roomOption) return false;
  return add(desk, CONCEDE, { own: [optionFilling(own)], option: [optionFilling(room)] });
}

/** Either gives way to the room and builds on that, or stands by its own option and builds on that. */
export function addProposal(desk: Desk): void {
  const { move } = desk;
  const voice = voiceOf(desk);
  const gaveWay = move.saidOption !== undefined && move.saidOption === move.roomOption;
  if (gaveWay || (desk.draw("concedes") < 0.5 && addConcession(desk))) {
    add(desk, voice.propose);
    return;
  }
  if (move.length > 3) addFavour(desk);
  add(desk, voice.propose, { lead: leadOf(desk, move.ownOption) });
}

/** The judge looks at both sides from outside; at the end the first of them is the one it rules for. */
export function judgeSlots({ move, agenda, situation }: Brief): Slots {
  const [first, second] = agenda.options;
  if (move.part !== "judge" || first === undefined || second === undefined) return {};
  const isSecond = move.stage === "decide" && judgedOption(situation, agenda) === 1;
  return {
    option: [optionFilling(isSecond ? second : first)],
    rival: [optionFilling(isSecond ? first : second)],
    rules: [filling(agenda.rulingWords)],
  };
}

/** Ends with a question by name: one that the topic itself asks, or one of the speaker's own. */
export function addQuestion(desk: Desk, frames: Frames, mayTakeFromTopic: boolean): void {
  const { move, agenda, draw, phrasing } = desk;
  if (move.target === undefined) return;
  const question = agenda.questions.find((open) => !phrasing.wasSaid(open));
  const isFromTopic = mayTakeFromTopic && question !== undefined && draw("topic question") < 0.4;
  if (isFromTopic && add(desk, ["{target}, {question}"], { question: [filling(question)] })) return;
  add(desk, frames);
}
