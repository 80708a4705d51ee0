/** Small operations on English text: sentences, case, punctuation, and fingerprints of what was said. */
import { LOWERABLE } from "./words.ts";

/** Splits running text into sentences; abbreviations and decimal points do not end one. */
export function sentencesOf(text: string): string[] {
  const ends =
    /(?<!\b(?:e\.g|i\.e|etc|vs|Dr|Mr|Mrs|Ms|Prof|St|No|approx))([.!?]["')\]]*)\s+(?=["'(]?[\p{Lu}\d])/gu;
  return text
    .replace(/\s+/g, " ")
    .trim()
    .replace(ends, "$1\n")
    .split("\n")
    .filter((sentence) => sentence !== "");
}

/** The question a text ends on, or "" when it ends otherwise. */
export function closingQuestion(text: string): string {
  const trimmed = text.trimEnd().replace(/["')]+$/, "");
  if (!trimmed.endsWith("?")) return "";
  const body = trimmed.slice(0, -1);
  return trimmed
    .slice(Math.max(body.lastIndexOf(". "), body.lastIndexOf("? "), body.lastIndexOf("! ")) + 1)
    .trim();
}

/** A text as a regular expression that matches just that text. */
export const escapePattern = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

export const capitalise = (text: string): string =>
  text.replace(/^(["'(]?)(\p{Ll})/u, (_, open: string, letter: string) => open + letter.toUpperCase());

/** Whether the sentence may go on in lower case: its first word is a function word, or stands in lower case in `context`. */
export function canLower(sentence: string, context = ""): boolean {
  const first = /^[\p{L}'’-]+/u.exec(sentence)?.[0] ?? "";
  if (first === "" || /^(I|I['’]\p{L}+)$/u.test(first) || /.\p{Lu}/u.test(first)) return false;
  const lower = first.toLowerCase();
  return (
    first === lower || LOWERABLE.has(lower) || new RegExp(`(?<![.!?]\\s)\\b${lower}\\b`, "u").test(context)
  );
}

export const lowerFirst = (text: string, context = ""): string =>
  canLower(text, context) ? text.charAt(0).toLowerCase() + text.slice(1) : text;

/** A phrase of a list ("Pricing strategy") as it stands inside a sentence; names and acronyms keep their case. */
export function asPhrase(text: string): string {
  const phrase = withoutEnd(text);
  const [first = "", ...rest] = phrase.split(" ");
  const isTitle = rest.some((word) => /^\p{Lu}/u.test(word));
  return /^\p{Lu}\p{Ll}+$/u.test(first) && !isTitle
    ? phrase.charAt(0).toLowerCase() + phrase.slice(1)
    : phrase;
}

export const withoutEnd = (text: string): string => text.trim().replace(/[\s.,;:!?]+$/u, "");
/** A sentence with exactly one mark at its end. */
export const withEnd = (text: string): string => (/[.!?]["')]*$/.test(text) ? text : `${withoutEnd(text)}.`);
/** Quoted and ended: the sentence's own question or exclamation mark stays inside and ends it all. */
export function quotedSentence(text: string): string {
  const inner = text.trim().replace(/["“”]/g, "'");
  const body = inner.replace(/[.\s]+$/, "");
  return /[!?]'?$/.test(body) ? `"${body}"` : `"${body}".`;
}

const CONTRACTIONS: readonly (readonly [RegExp, string])[] = [
  [/'d (been|stood|got|only felt|never met|said it)\b/g, " had $1"],
  [/\b(who|everyone who)'s (been|lived|wrestled)\b/g, "$1 has $2"],
  [/\b([Ll])et's\b/g, "$1et us"],
  [/\b([Ww])on't\b/g, "$1ill not"],
  [/\b([Cc])an't\b/g, "$1annot"],
  [/n't\b/g, " not"],
  [/\bI'm\b/g, "I am"],
  [/\b(\w+)'re\b/g, "$1 are"],
  [/\b(\w+)'ve\b/g, "$1 have"],
  [/\b(\w+)'ll\b/g, "$1 will"],
  [
    /\b(I|[Yy]ou|[Ww]e|[Hh]e|[Ss]he|[Ii]t|[Tt]hey|[Ww]ho|[Tt]hat|[Ss]omebody|[Nn]obody|[Tt]here)'d\b/g,
    "$1 would",
  ],
  [/\b([Ii]t|[Tt]hat|[Tt]here|[Ww]hat|[Ww]ho|[Ww]here|[Hh]ow|[Hh]e|[Ss]he)'s\b/g, "$1 is"],
];

/** "I'd" becomes "I would": how formal people talk. For frames; it does not know every contraction. */
export const expandContractions = (frame: string): string =>
  frame.includes("'")
    ? CONTRACTIONS.reduce((text, [short, long]) => text.replace(short, long), frame)
    : frame;

const FNV_START = 0x811c9dc5;
const step = (hash: number, code: number) => Math.imul(hash ^ code, 0x01000193);

/**
 * Calls `add` with a fingerprint of every sentence of at least two words, and with one of what follows a colon in it
 * (`isTail`). Case and punctuation do not count. One pass, because a long conversation is read anew in every request.
 */
export function fingerprint(text: string, add: (print: number, isTail: boolean) => void): void {
  const lower = text.toLowerCase();
  let whole = FNV_START;
  let tail = 0;
  let words = 0;
  let gap = false;
  for (let index = 0; index <= lower.length; index++) {
    const code = index < lower.length ? lower.charCodeAt(index) : 10;
    const isWordPart = (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code > 191;
    if (isWordPart) {
      if (gap) {
        words += 1;
        whole = step(whole, 32);
        if (tail !== 0 && tail !== FNV_START) tail = step(tail, 32);
      }
      gap = false;
      whole = step(whole, code);
      if (tail !== 0) tail = step(tail, code);
      continue;
    }
    if (code === 39) continue;
    const next = index + 1 < lower.length ? lower.charCodeAt(index + 1) : 32;
    const ends =
      code === 10 ||
      ((code === 46 || code === 33 || code === 63) && (next === 32 || next === 34 || next === 10));
    if (ends) {
      if (words > 0) {
        add(whole, false);
        if (tail !== 0 && tail !== FNV_START) add(tail, true);
      }
      whole = FNV_START;
      tail = 0;
      words = 0;
      gap = false;
    } else if (code === 58 && next === 32) {
      tail = FNV_START;
      gap = true;
    } else if (whole !== FNV_START) gap = true;
  }
}
