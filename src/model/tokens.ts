/** How many tokens a request is, at most. The tokenizer (180 MB, half a second) is loaded only when it is needed. */
import type { Tiktoken } from "js-tiktoken/lite";
import type { ModelInfo } from "../domain/model-info.ts";
import { createKeptCounter } from "./kept-counts.ts";

type Encoding = ModelInfo["encoding"];
type Count = (text: string) => number;
const counters = new Map<Encoding, Promise<Count>>();

/**
 * Unbroken runs of this many characters, all of them white space or none, are cut: the tokenizer's time grows with
 * the square of a run. `u`, since half a character would count as a whole one.
 */
const RUN = /\S{200}|\s{200}/gu;

function countInPieces(text: string, encoder: Tiktoken): number {
  let tokens = 0;
  let from = 0;
  const count = (part: string) => encoder.encode(part, [], []).length;
  for (const { index, 0: run } of text.matchAll(RUN)) {
    tokens += count(text.slice(from, index + run.length));
    from = index + run.length;
  }
  return tokens + count(text.slice(from));
}

function counter(encoding: Encoding): Promise<Count> {
  const loaded = counters.get(encoding);
  if (loaded !== undefined) return loaded;
  const loading = import("js-tiktoken").then(({ getEncoding }) => {
    const encoder = getEncoding(encoding);
    return createKeptCounter((text) => countInPieces(text, encoder));
  });
  counters.set(encoding, loading);
  return loading;
}

/** Tokens of a text; exact but for texts with runs that long, where each cut may change the count by a few. */
export async function countTokens(text: string, encoding: Encoding): Promise<number> {
  return (await counter(encoding))(text);
}

/** No text has more tokens than UTF-8 bytes: every token of a byte-level encoding is at least one byte. */
export const tokenBound = (text: string): number => Buffer.byteLength(text, "utf8");
