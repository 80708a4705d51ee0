/** What a search brought back, and which of its sentences can be quoted on their own. */
import { canLower, lowerFirst, quotedSentence, sentencesOf, withEnd } from "./prose.ts";
import { overlap, stemsOf } from "./stems.ts";
import { LEANING_START } from "./words.ts";

export interface FoundText {
  id: string;
  title: string;
  text: string;
}

/** One sentence of a passage, ready to be read out. */
export interface Finding {
  id: string;
  title: string;
  /** As it stands in the passage. */
  sentence: string;
  /** In quotation marks, with the mark that ends the sentence. */
  quoted: string;
  /** To follow "that" or a comma; undefined when its first word must keep its capital. */
  clause: string | undefined;
  /** In a debate: above 0 when it speaks for the speaker's side, below 0 when against it. */
  helps: number;
}

const MIN_LENGTH = 30;
const MAX_LENGTH = 210;

const asText = (value: unknown): string => (typeof value === "string" ? value : "");

function passagesIn(value: unknown): FoundText[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown) => {
      if (typeof item !== "object" || item === null) return [];
      const { id, title, text } = item as Record<string, unknown>;
      if (typeof id !== "string" || typeof text !== "string") return [];
      return [{ id, title: asText(title) || id, text }];
    });
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap((inner) => (Array.isArray(inner) ? passagesIn(inner) : []));
}

/** Passages of tool messages: a JSON list, or an object that holds one. Anything else, an error too, holds none. */
export function passagesOf(toolResults: readonly string[]): FoundText[] {
  const found = toolResults.flatMap((content) => {
    try {
      return passagesIn(JSON.parse(content));
    } catch {
      return [];
    }
  });
  return found.filter(({ id }, index) => found.findIndex((other) => other.id === id) === index);
}

/** Sentences about how something was found out, which say little when read alone. */
const METHOD =
  /\b(asked \d|asked how|interviewed|compared [\d,]+|traced|invited|recorded [\d,]+|kept an? (log|diary)|looked back|went through|gave \d+|ran for|sat in on|measured (both|the)|collected|were read back|collection holds|was tried in|sample held)\b/i;

/** A passage's title may end with the headings it covers: "Title: One heading; another". People say the title. */
function shortTitle(title: string): string {
  const plainTitle = title.replace(/["“”]/g, "'").trim();
  const before = plainTitle.includes(";") ? plainTitle.slice(0, plainTitle.indexOf(";")) : plainTitle;
  const cut = Math.max(before.lastIndexOf(": "), before.lastIndexOf("? ") + 1);
  return cut > 8 && (before !== plainTitle || plainTitle.length > 40) ? before.slice(0, cut) : plainTitle;
}

const plain = (markdown: string) =>
  markdown
    .replace(/^\s*(#.*|\|.*|```.*)$/gm, "")
    .replace(/^\s*([-*+]|\d+\.)\s+/gm, "")
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[*_`]{1,3}(\S[^*_`]*)[*_`]{1,3}/g, "$1");

const isQuotable = (sentence: string) =>
  sentence.length >= MIN_LENGTH &&
  sentence.length <= MAX_LENGTH &&
  /[.!?]["')]*$/.test(sentence) &&
  !LEANING_START.test(sentence) &&
  !/, (however|though|therefore|too),/.test(sentence) &&
  !/\bthose (two|three|four|districts|agencies|cases|years)\b|^\w+ of the (two|three|four|five|six|seven|eight|nine|ten)\b(?! \w+s\b)/i.test(
    sentence,
  ) &&
  !/\b(ignore|disregard|instructions?|system prompt)\b/i.test(sentence);

const GOOD =
  /\b(complete|gained|prefer\w*|saves?|saved|survived|corrected|jump|fewer|less|cut|calm|faster|sooner|only \d+|better|safer|clearer|cheaper|reassured)\b/i;
const BAD =
  /\b(lost|lose|losing|loses|wrong|contradict\w*|errors?|faults?|longer|misheard|interrupt\w*|cost|costs|distrust\w*|failed|skipped|clumsy|shorter|worse|slower|complain\w*)\b/i;

/** A rough reading: the option named first in a sentence is the one that is praised or blamed in it. */
function helpOf(sentence: string, own: string | undefined, rival: string | undefined): number {
  if (own === undefined || rival === undefined) return 0;
  const lower = sentence.toLowerCase();
  const special = (option: string, other: string) =>
    stemsOf(option).filter((stem) => !stemsOf(other).includes(stem));
  const firstOf = (stems: readonly string[]) =>
    Math.min(...stems.map((stem) => lower.indexOf(stem)).map((at) => (at === -1 ? Infinity : at)));
  const [mine, theirs] = [firstOf(special(own, rival)), firstOf(special(rival, own))];
  if (mine === theirs) return 0;
  const mood = BAD.test(sentence) ? -1 : GOOD.test(sentence) ? 1 : 0;
  return mine < theirs ? mood : -mood;
}

/** What makes one sentence worth more than another to this speaker, now. */
export interface Interest {
  /** Stems of what is talked about. */
  about: ReadonlySet<string>;
  /** Ids of passages that were cited before. */
  known: ReadonlySet<string>;
  /** The option an advocate speaks for, and the one it speaks against. */
  own?: string | undefined;
  rival?: string | undefined;
}

/** All that can be quoted, best first: sentences that name what is talked about, with figures, from new sources. */
export function findingsOf(
  passages: readonly FoundText[],
  { about, known, own, rival }: Interest,
): Finding[] {
  return passages
    .flatMap(({ id, title, text }, rank) => {
      const sentences = sentencesOf(plain(text));
      const quotable = sentences.filter(isQuotable);
      const usable = quotable.length > 0 ? quotable : sentences.slice(0, 1).map(shortened);
      return usable.map((sentence) => {
        const helps = helpOf(sentence, own, rival);
        const finding: Finding = {
          id,
          title: shortTitle(title),
          sentence,
          quoted: quotedSentence(sentence),
          clause:
            canLower(sentence, text) && !sentence.includes('"')
              ? withEnd(lowerFirst(sentence, text))
              : undefined,
          helps,
        };
        const worth =
          Math.min(4, overlap(sentence, about)) +
          (/\d/.test(sentence) ? 1 : 0) +
          2 * helps -
          (METHOD.test(sentence) ? 4 : 0) -
          (known.has(id) ? 1.5 : 0) -
          rank * 0.6 -
          sentence.length / 200;
        return { finding, worth };
      });
    })
    .sort((a, b) => b.worth - a.worth)
    .map(({ finding }) => finding);
}

/** The beginning of a sentence that is too long to read out, cut between words. */
const shortened = (sentence: string) =>
  sentence.length <= MAX_LENGTH
    ? sentence
    : `${sentence
        .slice(0, MAX_LENGTH)
        .replace(/\s+\S*$/, "")
        .replace(/[\s.,;:]+$/, "")}…`;
