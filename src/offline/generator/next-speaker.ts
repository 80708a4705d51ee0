/** A moderator's choice: who should speak next, from what was said and what the moderator was told. */
import type { Agenda } from "./agenda.ts";
import { closingQuestion } from "./prose.ts";
import type { Participant, Situation } from "./situation.ts";

export interface NextSpeaker {
  speaker: string;
  reason: string;
}

const ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"];

const isNamedIn = (text: string, { name, shortName, id }: Participant) =>
  text.includes(name) || text.includes(shortName) || text.includes(id);

/** `instructions` is all the moderator was told. Whoever was asked answers; else sides alternate; else the silent one. */
export function nextSpeaker(
  { cast, transcript }: Situation,
  agenda: Agenda,
  candidates: readonly string[],
  instructions: string,
): NextSpeaker | undefined {
  const people = candidates.map(
    (id) =>
      cast.find((person) => person.id === id) ?? { id, name: id, shortName: id, role: "", expertise: [] },
  );
  const lastSpoke = (id: string) => transcript.findLastIndex(({ speaker }) => speaker === id);
  const last = transcript.at(-1);
  const others = people.filter(({ id }) => id !== last?.speaker);
  const silent = [...others].sort((a, b) => lastSpoke(a.id) - lastSpoke(b.id));
  const pick = (person: Participant | undefined, reason: (name: string) => string) =>
    person === undefined ? undefined : { speaker: person.id, reason: reason(person.shortName) };

  const every = /judge\b[^.]*\bafter every (\w+)/i.exec(instructions)?.[1]?.toLowerCase() ?? "";
  const speeches = ORDINALS.indexOf(every) + 1;
  const judge = others.find(({ id }) => id === agenda.judge);
  const sinceJudge = agenda.judge === undefined ? 0 : transcript.length - 1 - lastSpoke(agenda.judge);
  if (judge !== undefined && speeches > 0 && sinceJudge >= speeches) {
    return pick(
      judge,
      (name) => `${name} judges, and ${speeches} others have spoken since the last question from the chair.`,
    );
  }

  const side = agenda.sides.get(last?.speaker ?? "");
  const question = last === undefined ? "" : closingQuestion(last.text);
  const asked = others.find(
    (person) => isNamedIn(question, person) && (side === undefined || agenda.sides.get(person.id) !== side),
  );
  if (asked !== undefined) return pick(asked, (name) => `${name} was just asked directly and should answer.`);

  if (agenda.sides.size > 0) {
    const previous =
      side ??
      agenda.sides.get(transcript.findLast(({ speaker }) => agenda.sides.has(speaker ?? ""))?.speaker ?? "");
    const advocates = silent.filter(({ id }) => agenda.sides.has(id));
    const opposite = advocates.find(({ id }) => previous === undefined || agenda.sides.get(id) !== previous);
    if (opposite !== undefined)
      return pick(
        opposite,
        (name) => `The other side has the word now, and ${name} has waited longest on it.`,
      );
  }
  const first = silent[0] ?? people[0];
  return first === undefined || lastSpoke(first.id) !== -1
    ? pick(first, (name) => `${name} has been silent longest.`)
    : pick(first, (name) => `${name} has not spoken yet.`);
}
