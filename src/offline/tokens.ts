/** Token counts by the model's own encoding. Tables are loaded when first needed: half a second and 180 MB each. */
import { Tiktoken } from "js-tiktoken/lite";
import type { ModelInfo } from "../domain/model-info.ts";

export type Encoding = ModelInfo["encoding"];

export interface Tokenizer {
  count(text: string): number;
  /** The text's first `tokens` tokens. A character that would be cut in two is left out. */
  cut(text: string, tokens: number): string;
}

/**
 * Encoding one unbroken run takes time quadratic in its length (50,000 letters: over two minutes), so longer runs
 * are encoded in pieces. It may count a token more per piece; nothing that people write has such runs.
 */
const LONGEST_RUN = 128;
const LONG_RUN = new RegExp(`\\S{${LONGEST_RUN}}|\\s{${LONGEST_RUN}}`, "gu");

export function splitLongRuns(text: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  for (const { index, 0: run } of text.matchAll(LONG_RUN)) {
    pieces.push(text.slice(start, index + run.length));
    start = index + run.length;
  }
  if (start < text.length) pieces.push(text.slice(start));
  return pieces;
}

function createTokenizer(tiktoken: Tiktoken): Tokenizer {
  // No special tokens: "<|endoftext|>" in a message is text like any other, and must not throw.
  const encode = (text: string) => splitLongRuns(text).map((piece) => tiktoken.encode(piece, [], []));
  return {
    count: (text) => encode(text).reduce((sum, piece) => sum + piece.length, 0),
    cut(text, tokens) {
      const kept = encode(text).flat().slice(0, tokens);
      return tiktoken.decode(kept).replace(/\uFFFD+$/, "");
    },
  };
}

const RANKS = {
  o200k_base: () => import("js-tiktoken/ranks/o200k_base"),
  cl100k_base: () => import("js-tiktoken/ranks/cl100k_base"),
} as const;

const loaded = new Map<Encoding, Promise<Tokenizer>>();

/** One tokenizer an encoding, shared by all servers of the process. */
export function loadTokenizer(encoding: Encoding): Promise<Tokenizer> {
  let tokenizer = loaded.get(encoding);
  if (tokenizer === undefined) {
    tokenizer = RANKS[encoding]().then((ranks) => createTokenizer(new Tiktoken(ranks.default)));
    loaded.set(encoding, tokenizer);
  }
  return tokenizer;
}
