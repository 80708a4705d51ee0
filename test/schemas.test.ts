/**
 * The JSON Schemas that editors use for the YAML files. They are generated here from the zod schemas:
 * `npm run schemas` writes them, a stale file fails.
 */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { experimentSchema } from "../src/domain/experiment.ts";
import { documentHeadSchema } from "../src/domain/knowledge.ts";
import { catalogSchema } from "../src/domain/model-info.ts";
import { personaSchema } from "../src/domain/persona.ts";
import { scenarioSchema } from "../src/domain/scenario.ts";

const SCHEMAS = {
  persona: personaSchema.meta({ title: "Dramatis persona", description: "Who speaks in a conversation." }),
  scenario: scenarioSchema.meta({ title: "Dramatis scenario", description: "What is simulated." }),
  experiment: experimentSchema.meta({
    title: "Dramatis experiment",
    description: "A scenario, and what of it is varied.",
  }),
  catalog: catalogSchema.meta({
    title: "Dramatis catalog",
    description: "Models with their prices, limits and abilities, and the rules that choose between them.",
  }),
  "knowledge-document": documentHeadSchema.meta({
    title: "Dramatis knowledge document",
    description: "Front matter of a document of a knowledge base.",
  }),
};

describe("schemas/", () => {
  // Editors' YAML support knows draft 7 best.
  it.each(Object.entries(SCHEMAS))("holds the schema of a %s as the code has it", async (name, schema) => {
    const json = JSON.stringify(z.toJSONSchema(schema, { io: "input", target: "draft-7" }), null, 2);
    const file = join(import.meta.dirname, "..", "schemas", `${name}.schema.json`);
    await expect(`${json}\n`).toMatchFileSnapshot(file);
  });
});
