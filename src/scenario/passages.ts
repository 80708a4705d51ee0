/** Splits a Markdown document into passages: small enough to quote, never cutting a sentence or a code block. */

/**
 * Passages have about this many words: sections are split and joined to get there. Fewer remain only where the
 * neighbours are too long to join; more, only in a sentence or a code block that is longer itself.
 */
export const PASSAGE_WORDS = { min: 60, max: 150 } as const;

/** A heading and what stands under it, up to the next heading. */
interface Section {
  /** Undefined for what stands before the first heading. */
  heading: string | undefined;
  blocks: string[];
}

/** The smallest part that stays whole. `glue` joins it to the one before. */
interface Unit {
  text: string;
  words: number;
  glue: string;
}

interface Part {
  /** Headings of the sections it comes from. */
  headings: string[];
  text: string;
}

export interface SplitDocument {
  /** Text of the first heading. */
  heading: string | undefined;
  passages: Part[];
}

/** Splits Markdown (without front matter) at headings, then at paragraphs, then at sentences. */
export function splitMarkdown(markdown: string): SplitDocument {
  const sections = sectionsOf(markdown);
  return {
    heading: sections.find(({ heading }) => heading !== undefined)?.heading,
    passages: joinShort(
      sections.flatMap(({ heading, blocks }) =>
        pack(blocks.flatMap(unitsOf)).map((text) => ({
          headings: heading === undefined ? [] : [heading],
          text,
        })),
      ),
    ),
  };
}

function sectionsOf(markdown: string): Section[] {
  let section: Section = { heading: undefined, blocks: [] };
  const sections = [section];
  let block: string[] = [];
  let fence: string | undefined;
  const endBlock = () => {
    if (block.length > 0) section.blocks.push(block.join("\n"));
    block = [];
  };
  for (const line of markdown.split(/\r?\n/)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      block.push(line);
      if (mark?.startsWith(fence)) {
        fence = undefined;
        endBlock();
      }
      continue;
    }
    const heading = headingOf(line);
    if (mark || heading !== undefined || line.trim() === "") endBlock();
    if (mark) fence = mark;
    if (heading !== undefined) {
      section = { heading, blocks: [] };
      sections.push(section);
    } else if (line.trim() !== "") block.push(line);
  }
  endBlock();
  return sections;
}

/** The text of a heading line, without the signs that may close it: `## Two ##` is `Two`, but `# C#` is `C#`. */
function headingOf(line: string): string | undefined {
  const text = /^ {0,3}#{1,6}[ \t]+(.*)$/.exec(line)?.[1]?.trimEnd();
  if (text === undefined) return undefined;
  // By hand: as a regular expression it takes time quadratic in the length of a hostile line.
  let end = text.length;
  while (text[end - 1] === "#") end -= 1;
  return end === 0 || /[ \t]/.test(text[end - 1] ?? "") ? text.slice(0, end).trimEnd() : text;
}

const countWords = (text: string) => text.split(/\s+/).filter(Boolean).length;
const unit = (text: string, glue: string): Unit => ({ text, words: countWords(text), glue });

/** A block is one unit unless it is too long: then its list items or sentences are. */
function unitsOf(block: string): Unit[] {
  if (/^\s*(```|~~~)/.test(block)) return [unit(block, "\n\n")];
  const isProse = !/^\s*([-*+|>]|\d+[.)])(\s|$)/m.test(block) && !block.includes("|");
  const text = isProse ? block.replace(/\s+/g, " ").trim() : block;
  if (countWords(text) <= PASSAGE_WORDS.max) return [unit(text, "\n\n")];
  const parts = isProse ? sentencesOf(text) : text.split(/\n(?=\S)/);
  return parts.map((part, index) => unit(part, index === 0 ? "\n\n" : isProse ? " " : "\n"));
}

function sentencesOf(text: string): string[] {
  const segments = new Intl.Segmenter("en", { granularity: "sentence" }).segment(text);
  return Array.from(segments, ({ segment }) => segment.trim());
}

/** Fills passages evenly: as few as the maximum allows, of about the same length. */
function pack(units: readonly Unit[]): string[] {
  const total = sum(units);
  const target = total / Math.max(1, Math.ceil(total / PASSAGE_WORDS.max));
  const passages: Unit[][] = [];
  let current: Unit[] = [];
  for (const next of units) {
    const before = sum(current);
    const after = before + next.words;
    const isBetterAlone = after > PASSAGE_WORDS.max || after - target > target - before;
    if (current.length > 0 && isBetterAlone) {
      passages.push(current);
      current = [];
    }
    current.push(next);
  }
  if (current.length > 0) passages.push(current);
  return passages.map((parts) =>
    parts.map(({ text, glue }, index) => (index === 0 ? text : glue + text)).join(""),
  );
}

/** Joins neighbours of which one is too short, while both together are not too long. */
function joinShort(parts: readonly Part[]): Part[] {
  const joined: Part[] = [];
  for (const [index, part] of parts.entries()) {
    const last = joined.at(-1);
    const words = countWords(part.text);
    const lastWords = countWords(last?.text ?? "");
    const isLastOfAll = index === parts.length - 1;
    const isShort = lastWords < PASSAGE_WORDS.min || (isLastOfAll && words < PASSAGE_WORDS.min);
    if (last && isShort && lastWords + words <= PASSAGE_WORDS.max) {
      last.text += `\n\n${part.text}`;
      last.headings = [...new Set([...last.headings, ...part.headings])];
    } else joined.push({ ...part });
  }
  return joined;
}

const sum = (units: readonly Unit[]) => units.reduce((words, { words: more }) => words + more, 0);
