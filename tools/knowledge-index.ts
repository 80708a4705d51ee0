/** A search index over the passages of a knowledge base: BM25, scoped to what a persona may see. */
import MiniSearch from "minisearch";
import { DramatisError } from "../src/domain/errors.ts";
import type { FoundPassage, Passage } from "../src/domain/knowledge.ts";
import { STOP_WORDS } from "./stop-words.ts";

/** Built once for a knowledge base; every persona's tool shares it. */
export interface KnowledgeIndex {
  readonly passages: ReadonlyMap<string, Passage>;
  readonly engine: MiniSearch<Passage>;
}

/** Whose eyes a search looks through. */
export interface SearchScope {
  /** Passages kept for other personas are left out; undefined: all that are kept for somebody. */
  personaId?: string | undefined;
  /** Only these categories; undefined: all. */
  categories?: readonly string[] | undefined;
}

export interface SearchRequest {
  query: string;
  /** Only this category. Default, and null: every category in the scope. */
  category?: string | null | undefined;
  scope?: SearchScope | undefined;
  /** Most passages that come back. Default 3. */
  limit?: number | undefined;
}

export const DEFAULT_LIMIT = 3;
/** A query is a few words; whatever a model writes beyond this is not looked at. */
const MAX_QUERY_CHARACTERS = 500;
const MAX_TERMS = 32;

/**
 * How passages are ranked: Okapi BM25 with its usual constants. `k` (k1) is how soon a repeated word stops
 * counting, `b` how much long passages are held back. `d` is BM25+'s floor for a word that occurs at all: 0.
 */
const BM25 = { k: 1.2, b: 0.75, d: 0 };

/**
 * Builds the index of a knowledge base.
 * @throws DramatisError `invalid-argument` when two passages have the same id.
 */
export function createKnowledgeIndex(passages: readonly Passage[]): KnowledgeIndex {
  const byId = new Map<string, Passage>();
  for (const passage of passages) {
    if (byId.has(passage.id)) {
      const message = `Two passages have the id "${passage.id}": citations could mean either. Give each its own id.`;
      throw new DramatisError("invalid-argument", message);
    }
    byId.set(passage.id, passage);
  }
  const engine = new MiniSearch<Passage>({
    fields: ["title", "text"],
    tokenize: termsOf,
    processTerm: (term) => term,
    searchOptions: {
      bm25: BM25,
      boost: { title: 2 },
      // A word also finds longer words that begin with it and, if it is long, those one or two letters away.
      prefix: (term) => term.length >= 4,
      fuzzy: (term) => (term.length >= 6 ? 0.2 : false),
      maxFuzzy: 2,
      weights: { prefix: 0.5, fuzzy: 0.25 },
    },
  });
  engine.addAll(passages);
  return { passages: byId, engine };
}

/** The best passages for a query, best first; equal scores in the order of their ids. */
export function search(index: KnowledgeIndex, request: SearchRequest): FoundPassage[] {
  const { query, category = null, scope = {}, limit = DEFAULT_LIMIT } = request;
  const terms = new Set(termsOf(query.slice(0, MAX_QUERY_CHARACTERS)));
  const isWanted = (passage: Passage) =>
    isInScope(passage, scope) && (category === null || passage.category === category);
  return index.engine
    .search([...terms].slice(0, MAX_TERMS).join(" "))
    .flatMap(({ id, score }) => {
      const passage = index.passages.get(id);
      if (!passage || !isWanted(passage)) return [];
      const { personas: _, ...visible } = passage;
      return [{ ...visible, score: Math.round(score * 1000) / 1000 }];
    })
    .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
    .slice(0, limit);
}

/** How many passages of each category a scope holds, by category in alphabetical order. */
export function categoriesInScope(index: KnowledgeIndex, scope: SearchScope = {}): Map<string, number> {
  const counts = new Map<string, number>();
  for (const passage of index.passages.values()) {
    if (isInScope(passage, scope)) counts.set(passage.category, (counts.get(passage.category) ?? 0) + 1);
  }
  return new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isInScope({ personas, category }: Passage, { personaId, categories }: SearchScope): boolean {
  if (categories && !categories.includes(category)) return false;
  return personas === undefined || personaId === undefined || personas.includes(personaId);
}

/** Words of letters and digits, lower case, without accents and stop words: `The Café-Öffnung` is `cafe`, `offnung`. */
function termsOf(text: string): string[] {
  const plain = text
    .normalize("NFKD")
    .replace(/\p{M}|[’']/gu, "")
    .toLowerCase();
  return (plain.match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !STOP_WORDS.has(word));
}
