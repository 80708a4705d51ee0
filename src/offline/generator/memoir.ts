/** Turns a biography in the third person into sentences the persona can say of its own life. */
import { capitalise, escapePattern, sentencesOf } from "./prose.ts";
import { isPast, verbBase } from "./words.ts";

const MAX_LENGTH = 190;
const KEPT = new Set(["is", "has", "was", "had", "can", "could", "would", "will", "does", "did"]);
const FIRST_PERSON: Record<string, string> = { is: "am", has: "have", was: "was", does: "do" };
const ADVERBS = new Set([
  "now",
  "still",
  "also",
  "once",
  "never",
  "often",
  "always",
  "later",
  "then",
  "usually",
]);

/** "teaches" becomes "teach"; a past tense stays. Undefined when the word is no verb we know. */
function firstPerson(verb: string): string | undefined {
  if (KEPT.has(verb)) return FIRST_PERSON[verb] ?? verb;
  if (isPast(verb)) return verb;
  return verb.endsWith("s") ? verbBase(verb) : undefined;
}

/** A word and the mark behind it. */
function marked(word: string | undefined): { bare: string; mark: string } {
  const bare = (word ?? "").replace(/[,.;:!?]+$/, "");
  return { bare, mark: (word ?? "").slice(bare.length) };
}

/** Turns the verb at that place, or after an adverb there; false when it is no verb we know. */
function turnVerb(words: string[], at: number): boolean {
  const place = ADVERBS.has(words[at] ?? "") ? at + 1 : at;
  const { bare, mark } = marked(words[place]);
  const verb = firstPerson(bare);
  if (verb === undefined) return false;
  words[place] = verb + mark;
  return true;
}

const OBJECTS: Record<string, string> = { him: "me", himself: "myself", herself: "myself", his: "my" };
/** After an object "her" comes one of these, after a possessive a noun. */
const AFTER_OBJECT = /^(in|on|to|at|with|for|from|by|the|an?|and|)$/;

/** Turns what stands at `index`; false when the sentence cannot be turned safely. */
function turnWord(words: string[], index: number, isOwnSubject: boolean): boolean {
  const { bare, mark } = marked(words[index]);
  const next = words[index + 1] ?? "";
  if (/^(she|he)$/i.test(bare)) {
    words[index] = `I${mark}`;
    return turnVerb(words, index + 1) || !marked(next).bare.endsWith("s");
  }
  if (OBJECTS[bare] !== undefined) words[index] = `${OBJECTS[bare]}${mark}`;
  else if (bare === "her") words[index] = mark !== "" || AFTER_OBJECT.test(next) ? `me${mark}` : "my";
  else if (/^(and|but)$/.test(bare) && isOwnSubject && marked(next).bare.endsWith("s")) {
    // "who paints and teaches": the second verb may not be the speaker's.
    const isOthers = words.slice(0, index).some((earlier) => /^(who|which|that)$/.test(earlier));
    if (firstPerson(marked(next).bare) !== undefined) return !isOthers && turnVerb(words, index + 1);
  }
  return true;
}

/** One sentence, or undefined when it cannot be turned safely. */
function turned(sentence: string, shortName: string): string | undefined {
  const name = `${escapePattern(shortName)}(?:\\s\\p{Lu}[\\p{L}'’-]*)*,?(?: \\d+,)?`;
  const start = new RegExp(`^(?:${name}|She|He|Her|His)(?= )`, "u").exec(sentence)?.[0];
  // What leans on the sentence before it ("she finished it by ear") makes no sense alone.
  const leans = / it\b/.test(sentence.slice(0, 60)) || /\b(them|themselves)\b/.test(sentence);
  if (start === undefined || leans || sentence.length > MAX_LENGTH) return undefined;
  const isPossessive = /^(Her|His)$/.test(start);
  const words = sentence.slice(start.length).trim().split(" ");
  if (!isPossessive && !turnVerb(words, 0)) return undefined;
  const isSafe = words.every((_, index) => turnWord(words, index, !isPossessive));
  return isSafe ? capitalise(`${isPossessive ? "My" : "I"} ${words.join(" ")}`) : undefined;
}

export function lifeOf(background: string, shortName: string): string[] {
  return sentencesOf(background).flatMap((sentence) => turned(sentence, shortName) ?? []);
}
