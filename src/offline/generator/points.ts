/** What of a message can be taken up by the next speaker. */
import type { Term } from "./terms.ts";
import { DETERMINERS, isVerbForm, NEVER_QUOTED, PREPOSITIONS, STOP_WORDS, WEAK_HEADS } from "./words.ts";

const isLetter = (char: string | undefined) => char !== undefined && /[\p{L}\p{N}]/u.test(char);

/** Where a term is named last in a text, both in lower case; a plural counts. -1: nowhere. */
function lastMention(lower: string, core: string): number {
  for (let at = lower.lastIndexOf(core); at !== -1; at = at === 0 ? -1 : lower.lastIndexOf(core, at - 1)) {
    const end = at + core.length;
    const after = lower[end] === "s" ? lower[end + 1] : lower[end];
    if (!isLetter(lower[at - 1]) && !isLetter(after)) return at;
  }
  return -1;
}

export const mentions = (lower: string, core: string): boolean => lastMention(lower, core) !== -1;

const mayQuote = (word: string) => !NEVER_QUOTED.has(word) && !STOP_WORDS.has(word) && !WEAK_HEADS.has(word);

/** A noun, as far as one can tell: after an article or a preposition, and none of the forms that are no nouns. */
const isNounLike = (word: string) =>
  /^[a-z]{5,14}$/.test(word) && !/(ed|ing|ly|teen|able|ible|ful|ous|less|ish)$/.test(word);

/**
 * Terms of the topic that the message names, things first, latest first; then single telling words in quotation marks.
 * Nothing longer than a word is ever taken from what others wrote.
 */
export function pointsOf(
  message: string,
  terms: readonly Term[],
  isOrdinary: (word: string) => boolean,
): string[] {
  const lower = message.toLowerCase();
  const named = terms
    .map((term) => ({ term, at: lastMention(lower, term.core), isThing: Number(term.kind === "thing") }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => b.isThing - a.isThing || b.at - a.at)
    .map(({ term }) => term.text);
  const single = new Set<string>();
  let before = "";
  // Names and sentence openings begin with a capital and are passed over.
  for (const [word] of message.matchAll(/[\p{L}][\p{L}'’-]*/gu)) {
    const isLed = DETERMINERS.has(before) || PREPOSITIONS.has(before);
    before = word.toLowerCase();
    if (isLed && isNounLike(word) && mayQuote(word) && !isOrdinary(word) && !isVerbForm(word))
      single.add(word);
  }
  const isTaken = (word: string) => named.some((text) => text.toLowerCase().includes(word));
  return [...named, ...[...single].filter((word) => !isTaken(word)).map((word) => `"${word}"`)];
}
