import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DramatisError } from "../../src/domain/errors.ts";
import type { Passage } from "../../src/domain/knowledge.ts";
import { categoriesInScope, createKnowledgeIndex, search } from "../../tools/knowledge-index.ts";

const passages: Passage[] = [
  { id: "cache#1", title: "Caches", category: "technical", text: "A cache keeps what was computed once." },
  {
    id: "cache#2",
    title: "Caches: Cost",
    category: "technical",
    text: "A cache that is wrong costs more than none.",
  },
  {
    id: "queue#1",
    title: "Queues",
    category: "technical",
    text: "A queue hides a slow worker until it is full.",
  },
  { id: "price#1", title: "Prices", category: "business", text: "The café doubled its prices; nobody left." },
  {
    id: "plan#1",
    title: "The plan",
    category: "business",
    text: "We sell the cache team.",
    personas: ["ada"],
  },
];
const index = createKnowledgeIndex(passages);
const idsOf = (query: string, more: Partial<Parameters<typeof search>[1]> = {}) =>
  search(index, { query, category: null, ...more }).map(({ id }) => id);

describe("search", () => {
  it("ranks by BM25 with k1 = 1.2 and b = 0.75", () => {
    // Robertson and Zaragoza's formula, figured by hand: "slow" stands once, in one of five texts. Without stop
    // words its text has 5 words (queue, hides, slow, worker, full); all five have 3 + 4 + 5 + 5 + 3, 4 on average.
    const idf = Math.log(1 + (5 - 1 + 0.5) / (1 + 0.5));
    const score = (idf * (1.2 + 1)) / (1 + 1.2 * (1 - 0.75 + (0.75 * 5) / 4));
    expect(search(index, { query: "slow", category: null })).toMatchObject([
      { id: "queue#1", score: Number(score.toFixed(3)) },
    ]);
  });

  it("finds by word, by the beginning of a word, and despite a typing mistake", () => {
    expect(idsOf("queue")).toEqual(["queue#1"]);
    expect(idsOf("comp")).toEqual(["cache#1"]);
    expect(idsOf("computid")).toEqual(["cache#1"]);
    expect(idsOf("cafe")).toEqual(["price#1"]);
  });

  it("ignores case, and words that say nothing", () => {
    expect(idsOf("WHAT is the QUEUE?")).toEqual(["queue#1"]);
    expect(idsOf("what is the")).toEqual([]);
    expect(idsOf("")).toEqual([]);
  });

  it("gives at most three passages unless told otherwise, without who may see them", () => {
    expect(idsOf("cache worker prices")).toHaveLength(3);
    expect(idsOf("cache worker prices", { limit: 1 })).toHaveLength(1);
    expect(Object.keys(search(index, { query: "team", category: null })[0] ?? {})).toEqual([
      "id",
      "title",
      "category",
      "text",
      "score",
    ]);
  });

  it("keeps to the category, if one is given", () => {
    expect(idsOf("cache", { category: undefined })).toEqual(idsOf("cache"));
    expect(idsOf("cache", { category: "business" })).toEqual(["plan#1"]);
    expect(idsOf("cache", { category: "creative" })).toEqual([]);
  });

  it("never finds what is kept for another persona or lies in a category out of scope", () => {
    expect(idsOf("sell team", { scope: { personaId: "grace" } })).toEqual([]);
    expect(idsOf("sell team", { scope: { personaId: "ada" } })).toEqual(["plan#1"]);
    expect(idsOf("cache", { scope: { categories: ["business"], personaId: "grace" } })).toEqual([]);
    expect(idsOf("queue", { scope: { categories: ["business"] }, category: "technical" })).toEqual([]);
  });

  it("lets passages out of scope take no place in the limit", () => {
    expect(idsOf("cache", { scope: { personaId: "grace" }, limit: 2 }).sort()).toEqual([
      "cache#1",
      "cache#2",
    ]);
  });

  it("orders equal scores by id, whatever the order of the passages", () => {
    const equal = ["d#1", "b#1", "c#1", "a#1"].map((id) => ({
      id,
      title: "T",
      category: "x",
      text: "equal words",
    }));
    fc.assert(
      fc.property(fc.shuffledSubarray(equal, { minLength: 4 }), (shuffled) => {
        const found = search(createKnowledgeIndex(shuffled), { query: "equal", category: null, limit: 4 });
        expect(found.map(({ id }) => id)).toEqual(["a#1", "b#1", "c#1", "d#1"]);
      }),
    );
  });

  it("rounds scores to three decimals and sorts by them, for any query", () => {
    fc.assert(
      fc.property(fc.string(), (query) => {
        const scores = search(index, { query: `cache ${query}`, category: null, limit: 9 }).map(
          ({ score }) => score,
        );
        expect(scores).toEqual([...scores].sort((a, b) => b - a));
        for (const score of scores) expect(Number(score.toFixed(3))).toBe(score);
      }),
    );
  });

  it("looks at the beginning of an endless query only", () => {
    expect(idsOf(`queue ${"filler ".repeat(100_000)} prices`)).toEqual(["queue#1"]);
  });
});

describe("createKnowledgeIndex", () => {
  it("refuses two passages of one id", () => {
    const build = () => createKnowledgeIndex([...passages, ...passages]);
    expect(build).toThrow(DramatisError);
    expect(build).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining('"cache#1"') }),
    );
  });
});

describe("categoriesInScope", () => {
  it("counts what the scope holds, in alphabetical order", () => {
    expect([...categoriesInScope(index)]).toEqual([
      ["business", 2],
      ["technical", 3],
    ]);
    expect([...categoriesInScope(index, { personaId: "grace", categories: ["business", "legal"] })]).toEqual([
      ["business", 1],
    ]);
  });
});
