/**
 * How many tokens a text is, at most. The tokenizer (180 MB, half a second) is loaded only when it is needed, and what it
 * says of a line or a word is remembered: prompts come again at every turn with little that is new.
 */
import { LRUCache } from "lru-cache";
import type { ModelInfo } from "../domain/model-info.ts";

type Encoding = ModelInfo["encoding"];

/** Counts the tokens of a text. */
export type TokenCounter = (text: string) => number;

/** Pieces of which encodings make tokens: words, numbers, marks. A conversation has fewer. */
const PIECES_KEPT = 20_000;
/** Of all lines that are remembered, together; longer ones than the second are not. */
const LINE_CHARACTERS_KEPT = 4_000_000;
const LONGEST_LINE_KEPT = 20_000;

/** A piece longer than that is counted in parts: the tokenizer's time grows with the square of a piece. */
const PART = /.{1,200}/gsu;
const LONGEST_PIECE = 200;

/** No piece goes on past a line break that is followed by this. */
const LINE_START = /(?<=\n)(?=[^\s/])/;

const ENCODINGS = {
  o200k_base: () => import("js-tiktoken/ranks/o200k_base"),
  cl100k_base: () => import("js-tiktoken/ranks/cl100k_base"),
} as const satisfies Record<Encoding, unknown>;

async function load(encoding: Encoding): Promise<TokenCounter> {
  const [{ Tiktoken }, { default: ranks }] = await Promise.all([
    import("js-tiktoken/lite"),
    ENCODINGS[encoding](),
  ]);
  const tokenizer = new Tiktoken(ranks);
  const piece = new RegExp(ranks.pat_str, "gu");
  // Not an LRU: so small a value is found anew faster than an LRU keeps its order.
  const pieces = new Map<string, number>();
  const lines = new LRUCache<string, number>({
    maxSize: LINE_CHARACTERS_KEPT,
    maxEntrySize: LONGEST_LINE_KEPT,
    sizeCalculation: (_, line) => line.length,
  });
  const encoded = (text: string) => tokenizer.encode(text, [], []).length;

  function ofPiece(text: string): number {
    const known = pieces.get(text);
    if (known !== undefined) return known;
    const parts = text.length > LONGEST_PIECE ? (text.match(PART) ?? []) : [text];
    const tokens = parts.reduce((sum, part) => sum + encoded(part), 0);
    if (pieces.size >= PIECES_KEPT) pieces.clear();
    if (text.length <= LONGEST_PIECE) pieces.set(text, tokens);
    return tokens;
  }

  function ofLine(line: string): number {
    const known = lines.get(line);
    if (known !== undefined) return known;
    const tokens = (line.match(piece) ?? []).reduce((sum, text) => sum + ofPiece(text), 0);
    lines.set(line, tokens);
    return tokens;
  }

  /** A text that comes again whole, as the shared head does, is looked up once and not line by line. */
  return (text) => {
    if (text === "") return 0;
    const known = lines.get(text);
    if (known !== undefined) return known;
    const tokens = text.split(LINE_START).reduce((sum, line) => sum + ofLine(line), 0);
    lines.set(text, tokens);
    return tokens;
  };
}

const counters = new Map<Encoding, Promise<TokenCounter>>();

/** The counter of an encoding; exact but for words, or runs of one kind, of more than 200 characters. */
export function tokenCounter(encoding: Encoding): Promise<TokenCounter> {
  const known = counters.get(encoding) ?? load(encoding);
  counters.set(encoding, known);
  return known;
}

/** Tokens of one text. */
export const countTokens = async (text: string, encoding: Encoding): Promise<number> =>
  (await tokenCounter(encoding))(text);

/** No text has more tokens than UTF-8 bytes: every token of a byte-level encoding is at least one byte. */
export const tokenBound = (text: string): number => Buffer.byteLength(text, "utf8");
