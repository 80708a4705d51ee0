/** Writes the message of a turn: which parts, in which order, by what the persona is in this conversation. */
import { add, type Brief, type Desk, filling, pointsFor, slotsFor } from "./desk.ts";
import { findingsOf, passagesOf } from "./evidence.ts";
import type { Part } from "./move.ts";
import { ADVOCATE, JUDGE } from "./phrases/debate.ts";
import { INTERVIEWER, RESPONDENT } from "./phrases/interview.ts";
import { LEADS } from "./phrases/manner.ts";
import { createPhrasing } from "./phrasing.ts";
import { asPhrase } from "./prose.ts";
import {
  addArguments,
  addAside,
  addBelief,
  addConcession,
  addEvidence,
  addFavour,
  addLife,
  addProposal,
  addQuestion,
  addReaction,
  judgeSlots,
  voiceOf,
} from "./speech-parts.ts";
import { stemsOfAll } from "./stems.ts";

export interface Composition {
  message: string;
  /** Ids of the passages the message relies on. */
  citations: string[];
  /** What the message was made from, for the reasons and the expertise of the answer. */
  used: {
    prev: string | undefined;
    point: string | undefined;
    subject: string;
    title: string | undefined;
    /** The persona's fields that the message names. */
    mine: string[];
  };
  /** A search was made and brought nothing. */
  foundNothing: boolean;
}

function composeSpeaker(desk: Desk): void {
  const { move, draw } = desk;
  const voice = voiceOf(desk);
  addReaction(desk);
  const mayTakeTwo = move.stage === "argue" && move.length > 3;
  const hasEvidence = addEvidence(desk, mayTakeTwo && draw("second source") < 0.35 ? 2 : 1);
  const room = move.length - desk.sentences.length - (move.target === undefined ? 0 : 1);
  switch (move.stage) {
    case "open":
      if (!hasEvidence) addArguments(desk, Math.max(1, room - 1));
      if (draw("favours") < 0.55 && desk.sentences.length < 4) addFavour(desk);
      break;
    case "argue":
      addArguments(desk, Math.max(hasEvidence ? 0 : 1, hasEvidence ? room - 1 : room));
      if (draw("favours") < 0.25 && desk.sentences.length < 4) addFavour(desk);
      break;
    case "propose":
      if (!hasEvidence && room > 2) addArguments(desk, 1);
      addProposal(desk);
      break;
    case "decide":
      if (!hasEvidence && room > 1 && draw("argues still") < 0.5) addArguments(desk, 1);
      addConcession(desk);
      add(desk, voice.decide);
      break;
  }
  addQuestion(desk, voice.ask, move.stage !== "decide");
}

function composeAdvocate(desk: Desk): void {
  const { move, draw } = desk;
  addReaction(desk);
  const hasEvidence = addEvidence(desk);
  if (move.stage === "decide") add(desk, ADVOCATE.close);
  else {
    const attacks = draw("attacks") < (move.reaction === "object" ? 0.55 : 0.3);
    add(desk, attacks ? ADVOCATE.attack : ADVOCATE.claim);
    if (!hasEvidence) addArguments(desk, Math.max(1, move.length - desk.sentences.length - 1));
  }
  addQuestion(desk, voiceOf(desk).ask, true);
}

function composeJudge(desk: Desk): void {
  const { move, draw } = desk;
  const slots = judgeSlots(desk);
  addReaction(desk);
  const hasEvidence = addEvidence(desk);
  if (move.stage === "decide") {
    if (!add(desk, JUDGE.ruling, slots)) add(desk, voiceOf(desk).decide);
    add(desk, JUDGE.reason, slots);
    add(desk, JUDGE.cost, slots);
    return;
  }
  if (!add(desk, JUDGE.weigh, slots)) add(desk, voiceOf(desk).argue);
  if (!hasEvidence && draw("belief of judge") < 0.35) addBelief(desk);
  addQuestion(desk, JUDGE.ask, true);
}

function composeInterviewer(desk: Desk): void {
  const { move, draw } = desk;
  addReaction(desk);
  if (move.stage === "decide") {
    add(desk, INTERVIEWER.wrap);
    add(desk, INTERVIEWER.bye);
    return;
  }
  if (!addEvidence(desk)) {
    const shared = draw("shares") < 0.2 && (addLife(desk) || addBelief(desk));
    if (!shared) add(desk, INTERVIEWER.listen);
  }
  const isSame = move.target?.id === move.previous?.by?.id;
  addQuestion(desk, isSame ? INTERVIEWER.follow : INTERVIEWER.ask, true);
}

function composeRespondent(desk: Desk): void {
  const { move, draw, agenda } = desk;
  const voice = voiceOf(desk);
  addReaction(desk);
  const hasEvidence = addEvidence(desk);
  if (!hasEvidence && !(draw("remembers") < 0.5 && addLife(desk))) add(desk, voice.life);
  if (move.stage === "propose" || move.stage === "decide") add(desk, voice.wish);
  else if (!hasEvidence && desk.sentences.length < move.length) {
    const believed = draw("convinced") < 0.5 && addBelief(desk);
    if (!believed) add(desk, draw("adds") < 0.6 ? voice.life : voice.mine);
  }
  if (desk.sentences.length < move.length && draw("aside") < 0.4) addAside(desk);
  const isToInterviewer = move.target?.id === agenda.interviewer;
  addQuestion(desk, isToInterviewer ? RESPONDENT.toInterviewer : RESPONDENT.toOther, false);
}

const COMPOSERS: Record<Part, (desk: Desk) => void> = {
  speaker: composeSpeaker,
  advocate: composeAdvocate,
  judge: composeJudge,
  interviewer: composeInterviewer,
  respondent: composeRespondent,
};

/** Says, right after the reaction, that a search brought nothing. */
function admitNothingFound(desk: Desk): void {
  const word = (pointsFor(desk)[0] ?? desk.agenda.terms[0]?.text ?? "this").replace(/"|^the /g, "");
  if (!add(desk, voiceOf(desk).empty, { word: [filling(word)] })) return;
  const last = desk.sentences.pop();
  if (last !== undefined) desk.sentences.splice(1, 0, last);
}

export function compose(brief: Brief): Composition {
  const { situation, agenda, move } = brief;
  const { self, transcript, toolResults, turn, seed, topic } = situation;
  const about = stemsOfAll([move.previous?.text.slice(0, 2000) ?? "", topic, ...self.expertise]);
  const known = new Set(transcript.slice(-60).flatMap(({ sources }) => sources));
  const findings = findingsOf(passagesOf(toolResults), {
    about,
    known,
    own:
      move.part === "advocate" && move.ownOption !== undefined ? agenda.options[move.ownOption] : undefined,
    rival: agenda.options.find((_, index) => index !== move.ownOption),
  });
  const slots = slotsFor(brief);
  const [point] = slots.point ?? [];
  const subject = (slots.subject ?? []).find(({ text }) => text !== point?.text);
  const desk: Desk = {
    ...brief,
    slots,
    findings,
    phrasing: createPhrasing({
      messages: transcript.map(({ text }) => text),
      seed: `${seed}/${self.id}/${turn}`,
      isFormal: move.styles.includes("formal"),
      leads: LEADS,
      turn,
    }),
    sentences: [],
    cited: new Set(),
    titles: [],
  };
  COMPOSERS[move.part](desk);
  const foundNothing = toolResults.length > 0 && findings.length === 0;
  if (foundNothing) admitNothingFound(desk);
  const message = desk.sentences.join(" ");
  return {
    message,
    citations: [...desk.cited],
    used: {
      prev: move.previous?.by?.shortName,
      point: point?.text,
      subject: subject?.text ?? "the topic",
      title: desk.titles[0],
      mine: self.expertise.filter((field) => message.includes(asPhrase(field))),
    },
    foundNothing,
  };
}
