/** Rows in pages, forwards and backwards. */
import { describe, expect, it } from "vitest";
import { pageOf } from "../../src/offline/page.ts";

describe("a page", () => {
  const rows = ["a", "b", "c", "d", "e"].map((model) => ({ id: `rl-${model}`, model }));
  const rules = { noun: "row", usual: 100, most: 100 };
  const look = (query: Parameters<typeof pageOf>[1]) => {
    const { data, first_id, last_id, has_more } = pageOf(rows, query, rules);
    return { models: data.map(({ model }) => model).join(""), first_id, last_id, has_more };
  };

  it.each([
    [{}, "abcde", false],
    [{ limit: "2" }, "ab", true],
    [{ limit: "2", after: "rl-b" }, "cd", true],
    [{ limit: "2", after: "rl-d" }, "e", false],
    [{ limit: "2", before: "rl-e" }, "cd", true],
    [{ limit: "4", before: "rl-c" }, "ab", false],
  ])("for %o", (query, models, hasMore) => {
    expect(look(query)).toEqual({
      models,
      first_id: `rl-${models.at(0)}`,
      last_id: `rl-${models.at(-1)}`,
      has_more: hasMore,
    });
  });

  it("behind the last row is empty", () => {
    expect(look({ after: "rl-e" })).toEqual({ models: "", first_id: null, last_id: null, has_more: false });
  });

  it("cannot lie in two directions", () => {
    expect(() => pageOf(rows, { after: "rl-a", before: "rl-e" }, rules)).toThrow("Only one of");
  });

  it.each([{ limit: "0" }, { limit: "101" }, { limit: "two" }, { limit: "" }, { after: "rl-x" }])(
    "is refused for %o",
    (query) => {
      expect(() => pageOf(rows, query, rules)).toThrow(/Invalid '(limit|after)'/);
    },
  );

  it("has as many rows as usual unless the query says", () => {
    expect(pageOf(rows, {}, { ...rules, usual: 2 })).toMatchObject({
      data: rows.slice(0, 2),
      has_more: true,
    });
  });
});
