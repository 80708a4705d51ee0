/** Noun phrases of a text, found by what stands around them, in a form that fits after "about" and before "will". */
import { DETERMINERS, GROUPS, isVerbForm, PEOPLE, PREPOSITIONS, STOP_WORDS, WEAK_HEADS } from "./words.ts";

export interface Term {
  /** "the free plan", "rural districts", "Latchbook". */
  text: string;
  /** Without its article, lower case: what is looked for in what others say. */
  core: string;
  kind: "thing" | "people" | "group";
  isPlural: boolean;
}

const ADJECTIVE_END = /(able|ible|ful|ous|less|ish)$/;
/** Ends of nouns that stand without an article in the singular. */
const SUBSTANCE = /(ing|ion|ity|ness|ment|ance|ence|ware|ship|age|ure|ism|work|data)$/;
const PASSED_OVER =
  /^(small|big|large|long|short|new|old|earlier|later|last|next|same|own|good|better|best|first|second|third)$/;
const SINGULAR_S = /(ss|us|is|news|series|business|access|analysis)$/;

/** A noun phrase up to its first preposition: "the patch" of "the patch with a pilot". */
export function headPhrase(phrase: string): string {
  const words = phrase.split(" ");
  const cut = words.findIndex((word, index) => index > 0 && PREPOSITIONS.has(word.toLowerCase()));
  return cut === -1 ? phrase : words.slice(0, cut).join(" ");
}

/** Whether a noun phrase takes a plural verb: by its head, the last word before a preposition. */
export function isPluralPhrase(phrase: string): boolean {
  const nouns = headPhrase(phrase.toLowerCase()).split(" ");
  const head = nouns.at(-1) ?? "";
  if (/^(people|staff|children|kids)$/.test(head)) return true;
  return (
    (nouns.includes("and") && !nouns[0]?.endsWith("ing")) || (head.endsWith("s") && !SINGULAR_S.test(head))
  );
}

/** Expertise like "negotiating scope" is an activity, and so singular. */
export const isPluralField = (phrase: string): boolean =>
  !/^\p{L}+ing\b/u.test(phrase) && isPluralPhrase(phrase);

function termFrom(words: readonly string[], cue: string, names: ReadonlySet<string>): Term | undefined {
  const run = words.slice(-3);
  const head = (run.at(-1) ?? "").toLowerCase();
  const isName = run.every((word) => /^\p{Lu}/u.test(word));
  if (head.length < 3 || WEAK_HEADS.has(head) || ADJECTIVE_END.test(head) || /(ly|'s|’s)$/.test(head))
    return undefined;
  if (run.some((word) => names.has(word.replace(/['’]s$/, "")))) return undefined;
  const hasArticle = DETERMINERS.has(cue);
  const isPlural = isPluralPhrase(run.join(" "));
  if (!hasArticle && run.length === 1 && !isPlural && !isName && !SUBSTANCE.test(head)) return undefined;
  const isLed =
    hasArticle ||
    PREPOSITIONS.has(cue) ||
    isName ||
    (isPlural && (run.length > 1 || /^[\d.,%€$]+$/.test(cue) || isVerbForm(cue))) ||
    (run.length > 1 && /ing$/.test(cue));
  if (!isLed || (run.length === 1 && !isName && /(ed|ing)$/.test(head) && (!hasArticle || isVerbForm(head))))
    return undefined;
  const core = run.join(" ");
  const kind = PEOPLE.has(head) ? "people" : GROUPS.has(head) || isName ? "group" : "thing";
  // A bare noun after a preposition is plural, or names a substance ("in coverage"); both stand without an article.
  return { text: hasArticle && !isName ? `the ${core}` : core, core: core.toLowerCase(), kind, isPlural };
}

/** The terms of a text, those of several words and those named often first. `people` are never terms. */
export function termsOf(text: string, people: readonly { name: string }[] = []): Term[] {
  const names = new Set(people.flatMap(({ name }) => name.split(" ")));
  const found = new Map<string, { term: Term; count: number; at: number }>();
  let run: string[] = [];
  let cue = ".";
  const flush = (boundary: string) => {
    const term = run.length === 0 ? undefined : termFrom(run, cue, names);
    if (term !== undefined) {
      const known = found.get(term.core);
      if (known === undefined) found.set(term.core, { term, count: 1, at: found.size });
      else known.count += 1;
    }
    run = [];
    cue = boundary;
  };
  for (const token of text.match(/[\p{L}][\p{L}\p{N}'’-]*|[\d€$][\d.,%€$]*(?:-\p{L}+)*|\S/gu) ?? []) {
    const lower = token.toLowerCase();
    const isCompound = /^\d.*-\p{L}/u.test(token);
    const isSentenceStart = cue === "." && run.length === 0;
    const isBreak =
      !/^\p{L}/u.test(token) ||
      STOP_WORDS.has(lower) ||
      DETERMINERS.has(lower) ||
      PREPOSITIONS.has(lower) ||
      /ly$/.test(lower) ||
      (isVerbForm(lower) && !isNounHere(lower, cue, run));
    // An adjective that is no part of the term stands between it and its article: "an earlier study".
    if (isCompound || (run.length === 0 && !isSentenceStart && PASSED_OVER.test(lower))) continue;
    if (isBreak || (isSentenceStart && /^\p{Lu}\p{Ll}/u.test(token)))
      flush(/[.!?:;]/.test(token) ? "." : lower);
    else if (/['’]s$/.test(token)) flush("the");
    else run.push(token);
  }
  flush(".");
  return [...found.values()]
    .sort((a, b) => weight(b) - weight(a) || a.at - b.at)
    .map(({ term }) => term)
    .filter((term, index, all) => {
      const isSame = (other: Term, at: number) => at < index && singular(other.core) === singular(term.core);
      // "notes" says nothing beside "visit notes".
      const isHeadOf = (other: Term) =>
        !term.core.includes(" ") && singular(other.core).endsWith(` ${singular(term.core)}`);
      return !all.some((other, at) => isSame(other, at) || isHeadOf(other));
    });
}

const ARTICLES = /^(an?|the|its|their|our|my|your|his|her)$/;

/** Many nouns look like verbs ("the plan", "the reading room", "drafted summaries"): what stands before decides. */
function isNounHere(word: string, cue: string, run: readonly string[]): boolean {
  if (run.length > 0) return false;
  if (word.endsWith("ed")) return DETERMINERS.has(cue) || PREPOSITIONS.has(cue);
  return ARTICLES.test(cue) && (word.endsWith("ing") || !word.endsWith("s"));
}

const singular = (core: string) => core.replace(/s$/, "");

const weight = ({ term, count }: { term: Term; count: number }) =>
  count + (term.core.includes(" ") ? 1.5 : 0) + (term.kind === "thing" ? 0.5 : 0);
