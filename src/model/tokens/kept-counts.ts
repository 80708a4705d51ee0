/**
 * Token counts of texts that come again with small changes: of a persona's own lines only the last says something new,
 * turn by turn, and what all share stays. Lines are counted once and remembered.
 */
import { LRUCache } from "lru-cache";

/** Characters remembered: the lines of a few hundred personas and scenarios. */
const MEMORY_CHARACTERS = 2_000_000;
/** Longer lines are no prompt's; they would push everything else out. */
const LONGEST_LINE = 20_000;
/** Longer texts are not looked at line by line. */
const LONGEST_TEXT = 200_000;

/**
 * Where a token always ends, so that the parts' tokens are the whole's: after a line break, unless white space follows,
 * which may belong to the same token, or a slash, which may stand in one with the line break before it.
 */
const LINE_ENDS = /(?<=\n)(?=[^\s/])/u;

/** Counts what `count` does, and each line only once. */
export function createKeptCounter(count: (text: string) => number): (text: string) => number {
  const counts = new LRUCache<string, number>({
    maxSize: MEMORY_CHARACTERS,
    maxEntrySize: LONGEST_LINE,
    sizeCalculation: (_, line) => line.length + 1,
  });

  function countLine(line: string): number {
    const known = counts.get(line);
    if (known !== undefined) return known;
    const tokens = count(line);
    counts.set(line, tokens);
    return tokens;
  }

  return (text) =>
    text.length > LONGEST_TEXT
      ? count(text)
      : text.split(LINE_ENDS).reduce((sum, line) => sum + countLine(line), 0);
}
