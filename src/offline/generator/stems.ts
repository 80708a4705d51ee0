/** Words cut to stems, to see whether two texts speak of the same things. */
import { remembered } from "./memo.ts";
import { STOP_WORDS } from "./words.ts";

/** Terms, options and lines of a persona come back in every turn. */
const REMEMBERED_TEXTS = 4000;
const REMEMBERED_LENGTH = 1000;

const cut = (text: string): readonly string[] =>
  (text.toLowerCase().match(/\p{L}{4,}/gu) ?? [])
    .filter((word) => !STOP_WORDS.has(word))
    .map((word) => word.replace(/(ies|es|s|ing|ed)$/, "").slice(0, 7));

const cutShort = remembered(REMEMBERED_TEXTS, (text: string) => text, cut);

/** Words that carry meaning, cut so that "notes" meets "note". */
export const stemsOf = (text: string): readonly string[] =>
  text.length <= REMEMBERED_LENGTH ? cutShort(text) : cut(text);

export const stemsOfAll = (texts: readonly string[]): ReadonlySet<string> => new Set(texts.flatMap(stemsOf));

/** How many different stems of the text are among those. */
export function overlap(text: string, about: ReadonlySet<string>): number {
  let shared = 0;
  const stems = stemsOf(text);
  for (const [index, stem] of stems.entries())
    if (about.has(stem) && stems.indexOf(stem) === index) shared += 1;
  return shared;
}
