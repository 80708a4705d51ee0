/**
 * Prompt caching as the provider bills it: a prefix read before, of 1,024 tokens or more, counts as cached in steps
 * of 128. A prefix is everything that precedes, tools and schema first. Ours ends at the end of a message, where the
 * provider's may end inside one: it never finds more than the provider would.
 */
import type { Segment } from "./prompt-tokens.ts";
import { RecentMap } from "./recent-map.ts";

const SMALLEST = 1024;
const STEP = 128;
/** Messages a generation. */
const MEMORY_PREFIXES = 200_000;

export function cachedTokens(prefixTokens: number): number {
  if (prefixTokens < SMALLEST) return 0;
  return SMALLEST + Math.floor((prefixTokens - SMALLEST) / STEP) * STEP;
}

export interface PromptCache {
  /** How much of the prompt is cached; from now on all of it is. */
  read(model: string, segments: readonly Segment[]): number;
  clear(): void;
}

export function createPromptCache(memoryPrefixes = MEMORY_PREFIXES): PromptCache {
  /** A tree: (prefix, next piece) leads to the longer prefix. Each step costs the same, however long the prefix. */
  let prefixes = new RecentMap<string, number>(memoryPrefixes);
  let lastId = 0;

  return {
    read(model, segments) {
      let prefix: string | number = model;
      let prefixTokens = 0;
      let isCached = true;
      for (const { id, tokens } of segments) {
        const key = `${prefix}:${id}`;
        const known = prefixes.get(key);
        isCached &&= known !== undefined;
        if (isCached) prefixTokens += tokens;
        if (known === undefined) {
          lastId += 1;
          prefixes.set(key, lastId);
        }
        prefix = known ?? lastId;
      }
      return cachedTokens(prefixTokens);
    },
    clear() {
      prefixes = new RecentMap(memoryPrefixes);
    },
  };
}
