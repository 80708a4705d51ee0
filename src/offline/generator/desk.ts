/** What lies before a persona while it writes: the terms and names for its slots, the sentences so far. */
import type { Agenda } from "./agenda.ts";
import type { Finding } from "./evidence.ts";
import type { Draw, Move } from "./move.ts";
import type { Frames } from "./phrases/voice.ts";
import type { Filling, Phrasing, Slots } from "./phrasing.ts";
import { mentions, pointsOf } from "./points.ts";
import { asPhrase, sentencesOf } from "./prose.ts";
import type { Situation } from "./situation.ts";
import { overlap, stemsOfAll } from "./stems.ts";
import { headPhrase, isPluralField, isPluralPhrase, type Term } from "./terms.ts";
import { isOrdinaryWord } from "./vocabulary.ts";

/** A turn as it was understood and decided. */
export interface Brief {
  situation: Situation;
  agenda: Agenda;
  move: Move;
  draw: Draw;
}

/** The brief and everything the sentences of one message share while they are written. */
export interface Desk extends Brief {
  phrasing: Phrasing;
  slots: Slots;
  /** Sentences of passages that may be read out, best first. */
  findings: Finding[];
  sentences: string[];
  cited: Set<string>;
  titles: string[];
}

export const filling = (text: string, isPlural = false): Filling => ({ text, isPlural });
const termFillings = (terms: readonly Term[]) => terms.map(({ text, isPlural }) => filling(text, isPlural));
const fieldTerms = (fields: readonly string[]) =>
  fields
    .map(asPhrase)
    .map((text): Term => ({ text, core: text.toLowerCase(), kind: "thing", isPlural: isPluralField(text) }));

/**
 * Terms in the order in which this persona would turn to them now. Things that can be argued about come first;
 * people, places and others' fields only fill in when those are used up. In an interview what the respondent does is
 * as good a subject as the topic's.
 */
function subjectsFor({ situation, agenda, move, draw }: Brief): Term[] {
  const { self, transcript, cast } = situation;
  // Private notes pull a persona towards what it hides; they choose among public terms only.
  const own = stemsOfAll([...self.expertise, ...self.goals, ...self.beliefs, ...self.privateNotes]);
  const latest = (move.previous?.text ?? "").toLowerCase();
  const before = transcript
    .slice(-12, -1)
    .map(({ text }) => text)
    .join("\n")
    .toLowerCase();
  const lived =
    move.part === "respondent"
      ? fieldTerms(self.expertise)
      : move.part === "interviewer"
        ? fieldTerms(move.target?.expertise ?? [])
        : [];
  const ranked = [...agenda.terms, ...lived]
    .map((term, rank) => ({
      term,
      score:
        Math.min(2, overlap(term.core, own)) * (lived.length > 0 ? 0 : 0.4) +
        (mentions(latest, term.core) ? 0.35 : 0) -
        Math.min(3, before.split(term.core).length - 1) * 0.12 +
        (term.core.includes(" ") ? 0.2 : 0) -
        rank * 0.02 +
        0.7 * draw(`subject ${term.core}`),
    }))
    .sort((a, b) => b.score - a.score)
    .map(({ term }) => term);
  const others = fieldTerms(cast.filter(({ id }) => id !== self.id).flatMap(({ expertise }) => expertise));
  const isThing = ({ kind }: Term) => kind === "thing";
  return [...ranked.filter(isThing), ...ranked.filter((term) => !isThing(term)), ...others];
}

/** "the patch with a small pilot" is called "the patch" once it is known, unless another option is called so too. */
function shortOption(option: string, options: readonly string[]): string {
  const short = headPhrase(option);
  return options.filter((other) => headPhrase(other) === short).length === 1 ? short : option;
}

/** What the talk turns around: the option of that index, else the terms named most of late. */
export function leadOf({ agenda, situation }: Brief, index: number | undefined): Filling[] {
  const option = index === undefined ? undefined : agenda.options[index];
  if (option !== undefined && agenda.optionForm === "noun") {
    return [...new Set([shortOption(option, agenda.options), option])].map(optionFilling);
  }
  const recent = situation.transcript
    .slice(-40)
    .map(({ text }) => text)
    .join("\n")
    .toLowerCase();
  const things = agenda.terms.filter(({ kind }) => kind === "thing");
  const counted = (things.length > 0 ? things : agenda.terms).map((term) => ({
    term,
    count: recent.split(term.core).length,
  }));
  counted.sort((a, b) => b.count - a.count || (a.term.core < b.term.core ? -1 : 1));
  return termFillings(counted.slice(0, 3).map(({ term }) => term));
}

export const optionFilling = (text: string): Filling => filling(text, isPluralPhrase(text));

function ownerSlots({ situation, agenda, draw }: Brief): Slots {
  const [owner] = situation.cast
    .filter(({ id, expertise }) => id !== situation.self.id && id !== agenda.judge && expertise.length > 0)
    .map((person) => ({ person, rank: draw(`owner ${person.id}`) }))
    .sort((a, b) => b.rank - a.rank)
    .map(({ person }) => person);
  const field = owner?.expertise[Math.floor(draw("field") * owner.expertise.length)];
  return owner === undefined || field === undefined
    ? {}
    : { owner: [filling(owner.shortName)], field: fieldFillings([field]) };
}

const fieldFillings = (fields: readonly string[]) => termFillings(fieldTerms(fields));

/** What of the previous message is taken up: what was asked, if this answers it, else what was said before the question. */
export function pointsFor({ agenda, move, draw }: Brief): string[] {
  if (move.previous === undefined) return [];
  const text = move.previous.text.slice(0, 4000);
  const sentences = sentencesOf(text);
  const isQuestion = sentences.at(-1)?.endsWith("?") ?? false;
  const taken =
    move.reaction === "answer" ? sentences.slice(-1) : isQuestion ? sentences.slice(0, -1) : sentences;
  const points = pointsOf(taken.join(" "), agenda.pointTerms, isOrdinaryWord);
  const all = points.length > 0 ? points : pointsOf(text, agenda.pointTerms, isOrdinaryWord);
  const start = move.reaction === "answer" ? 0 : Math.floor(draw("point") * Math.min(3, all.length));
  return [...all.slice(start), ...all.slice(0, start)];
}

export function slotsFor(brief: Brief): Slots {
  const { situation, agenda, move, draw } = brief;
  const subjects = subjectsFor(brief);
  const isPluralTerm = new Map(agenda.pointTerms.map(({ text, isPlural }) => [text, isPlural]));
  const points = pointsFor(brief).map((text) => filling(text, isPluralTerm.get(text)));
  const mine = situation.self.expertise
    .map((field) => ({ field, rank: draw(`mine ${field}`) }))
    .sort((a, b) => b.rank - a.rank)
    .map(({ field }) => field);
  const isOwn = (_: string, index: number) => index === move.ownOption;
  return {
    ...ownerSlots(brief),
    prev: move.previous?.by === undefined ? [] : [filling(move.previous.by.shortName)],
    target: move.target === undefined ? [] : [filling(move.target.shortName)],
    point: points.length > 0 ? points : termFillings(subjects.slice(0, 2)),
    subject: termFillings(subjects),
    second: termFillings(subjects),
    thing: termFillings(subjects.filter(({ kind }) => kind === "thing")),
    people: termFillings(subjects.filter(({ kind }) => kind === "people")),
    mine: fieldFillings(mine),
    theirs: fieldFillings(move.target?.expertise ?? []),
    lead: leadOf(brief, move.roomOption),
    option: agenda.options.filter(isOwn).map(optionFilling),
    rival: agenda.options.filter((option, index) => !isOwn(option, index)).map(optionFilling),
  };
}

/**
 * Writes one more sentence when a frame fits. A message keeps to two terms, turn and turn about: what it has just used
 * goes second in line.
 */
export function add(desk: Desk, frames: Frames, extra: Slots = {}): boolean {
  const sentence = desk.phrasing.say(frames, { ...desk.slots, ...extra });
  if (sentence === undefined) return false;
  desk.sentences.push(sentence);
  const lower = sentence.toLowerCase();
  for (const slot of ["subject", "second", "thing"]) {
    const [first, second, ...rest] = desk.slots[slot] ?? [];
    if (first !== undefined && second !== undefined && lower.includes(first.text.toLowerCase())) {
      desk.slots[slot] = [second, first, ...rest];
    }
  }
  return true;
}
