import { describe, expect, it } from "vitest";
import { loadCatalog } from "../../src/catalog/catalog.ts";
import { layoutFor } from "../../src/turn/layout.ts";

describe("layoutFor", () => {
  const catalog = loadCatalog();
  it.each([
    ["gpt-4.1-mini", 6, "own-last"],
    ["gpt-4.1", 4, "own-last"],
    ["gpt-5", 6, "cards-in-head"],
    ["gpt-5-mini", 9, "cards-in-head"],
    ["gpt-5-mini", 10, "own-last"],
    ["gpt-4.1-mini", 2, "cards-in-head"],
  ] as const)("puts the cards where they cost less: %s, %i personas: %s", (model, cast, layout) => {
    expect(layoutFor(catalog.model(model), cast)).toBe(layout);
  });

  it("keeps cards out of the head where nothing is known of prices, or cached input is not cheaper", () => {
    expect(layoutFor({}, 1)).toBe("own-last");
    expect(layoutFor({ price: { input: 1, output: 4 } }, 1)).toBe("own-last");
  });
});
