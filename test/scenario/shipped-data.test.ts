/** The personas, scenarios and documents that come with the package. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatProblem } from "../../src/domain/errors.ts";
import { checkFiles } from "../../src/scenario/check-files.ts";
import { loadKnowledge } from "../../src/scenario/knowledge.ts";
import { loadPersonas } from "../../src/scenario/personas.ts";
import { loadScenario } from "../../src/scenario/scenario.ts";
import { shippedFolder } from "../../src/scenario/shipped-folder.ts";

describe("the shipped files", () => {
  it("have no problems", () => {
    const folders = [shippedFolder("personas"), shippedFolder("scenarios"), shippedFolder("knowledge")];
    expect(checkFiles(folders).map(formatProblem)).toEqual([]);
  });

  it("are at least 8 personas", () => {
    expect(loadPersonas(shippedFolder("personas")).length).toBeGreaterThanOrEqual(8);
  });

  it("are 3 scenarios, each with a knowledge base and an end", () => {
    const folder = shippedFolder("scenarios");
    const scenarios = readdirSync(folder).map((name) => loadScenario(join(folder, name)));
    expect(scenarios).toHaveLength(3);
    for (const { passages, endings } of scenarios) {
      expect(passages.length).toBeGreaterThan(0);
      expect(endings.length).toBeGreaterThan(0);
    }
  });

  it("are 15 documents in 3 categories", () => {
    const passages = loadKnowledge(shippedFolder("knowledge"));
    expect(new Set(passages.map(({ id }) => id.split("#")[0])).size).toBe(15);
    expect(new Set(passages.map(({ category }) => category))).toEqual(
      new Set(["business", "creative", "technical"]),
    );
  });
});
