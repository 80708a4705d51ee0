/** How many tokens a text is. The tables (some hundred megabytes in all) are loaded only when they are needed. */
import type { ModelInfo } from "../../domain/model-info.ts";
import type { TokenCounter } from "./byte-pairs.ts";
import { createKeptCounter } from "./kept-counts.ts";

export type Encoding = ModelInfo["encoding"];

const TABLES = {
  o200k_base: () => import("js-tiktoken/ranks/o200k_base"),
  cl100k_base: () => import("js-tiktoken/ranks/cl100k_base"),
} as const satisfies Record<Encoding, () => Promise<unknown>>;

const counters = new Map<Encoding, Promise<TokenCounter>>();

/** Counts tokens of plain text: the names of special tokens, like `<|endoftext|>`, are text like any other. */
export function tokenCounter(encoding: Encoding): Promise<TokenCounter> {
  const loaded = counters.get(encoding);
  if (loaded !== undefined) return loaded;
  const loading = Promise.all([import("./byte-pairs.ts"), TABLES[encoding]()]).then(
    ([{ createTokenCounter }, { default: table }]) => createKeptCounter(createTokenCounter(table)),
  );
  counters.set(encoding, loading);
  return loading;
}

export const countTokens = async (text: string, encoding: Encoding): Promise<number> =>
  (await tokenCounter(encoding))(text);

/** No text has more tokens than UTF-8 bytes: every token of a byte-level encoding is at least one byte. */
export const tokenBound = (text: string): number => Buffer.byteLength(text, "utf8");
